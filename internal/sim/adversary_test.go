package sim_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
)

// attacks does one thing that an adversary with a board account, an administrator's
// or another plugin's identity may do.
func (s *schedule) attacks() {
	id := s.any()
	pick(s, s.prepares, func() { s.pilesUp(id) }, func() { s.mislabels(id) }, func() { s.dragsAbout(id) },
		func() { s.editsText(id) }, func() { s.editsText(id) }, func() { s.editsComment(id) }, func() { s.rewritesProperty(id) },
		func() { s.writesRecord(id) }, func() { s.changesType(id) }, s.reuses, s.reuses, s.swapsStatuses, s.replays)()
}

// editsText has the requester write something harmless on the issue, before or
// after somebody drags it, and sometimes put the text back.
func (s *schedule) editsText(id string) {
	issue := s.issue(id)
	if issue.Key == "" {
		return
	}
	s.tell("the adversary edits the text of the issue of %s", id)
	summary, description := pick(s, issue.Summary, "viewer"), pick(s, "*Roles:* viewer", issue.Description)
	moves := func() {
		if s.rng.IntN(2) == 0 {
			s.tell("bob drags the edited issue of %s", id)
			s.drag(id, "Approved", fakejira.BobID, "")
			pass(time.Duration(s.rng.IntN(3000)) * time.Millisecond)
		}
	}
	moves()
	require.NoError(s.t, s.jira.EditText(issue.Key, fakejira.CarolID, summary, description))
	pass(time.Duration(s.rng.IntN(5000)) * time.Millisecond)
	moves()
	if s.rng.IntN(3) == 0 {
		require.NoError(s.t, s.jira.EditText(issue.Key, fakejira.CarolID, issue.Summary, issue.Description))
	}
}

// editsComment puts another reason into somebody's comment.
func (s *schedule) editsComment(id string) {
	issue := s.issue(id)
	if len(issue.Comments) == 0 {
		return
	}
	comment := issue.Comments[s.rng.IntN(len(issue.Comments))]
	if comment.Author == fakejira.BotID {
		return // Those are counted.
	}
	s.tell("the adversary edits a comment on the issue of %s", id)
	require.NoError(s.t, s.jira.EditComment(issue.Key, fakejira.CarolID, comment.ID, "reason: "+forged))
}

// forged is a reason that nobody gave.
const forged = "forged by Carol"

// rewritesProperty has one request's issue say that it is another's.
func (s *schedule) rewritesProperty(id string) {
	issue, other := s.issue(id), s.any()
	if _, done := s.rewritten[issue.ID]; issue.Key == "" || done || other == id {
		return
	}
	s.tell("the adversary has the issue of %s name %s", id, other)
	s.rewritten[issue.ID] = rewrite{id, time.Now()}
	s.spoil(id)
	s.spoil(other)
	require.NoError(s.t, s.jira.SetProperty(issue.Key, fakejira.CarolID, "teleportAccessRequestId", json.RawMessage(fmt.Sprintf("%q", other))))
}

// rewrite is what an issue's property was, and until when.
type rewrite struct {
	request string
	at      time.Time
}

// writesRecord has a record name another request's issue, or hold nonsense.
func (s *schedule) writesRecord(id string) {
	another := s.any()
	other := s.issue(another)
	if other.Key == "" {
		return
	}
	s.tell("the adversary writes the record of %s", id)
	s.spoil(id)
	s.spoil(another)
	_ = s.cluster.PutPluginData("jira", id, pick(s,
		map[string]string{"issue_id": other.ID, "issue_key": other.Key},
		map[string]string{"issue_id": other.ID, "issue_key": other.Key, "handled_move": "", "refusals": "", "resolution": ""},
		map[string]string{"handled_move": "99999999", "reviews_count": "-1", "claim_until": "never"},
		map[string]string{"requester_account": fakejira.BobID, "rules_digest": "0"},
	))
}

// reuses has a new request's record and an older issue, which somebody moved
// already, name each other.
func (s *schedule) reuses() {
	old := s.any()
	issue := s.issue(old)
	if _, done := s.rewritten[issue.ID]; issue.Key == "" || done || issue.Status.Name == "Pending" {
		return
	}
	before := len(s.requests)
	s.newRequest()
	if len(s.requests) == before {
		return
	}
	id := s.requests[before]
	s.tell("the adversary has the issue of %s stand for %s", old, id)
	s.rewritten[issue.ID] = rewrite{old, time.Now()}
	s.spoil(id)
	s.spoil(old)
	require.NoError(s.t, s.jira.SetProperty(issue.Key, fakejira.CarolID, "teleportAccessRequestId", json.RawMessage(fmt.Sprintf("%q", id))))
	_ = s.cluster.PutPluginData("jira", id, map[string]string{"issue_id": issue.ID, "issue_key": issue.Key})
}

// changesType chooses a status along with the issue's type: no transition.
func (s *schedule) changesType(id string) {
	issue := s.issue(id)
	if issue.Key == "" {
		return
	}
	s.tell("the adversary changes the type of the issue of %s", id)
	require.NoError(s.t, s.jira.ChangeType(issue.Key, fakejira.BobID, "Bug", pick(s, "Approved", "Denied")))
	pass(time.Duration(s.rng.IntN(10_000)) * time.Millisecond)
	s.drag(id, "Pending", fakejira.CarolID, "")
	require.NoError(s.t, s.jira.ChangeType(issue.Key, fakejira.BobID, "Task", "Pending"))
}

// swapsStatuses has an administrator give the expired status the name of the
// approved one for a while, after somebody has moved an issue there.
func (s *schedule) swapsStatuses() {
	s.tell("the adversary swaps statuses")
	for _, id := range s.requests {
		s.spoil(id)
	}
	if len(s.requests) > 0 {
		s.drag(s.any(), "Expired", fakejira.BobID, "")
	}
	rename := func(status, name string) { require.NoError(s.t, s.jira.RenameStatus(status, name)) }
	rename("Approved", "Accepted")
	rename("Expired", "Approved")
	pass(time.Duration(s.rng.IntN(150)) * time.Second)
	rename("Approved", "Expired")
	rename("Accepted", "Approved")
}

// replays sends old webhooks once more, many at a time.
func (s *schedule) replays() {
	all := s.jira.Deliveries()
	if len(all) == 0 {
		return
	}
	s.tell("the adversary replays webhooks")
	for range 100 {
		s.jira.Redeliver(all[s.rng.IntN(len(all))])
	}
}

// spoil says that what both sides show of a request need not agree any more:
// somebody who may has seen to that. What is decided still has to be backed.
func (s *schedule) spoil(id string) { s.spoilt[id] = true }

// prepares has the requester make an issue that names the request to come, which
// somebody who may decide takes for another one's and approves.
func (s *schedule) prepares() {
	id := requestName(len(s.requests) + 1)
	s.tell("the adversary prepares an issue for %s", id)
	s.world.prepare(id)
}

// prepare makes an approved issue that names the request.
func (w *world) prepare(id string) {
	issue, err := w.jira.CreateIssue(fakejira.CarolID, fakejira.NewIssue{
		Project: "TAR", Summary: requester + " requested editor, dba",
		Labels:     []string{access.RequestID(id).Label()},
		Properties: map[string]json.RawMessage{"teleportAccessRequestId": json.RawMessage(fmt.Sprintf("%q", id))},
	})
	require.NoError(w.t, err)
	for _, status := range []string{"Pending", "Approved"} {
		if err := w.jira.Drag(issue.Key, status, fakejira.BobID); err != nil {
			fmt.Fprintf(&w.logs, "drag: %v\n", err)
		}
	}
}

// pilesUp writes more comments on an issue than are read of one in one call.
func (s *schedule) pilesUp(id string) {
	issue := s.issue(id)
	if issue.Key == "" || len(issue.Comments) > 100 {
		return
	}
	s.tell("the adversary piles comments on the issue of %s", id)
	for range 40 {
		_, err := s.jira.AddComment(issue.Key, fakejira.CarolID, "reason: mine "+strings.Repeat("x", 32_000))
		require.NoError(s.t, err)
	}
}

// mislabels gives the issue of one request the label of another, and many more.
func (s *schedule) mislabels(id string) {
	issue := s.issue(id)
	if issue.Key == "" {
		return
	}
	other := s.any()
	s.tell("the adversary labels the issue of %s as that of %s", id, other)
	labels := append(slices.Clone(issue.Labels), access.RequestID(other).Label())
	for i := range 500 {
		labels = append(labels, fmt.Sprintf("%0200d", i))
	}
	slices.Sort(labels)
	require.NoError(s.t, s.jira.SetLabels(issue.Key, fakejira.CarolID, slices.Compact(labels)))
}

// dragsAbout moves an issue many times within seconds.
func (s *schedule) dragsAbout(id string) {
	s.tell("the adversary drags the issue of %s about", id)
	for range 5 + s.rng.IntN(10) {
		s.drag(id, pick(s, "Approved", "Denied", "Pending"), pick(s, fakejira.CarolID, fakejira.RobotID), "")
		pass(time.Duration(s.rng.IntN(2000)) * time.Millisecond)
	}
}

// skew is by how much the clocks of both sides may differ: a move counts as made
// after a request that is that much younger.
const skew = 2 * time.Minute

var decidedBy = regexp.MustCompile(`\[jira (\d+)/(\d+)\]$`)

// unbacked returns which decisions of the daemon have no move behind them by a
// person who may, made after the request, on the issue that the daemon made for
// it, to the status of that decision.
func (w *world) unbacked() []string {
	var faults []string
	made := map[string]time.Time{}
	for _, e := range w.cluster.Audit() {
		if e.Type == faketeleport.AuditCreate {
			made[e.RequestID] = e.Time
		}
		if e.Type != faketeleport.AuditReview || e.User != botUser {
			continue
		}
		token := decidedBy.FindStringSubmatch(e.Reason)
		if token == nil {
			faults = append(faults, "decision that names no move: "+e.Reason)
			continue
		}
		issue, err := w.jira.Issue(token[1])
		if err != nil {
			faults = append(faults, "decision by an issue that never was: "+e.Reason)
			continue
		}
		if why := w.unbackedBy(issue, token[2], e, made[e.RequestID]); why != "" {
			faults = append(faults, fmt.Sprintf("request %s, made at %s, is %s by %s %s", e.RequestID, made[e.RequestID], e.Proposed, issue.Key, why))
		}
	}
	return faults
}

// unbackedBy returns why an issue's changelog entry does not stand behind the
// decision; "" when it does.
func (w *world) unbackedBy(issue fakejira.Issue, change string, e faketeleport.AuditEvent, made time.Time) string {
	i := slices.IndexFunc(issue.Changelog, func(c fakejira.Change) bool { return c.ID == change })
	if i < 0 {
		return "without a change"
	}
	move := issue.Changelog[i]
	names := string(issue.Properties["teleportAccessRequestId"])
	if was, ok := w.rewritten[issue.ID]; ok && e.Time.Before(was.at) {
		names = fmt.Sprintf("%q", was.request)
	}
	want := map[types.RequestState]string{types.RequestState_APPROVED: "Approved", types.RequestState_DENIED: "Denied"}[e.Proposed]
	moved := slices.ContainsFunc(move.Items, func(item fakejira.ChangeItem) bool {
		return item.Field == "status" && item.ToString != nil && *item.ToString == want
	})
	switch {
	case issue.Creator != fakejira.BotID:
		return "which the daemon did not make"
	case names != fmt.Sprintf("%q", e.RequestID):
		return "which is another request's"
	case !moved:
		return "by a change to another status"
	case made.IsZero() || move.At.Before(made.Add(-skew)):
		return "by a move made before the request"
	case move.Author == fakejira.CarolID:
		return "by the requester"
	case move.Author == fakejira.RobotID && w.jira.Flavour() == fakejira.Cloud:
		return "by an app"
	case move.Author == fakejira.BotID:
		return "by the daemon itself"
	case len(move.Items) > 1 && slices.ContainsFunc(move.Items, func(item fakejira.ChangeItem) bool { return item.Field == "issuetype" }):
		return "by a change of the issue's type"
	case strings.Contains(e.Reason, forged):
		return "with a reason that nobody gave"
	case !confirmed(issue, move.At, e.Time):
		return "on an edited text that nobody confirmed"
	}
	return ""
}

// viewAge is how old what the daemon goes by may be when it decides: it reads the
// issue again after two seconds, and an answer takes some time.
const viewAge = 2500 * time.Millisecond

// confirmed reports whether the text was the daemon's own at the move and when it
// was last read before the decision, or the daemon had said after the last edit
// what the request is for, before the move.
func confirmed(issue fakejira.Issue, moved, decided time.Time) bool {
	if decided = decided.Add(-viewAge); decided.Before(moved) {
		decided = moved
	}
	var edited time.Time
	for _, change := range issue.Changelog {
		if change.Author != fakejira.BotID && !change.At.After(decided) && change.At.After(edited) && editsText(change) {
			edited = change.At
		}
	}
	if edited.IsZero() || textAt(issue, moved) == textAt(issue, time.Time{}) && textAt(issue, decided) == textAt(issue, time.Time{}) {
		return true
	}
	return slices.ContainsFunc(issue.Comments, func(c fakejira.Comment) bool {
		return c.Author == fakejira.BotID && c.Created.After(edited) && !c.Created.After(moved) && strings.Contains(c.Body, requester)
	})
}

func editsText(change fakejira.Change) bool {
	return slices.ContainsFunc(change.Items, func(item fakejira.ChangeItem) bool {
		return item.Field == "summary" || item.Field == "description"
	})
}

// textAt is summary and description as they were at a time; the zero time is when
// the issue was made.
func textAt(issue fakejira.Issue, at time.Time) [2]string {
	text := [2]string{issue.Summary, issue.Description}
	changes := slices.Clone(issue.Changelog)
	slices.SortStableFunc(changes, func(a, b fakejira.Change) int { return b.At.Compare(a.At) }) // newest first: undone one after the other
	for _, change := range changes {
		if !change.At.After(at) {
			break
		}
		for _, item := range change.Items {
			n := slices.Index([]string{"summary", "description"}, item.Field)
			if n >= 0 && item.FromString != nil {
				text[n] = *item.FromString
			}
		}
	}
	return text
}

// TestPreparedIssueDecidesNothing: an issue that names a request was made and
// approved before it; the create's answer is lost, so that the daemon looks for
// an issue to adopt. The request gets an issue of its own, and Bob's move there
// counts.
func TestPreparedIssueDecidesNothing(t *testing.T) {
	inWorld(t, time.Second, func(t *testing.T, w *world) []string {
		w.start("r0", newBody())
		pass(time.Second)
		id := requestName(1)
		w.prepare(id)
		pass(time.Minute)
		w.jira.Inject(fakejira.Fault{Method: "POST", Route: fakejira.RouteIssues, Effect: fakejira.LoseRequest, Times: 1})
		w.request(requester, "root", faketeleport.RequestOptions{ID: id})
		pass(5 * time.Minute)
		require.Equal(t, access.Pending, w.state(id))
		require.Len(t, w.issues(id), 1)
		w.drag(id, "Approved", fakejira.BobID, "")
		pass(time.Minute)
		require.Equal(t, access.Approved, w.state(id))
		return []string{id}
	})
}
