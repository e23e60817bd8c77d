package sim_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing/synctest"
	"time"

	"github.com/gravitational/teleport/api/types"

	"teleport-jira/internal/access"
	"teleport-jira/internal/fakejira"
)

// reaction is the time within which a replica in peace brings a request and its
// issue in step.
const reaction = time.Minute

// faultsOf stops all replicas and returns which promises do not hold. What both
// sides show is compared at the moment they stop: a request that expires later
// expires on a board that nobody keeps. Replicas are watched for another hour,
// in which a stopped one must make no call.
func (w *world) faultsOf(ids []string, decidable func(id string) bool) []string {
	for w.expiresWithin(ids, 2*reaction) {
		pass(2 * reaction)
	}
	pass(reaction)
	synctest.Wait()
	for _, r := range w.replicas {
		r.halt()
	}
	faults := w.broken(ids, decidable)
	pass(time.Hour)
	for _, r := range w.replicas {
		if r.body.afterEnd > 0 {
			faults = append(faults, fmt.Sprintf("replica %s made %d calls after it stopped", r.name, r.body.afterEnd))
		}
	}
	return faults
}

// expiresWithin reports whether a request's time is up within d.
func (w *world) expiresWithin(ids []string, d time.Duration) bool {
	return slices.ContainsFunc(ids, func(id string) bool {
		req, err := w.cluster.Request(id)
		return err == nil && time.Until(req.Expiry()) < d
	})
}

// broken collects which promises do not hold for the requests, in words.
// decidable tells of a request whether it was pending long enough to need an
// issue; one that vanished at once may have none.
func (w *world) broken(ids []string, decidable func(id string) bool) []string {
	var faults []string
	add := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	for _, id := range ids {
		found := w.issues(id)
		switch {
		case len(found) > 1:
			add("request %s has %d issues", id, len(found))
			continue
		case len(found) == 0 && decidable(id):
			add("request %s (%s) has no issue", id, w.state(id))
			continue
		case len(found) == 0:
			continue
		}
		faults = append(faults, w.untrue(id, found[0])...)
	}
	faults = append(faults, w.decidedWrongly()...)
	faults = append(faults, w.unbacked()...)
	for _, r := range w.replicas {
		if n := r.queued(); n > 0 && !r.body.isDead() && !r.retired {
			add("replica %s still has %d entries queued", r.name, n)
		}
	}
	return faults
}

// isLeft reports whether the daemon said that it leaves the issue where it is,
// as it does after five refusals.
func isLeft(issue fakejira.Issue) bool {
	return slices.ContainsFunc(issue.Comments, func(c fakejira.Comment) bool {
		return c.Author == fakejira.BotID && strings.Contains(c.Body, "moved back too often")
	})
}

// untrue tells in what the issue differs from its request.
func (w *world) untrue(id string, issue fakejira.Issue) []string {
	var faults []string
	add := func(format string, args ...any) {
		faults = append(faults, fmt.Sprintf("issue %s of %s ", issue.Key, id)+fmt.Sprintf(format, args...))
	}
	state := w.state(id)
	want := state
	if state == access.Expired {
		// A settled request ends in time, and its issue stays as it was.
		if resolved := resolutions(issue); len(resolved) > 0 {
			want = resolved[len(resolved)-1]
		}
	}
	recorded := state != access.Expired || len(w.cluster.PluginData(id)["jira"]) > 0
	if name := settings().Statuses[want][0]; issue.Status.Name != name && (recorded || issue.Status.Name == "Pending") && !isLeft(issue) {
		add("is %s, but the request is %s", issue.Status.Name, state)
	}
	marks := marks(issue)
	for mark, n := range marks {
		if n != 1 {
			add("has %d comments %s, at %s", n, mark, times(issue, mark))
		}
	}
	if want != access.Pending && marks["resolution/"+string(want)] == 0 {
		add("has no comment on its resolution %s", want)
	}
	if req, err := w.cluster.Request(id); err == nil {
		for i, review := range req.GetReviews() {
			if marks[fmt.Sprintf("review/%d", i)] == 0 && !toldWith(review, i == len(req.GetReviews())-1, marks, want) {
				add("has no comment on review %d", i)
			}
		}
	}
	return faults
}

// toldWith reports whether another comment tells of a review: the one on what the
// request came to, of the last one, or the one that answers the move which was
// submitted as the review.
func toldWith(review types.AccessReview, last bool, marks map[string]int, state access.State) bool {
	if last && marks["resolution/"+string(state)] > 0 {
		return true
	}
	move := decidedBy.FindStringSubmatch(review.Reason)
	return move != nil && marks["move/"+move[2]] > 0
}

var token = regexp.MustCompile(`\[jira \d+/[^]]+\]$`)

// decidedWrongly looks through the audit trail for decisions that were
// submitted twice, or for people who may not.
func (w *world) decidedWrongly() []string {
	var faults []string
	seen := map[string]bool{}
	for _, e := range w.cluster.Audit() {
		mark := token.FindString(e.Reason)
		if e.User != botUser || mark == "" {
			continue
		}
		if seen[e.RequestID+mark] {
			faults = append(faults, "decision submitted twice: "+mark)
		}
		seen[e.RequestID+mark] = true
		if strings.Contains(e.Reason, "Carol") {
			faults = append(faults, "decided by the requester: "+e.Reason)
		}
		if strings.Contains(e.Reason, "Automation") && w.jira.Flavour() == fakejira.Cloud {
			faults = append(faults, "decided by an app: "+e.Reason)
		}
	}
	return faults
}

// marks counts the daemon's comments by what they report.
func marks(issue fakejira.Issue) map[string]int {
	n := map[string]int{}
	for _, c := range issue.Comments {
		if m := mark(c); m != "" {
			n[m]++
		}
	}
	return n
}

func mark(c fakejira.Comment) string {
	var value struct{ Mark string }
	if c.Author != fakejira.BotID || json.Unmarshal(c.Properties["teleport-jira"], &value) != nil {
		return ""
	}
	return value.Mark
}

// times are when the comments with the mark were written.
func times(issue fakejira.Issue, wanted string) string {
	var at []string
	for _, c := range issue.Comments {
		if mark(c) == wanted {
			at = append(at, c.Created.UTC().Format("15:04:05.000"))
		}
	}
	return strings.Join(at, " and ")
}

// resolutions are the states that comments say the request came to, in order.
func resolutions(issue fakejira.Issue) []access.State {
	var states []access.State
	for _, c := range issue.Comments {
		if state, ok := strings.CutPrefix(mark(c), "resolution/"); ok {
			states = append(states, access.State(state))
		}
	}
	return states
}

func (b *body) isDead() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.dead
}

// queued is the depth of the replica's queue, as its metrics show it.
func (r *replica) queued() int {
	families, err := r.reg.Gather()
	if err != nil {
		return -1
	}
	for _, f := range families {
		if f.GetName() == "teleport_jira_queue_depth" {
			return int(f.GetMetric()[0].GetGauge().GetValue())
		}
	}
	return 0
}

// review makes a decision as a Teleport user; that it comes too late is fine.
func (w *world) review(author, id string, state types.RequestState) {
	_, _ = w.cluster.Review(author, id, state, "because "+author+" says so")
}
