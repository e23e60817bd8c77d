package e2e

import (
	"strings"
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

// TestDaemonIsAtWorkWithinSecondsOfTheClustersReturn: the pauses between attempts
// have grown by then.
func TestDaemonIsAtWorkWithinSecondsOfTheClustersReturn(t *testing.T) {
	t.Parallel()
	for name, arrange := range map[string]func(w *world){
		"an Auth Service":             func(*world) {},
		"one behind a Proxy":          func(w *world) { w.set("teleport", "ca_file", w.throughProxy()) },
		"one behind a Proxy and more": func(w *world) { w.behindBalancer() },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			arrange(w)
			w.start()
			w.pending()
			w.auth.Stop()
			w.logged("subscription to access requests ended")
			<-time.After(15 * time.Second)
			during := w.request(faketeleport.RequestOptions{})
			succeeds(t, w.auth.Start)
			back := time.Now()
			w.issue(during)
			require.Less(t, time.Since(back), 5*time.Second)
			require.Zero(t, w.logCount("level=ERROR"))
		})
	}
}

// TestListFromAnOldCacheIsLookedAtAgain: a request made while there was no
// subscription is not in the list that follows the new one.
func TestListFromAnOldCacheIsLookedAtAgain(t *testing.T) {
	w := newWorld(t, func(o *options) { o.cluster.ListLag = 3 * time.Second })
	w.start()
	w.pending()
	w.cluster.Inject(faketeleport.Unavailable("WatchEvents", 1))
	w.cluster.CloseWatchers()
	w.logged("subscription to access requests ended")
	during := w.request(faketeleport.RequestOptions{})
	began := time.Now()
	w.issue(during)
	require.Less(t, time.Since(began), 15*time.Second, "long before the next resync")
}

func TestOnBehalfThatCannotWorkFailsTheCheck(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cluster     faketeleport.Config
		says, omits string
	}{
		"too old":      {faketeleport.Config{Version: "14.2.3"}, "set [review] mode to auto, or upgrade the cluster to 18.11.0", ""},
		"no reviews":   {faketeleport.Config{Version: "18.11.0", Community: true}, "the cluster has no advanced access workflows", "review_requests"},
		"new and able": {faketeleport.Config{OnBehalf: true}, "", "failure"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(o *options) {
				o.cluster.Version, o.cluster.Community, o.cluster.OnBehalf = c.cluster.Version, c.cluster.Community, c.cluster.OnBehalf
			})
			w.set("review", "mode", "on_behalf")
			w.set("review.users", fakejira.BobID, bob)
			w.writeConfig()
			out, _, status := command(t, "check", "--config", w.confPath)
			require.Equal(t, c.says == "", status == 0, out)
			require.Contains(t, out, c.says)
			if c.omits != "" {
				require.NotContains(t, out, c.omits)
			}
		})
	}
}

// TestCommunityClusterIsNotToldOfReviews: it refuses roles that have the right.
func TestCommunityClusterIsNotToldOfReviews(t *testing.T) {
	w := newWorld(t, func(o *options) { o.cluster.Community, o.roles = true, []string{faketeleport.RoleAccessPlugin} })
	w.set("review", "mode", "auto")
	w.writeConfig()
	out, _, status := command(t, "check", "--config", w.confPath)
	require.NotZero(t, status)
	require.Contains(t, out, "allow.rules: [{resources: [access_request], verbs: [update]}]")
	require.NotContains(t, out, "review_requests")
}

func TestRuleWithAConditionIsNotToldToBeAdded(t *testing.T) {
	w := newWorld(t)
	for _, role := range faketeleport.Presets() {
		if role.Name == faketeleport.RolePluginReviewer {
			role.ListWhere = `contains(request.roles, "dba")`
			w.cluster.PutRole(role)
		}
	}
	w.writeConfig()
	out := w.run("check", "--config", w.confPath)
	require.Contains(t, out, "allowed under a condition (where)")
	require.Contains(t, out, "take the condition (where) off the rules")
	require.NotContains(t, out, "add to a role of the daemon allow.rules: [{resources: [access_request]")
}

func TestIdentityThatExpiresIsSaidBeforeItDoes(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.cluster.WriteIdentityFile(w.path(identity), botUser, time.Minute))
	w.set("teleport", "refresh_identity", false)
	w.start()
	w.logged("level=WARN", "identity expires soon", "remaining=", "write a new identity before")
	w.pending()
}

// TestIdentityOfAnotherClusterEndsTheStart: the host's certificate is of a CA that
// the identity does not have.
func TestIdentityOfAnotherClusterEndsTheStart(t *testing.T) {
	w := newWorld(t)
	other, err := faketeleport.New(faketeleport.Config{})
	require.NoError(t, err)
	t.Cleanup(other.Close)
	other.PutUser(faketeleport.User{Name: botUser, Roles: []string{faketeleport.RolePluginReviewer}})
	require.NoError(t, other.WriteIdentityFile(w.path(identity), botUser, time.Hour))
	w.conf.Drop("log", "severity")
	w.launch()
	require.Equal(t, 1, w.exit())
	requireComplaint(t, w.log.String(), "identity", "another cluster")
	for line := range strings.Lines(w.log.String()) {
		require.Less(t, len(line), 1000)
	}
}
