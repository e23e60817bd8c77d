package e2e

import (
	"net/http"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
)

// What the existing plugin is known to get wrong.

func TestRequestMadeWhileTheDaemonWasDown(t *testing.T) {
	w := newWorld(t)
	id := w.request(faketeleport.RequestOptions{})
	w.start()
	w.issue(id)
	w.stop()
	id = w.request(faketeleport.RequestOptions{})
	w.start()
	w.issue(id)
	w.quiet()
	require.Len(t, w.jira.Issues(), 2)
}

func TestRequestSettledBeforeItWasSeenGetsNoIssue(t *testing.T) {
	w := newWorld(t)
	id := w.request(faketeleport.RequestOptions{})
	w.review(id, bob, types.RequestState_APPROVED, "")
	w.start()
	w.quiet()
	require.Empty(t, w.jira.Issues())
}

func TestDecidedInJiraWhileTheDaemonWasDown(t *testing.T) {
	w := newWorld(t)
	w.start()
	id, issue := w.pending()
	w.stop()
	w.says(issue, fakejira.BobID, "reason: decided at night")
	w.drag(issue, "Approved", fakejira.BobID)
	w.start()
	w.inState(id, types.RequestState_APPROVED)
	w.said(issue, "has been approved")
	reviews := w.reviews(id)
	require.Len(t, reviews, 1)
	require.Contains(t, reviews[0].Reason, "decided at night")
}

func TestDecidedInTeleportWhileTheDaemonWasDown(t *testing.T) {
	w := newWorld(t)
	w.start()
	approved, first := w.pending()
	removed, second := w.pending()
	w.stop()
	w.review(approved, bob, types.RequestState_APPROVED, "while it was down")
	require.NoError(t, w.cluster.Remove(removed))
	w.start()
	w.inStatus(first, "Approved")
	w.inStatus(second, "Expired")
	w.said(first, "has been approved", "while it was down")
	w.said(second, "removed in Teleport")
}

func TestRequestGoneWithItsRecordWhileTheDaemonWasDown(t *testing.T) {
	w := newWorld(t)
	w.start()
	id, issue := w.pending()
	w.stop()
	require.NoError(t, w.cluster.Remove(id))
	w.cluster.DropPluginData(id)
	w.start()
	w.inStatus(issue, "Expired")
	w.said(issue, "can no longer be decided")
}

func TestJiraAwayForAWhileLosesNothing(t *testing.T) {
	w := newWorld(t)
	w.start()
	id, issue := w.pending()
	w.site.Stop()
	other := w.request(faketeleport.RequestOptions{})
	w.review(id, bob, types.RequestState_DENIED, "no")
	w.logged("will retry", "request_id="+id)
	succeeds(t, w.site.Start)
	w.inStatus(issue, "Denied")
	within(t, 100*time.Second, func(c *assert.CollectT) { require.Len(c, w.issues(other), 1) })
	w.issue(other)
	w.ready()
	require.NotContains(t, w.log.String(), "goroutine ", "no stack trace")
}

func TestWatcherThatEndsIsOpenedAgainAndNothingIsLost(t *testing.T) {
	w := newWorld(t)
	w.start()
	id, issue := w.pending()
	w.cluster.Inject(faketeleport.Unavailable("WatchEvents", 2))
	w.cluster.CloseWatchers()
	during := w.request(faketeleport.RequestOptions{})
	w.review(id, bob, types.RequestState_APPROVED, "")
	w.issue(during)
	w.inStatus(issue, "Approved")
}

func TestClusterThatRestartsLosesNothing(t *testing.T) {
	w := newWorld(t)
	w.start()
	id, issue := w.pending()
	w.auth.Stop()
	during := w.request(faketeleport.RequestOptions{})
	w.review(id, bob, types.RequestState_APPROVED, "")
	w.logged("subscription to access requests ended")
	eventually(t, func(c *assert.CollectT) {
		status, body, err := w.admin("/readyz")
		require.NoError(c, err)
		require.Equal(c, http.StatusServiceUnavailable, status)
		require.Contains(c, body, "teleport: ")
	})
	succeeds(t, w.auth.Start)
	w.issue(during)
	w.inStatus(issue, "Approved")
	w.ready()
}

// TestReadinessTellsOfAJiraThatAnswersAndIsOfNoUse: every call is answered, and
// by something else than a Jira that can be worked with.
func TestReadinessTellsOfAJiraThatAnswersAndIsOfNoUse(t *testing.T) {
	t.Parallel()
	respond := func(status int) fakejira.Fault { return fakejira.Fault{Effect: fakejira.Respond, Status: status} }
	for name, tc := range map[string]struct {
		fault fakejira.Fault
		says  string
	}{
		"login page elsewhere": {fakejira.Fault{Effect: fakejira.Redirect, Status: http.StatusFound, Body: "https://sso.example.com"}, "302 Found"},
		"bad request":          {respond(http.StatusBadRequest), "400 Bad Request"},
		"allow list":           {respond(http.StatusForbidden), "403 Forbidden"},
		"suspended site":       {respond(http.StatusNotFound), "404 Not Found"},
		"removed API":          {respond(http.StatusGone), "410 Gone"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			// Nobody but the resync calls Jira.
			w.set("reconcile", "resync_interval", "1s")
			w.start()
			clearFault := w.jira.Inject(tc.fault)
			eventually(t, func(c *assert.CollectT) {
				status, body, err := w.admin("/readyz")
				require.NoError(c, err)
				require.Equal(c, http.StatusServiceUnavailable, status)
				require.Contains(c, body, "jira: ")
				require.Contains(c, body, tc.says)
			})
			w.logged("side unreachable, will catch up", "side=jira", tc.says)
			clearFault()
			w.ready()
			w.logged("side reachable again", "side=jira")
			w.pending()
		})
	}
}
