package load

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/gravitational/teleport/api/types"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/testworld"
)

// broken tells, in words, which promises do not hold for the requests.
func (w *world) broken(requests []string) []string {
	var faults []string
	byRequest := w.issues()
	for _, id := range requests {
		found := byRequest[id]
		if len(found) != 1 {
			faults = append(faults, fmt.Sprintf("request %s has %d issues", id, len(found)))
			continue
		}
		faults = append(faults, w.untrue(id, found[0])...)
	}
	return append(faults, w.decidedTwice()...)
}

// untrue tells in what the issue differs from its request.
func (w *world) untrue(id string, issue fakejira.Issue) []string {
	var faults []string
	add := func(format string, args ...any) {
		faults = append(faults, fmt.Sprintf("issue %s of %s ", issue.Key, id)+fmt.Sprintf(format, args...))
	}
	said := map[string]int{}
	last := ""
	for _, mark := range marks(issue) {
		if said[mark]++; said[mark] == 2 {
			add("has more than one comment %s", mark)
		}
		if state, ok := strings.CutPrefix(mark, "resolution/"); ok {
			last = state // a denial may follow an approval
		}
	}
	statuses := map[string]string{"": "Pending", "approved": "Approved", "denied": "Denied", "expired": "Expired"}
	req, err := w.cluster.Request(id)
	if err == nil && last != resolutionOf(req) {
		add("says last that it is %q, but it is %q", last, resolutionOf(req))
	}
	if err != nil && last == "" {
		add("does not say that the request is gone")
	}
	// What was decided stays so when its time is up.
	if issue.Status.Name != statuses[last] {
		add("is %s, but says that it is %q", issue.Status.Name, last)
	}
	if err == nil {
		for i, review := range req.GetReviews() {
			if said[fmt.Sprintf("review/%d", i)] == 0 && !saidWith(review, i == len(req.GetReviews())-1, said, last) {
				add("has no comment on review %d", i)
			}
		}
	}
	return faults
}

// saidWith reports whether another comment tells of a review: the one on what the
// request came to, of the last one, or the one that answers the move which was
// submitted as the review.
func saidWith(review types.AccessReview, last bool, said map[string]int, state string) bool {
	if last && said["resolution/"+state] > 0 {
		return true
	}
	move := change.FindStringSubmatch(review.Reason)
	return move != nil && said["move/"+move[1]] > 0
}

// resolutionOf is what a request has come to; empty while it is pending.
func resolutionOf(req types.AccessRequest) string {
	if req.GetState().IsPending() {
		return ""
	}
	return strings.ToLower(req.GetState().String())
}

// change names, in the reason of a decision, the issue's change that it is
// about.
var change = regexp.MustCompile(`\[jira \d+/([^]]+)\]$`)

// decidedTwice looks through the cluster's audit trail for decisions that the
// daemons submitted more than once.
func (w *world) decidedTwice() []string {
	var faults []string
	seen := map[string]bool{}
	for _, event := range w.cluster.Audit() {
		mark := change.FindString(event.Reason)
		if event.User != testworld.Bot || mark == "" {
			continue
		}
		if seen[mark] {
			faults = append(faults, "decision submitted twice: "+mark)
		}
		seen[mark] = true
	}
	return faults
}

// marks are what the daemon's comments report, in their order.
func marks(issue fakejira.Issue) []string {
	var said []string
	for _, c := range issue.Comments {
		var value struct{ Mark string }
		if c.Author == fakejira.BotID && json.Unmarshal(c.Properties["teleport-jira"], &value) == nil && value.Mark != "" {
			said = append(said, value.Mark)
		}
	}
	return said
}
