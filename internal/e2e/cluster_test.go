package e2e

import (
	"testing"
	"time"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
)

// TestReturnOfTeleportWakesWhatWaits: cards are dragged while the Auth Service is
// away. That is said once, and nothing waits out its backoff.
func TestReturnOfTeleportWakesWhatWaits(t *testing.T) {
	w := newWorld(t)
	w.start()
	var ids []string
	for range 20 {
		id, issue := w.pending()
		ids = append(ids, id)
		defer w.inStatus(issue, "Approved")
	}
	w.quiet()
	w.auth.Stop()
	w.logged("level=WARN", "subscription to access requests ended")
	for _, id := range ids {
		w.drag(w.issue(id), "Approved", fakejira.BobID)
	}
	<-time.After(20 * time.Second)
	require.Zero(t, w.logCount("level=ERROR"))
	require.LessOrEqual(t, w.logCount("level=WARN"), 4, "it is said of the cluster, not of each request")
	succeeds(t, w.auth.Start)
	began := time.Now()
	for _, id := range ids {
		w.inState(id, types.RequestState_APPROVED)
		require.Len(t, w.reviews(id), 1)
	}
	require.Less(t, time.Since(began), 10*time.Second)
	w.logged("side works again")
}

// TestSecondFactorForAdminActionsIsExplained: the cluster refuses reviews by an
// identity that a person signed remotely.
func TestSecondFactorForAdminActionsIsExplained(t *testing.T) {
	w := newWorld(t, func(o *options) { o.cluster.AdminActionMFA = true })
	w.start()
	id, issue := w.pending()
	w.drag(issue, "Approved", fakejira.BobID)
	w.said(issue, "requires MFA verification", "tbot")
	w.inStatus(issue, "Pending")
	w.inState(id, types.RequestState_PENDING)
	require.Empty(t, w.reviews(id))
	w.logged("decision submitted", "answer=not_allowed", "requires MFA verification")
}

// TestRoleEditedWhileRunningTakesEffectAtOnce: not at the next resync only, and
// the move that met the old role needs no second one.
func TestRoleEditedWhileRunningTakesEffectAtOnce(t *testing.T) {
	w := newWorld(t, func(o *options) { o.roles = []string{faketeleport.RoleAccessPluginWithUpdate} })
	w.set("review", "mode", "auto")
	w.start()
	w.logged("review mode chosen", "mode=state")
	id, issue := w.pending()
	w.quiet()
	for _, role := range faketeleport.Presets() {
		if role.Name == faketeleport.RoleAccessPluginWithUpdate {
			role.ReviewRequests, role.UpdateRequests = []string{"*"}, false
			w.cluster.PutRole(role)
		}
	}
	w.drag(issue, "Denied", fakejira.BobID)
	w.inState(id, types.RequestState_DENIED)
	w.inStatus(issue, "Denied")
	require.Len(t, w.reviews(id), 1)
	require.Zero(t, w.logCount("level=ERROR"))
}
