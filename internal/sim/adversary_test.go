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

// attacks does one thing that an adversary with a board account may do.
func (s *schedule) attacks() {
	id := s.any()
	pick(s, s.prepares, func() { s.pilesUp(id) }, func() { s.mislabels(id) }, func() { s.dragsAbout(id) })()
}

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
	want := map[types.RequestState]string{types.RequestState_APPROVED: "Approved", types.RequestState_DENIED: "Denied"}[e.Proposed]
	moved := slices.ContainsFunc(move.Items, func(item fakejira.ChangeItem) bool {
		return item.Field == "status" && item.ToString != nil && *item.ToString == want
	})
	switch {
	case issue.Creator != fakejira.BotID:
		return "which the daemon did not make"
	case string(issue.Properties["teleportAccessRequestId"]) != fmt.Sprintf("%q", e.RequestID):
		return "which is another request's"
	case !moved:
		return "by a change to another status"
	case made.IsZero() || move.At.Before(made):
		return "by a move made before the request"
	case move.Author == fakejira.CarolID:
		return "by the requester"
	case move.Author == fakejira.RobotID && w.jira.Flavour() == fakejira.Cloud:
		return "by an app"
	case move.Author == fakejira.BotID:
		return "by the daemon itself"
	}
	return ""
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
