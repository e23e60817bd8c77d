package e2e

import (
	"testing"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
)

// TestSecurityAutoDoesNotDecideForTwo: the daemon's role may set states and never
// could review. A request that needs two people stays pending unless the
// operator wrote that states are meant; one that needs one person is decided.
func TestSecurityAutoDoesNotDecideForTwo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		mode    string
		needed  uint32
		decided bool
	}{
		"two needed":                 {"auto", 2, false},
		"one needed":                 {"auto", 1, true},
		"two needed, state is meant": {"state", 2, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(o *options) { o.roles = []string{faketeleport.RoleAccessPluginWithUpdate} })
			w.set("review", "mode", c.mode)
			w.start()
			id := w.request(faketeleport.RequestOptions{Thresholds: []types.AccessReviewThreshold{{Approve: c.needed, Deny: 1}}})
			issue := w.issue(id)
			w.drag(issue, "Approved", fakejira.BobID)
			if c.decided {
				w.inState(id, types.RequestState_APPROVED)
				w.inStatus(issue, "Approved")
			} else {
				w.said(issue, "decided nothing", "asks for 2 people", "allow.review_requests.roles")
				w.inStatus(issue, "Pending")
				w.inState(id, types.RequestState_PENDING)
				w.drag(issue, "Denied", fakejira.BobID)
				w.inState(id, types.RequestState_DENIED) // one is enough for that
			}
			w.quiet()
			warned := w.logCount("level=WARN", "past the cluster's thresholds")
			require.Equal(t, map[string]int{"auto": 1}[c.mode], warned)
		})
	}
}

// TestSecurityAutoKeepsReviewingWhenTheRightIsTakenAway: the right to review is
// taken from the daemon's role while it runs, and the right to set states is not.
func TestSecurityAutoKeepsReviewingWhenTheRightIsTakenAway(t *testing.T) {
	w := newWorld(t)
	w.start()
	id, issue := w.pending()
	w.cluster.PutUser(faketeleport.User{Name: botUser, Roles: []string{faketeleport.RoleAccessPluginWithUpdate}})
	w.drag(issue, "Approved", fakejira.BobID)
	w.said(issue, "decided nothing", "allow.review_requests")
	w.inStatus(issue, "Pending")
	w.inState(id, types.RequestState_PENDING)

	w.cluster.PutUser(faketeleport.User{Name: botUser, Roles: []string{faketeleport.RolePluginReviewer}})
	w.drag(issue, "Approved", fakejira.BobID)
	w.inState(id, types.RequestState_APPROVED)
	require.Len(t, w.reviews(id), 1)
}
