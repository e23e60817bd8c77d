package e2e

import (
	"net/http"
	"syscall"
	"testing"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
)

// A reload changes who may decide at once, whatever becomes of the rest.

// approversAre makes these the only approvers of the configuration as it is
// written next.
func (w *world) approversAre(approvers ...string) { w.set("review", "approvers", approvers) }

func TestSecurityApproverRemovedWhileJiraIsAwayDecidesNothing(t *testing.T) {
	w := newWorld(t)
	w.approversAre(bob, carol)
	w.start()
	id, issue := w.pending()
	w.site.Stop()
	w.approversAre(carol)
	w.reload()
	w.logged("rules for deciding changed, in use at once")
	w.drag(issue, "Approved", fakejira.BobID)
	require.NoError(t, w.site.Start())
	w.said(issue, "not one of the configured approvers")
	w.inState(id, types.RequestState_PENDING)
	w.drag(issue, "Approved", fakejira.CarolID)
	w.inState(id, types.RequestState_APPROVED)
}

func TestSecurityApproverRemovedBesideAFaultDecidesNothing(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(w *world){
		"a wrong token":         func(w *world) { w.set("jira", "api_token", "guess") },
		"an identity gone":      func(w *world) { w.set("teleport", "identity", w.path("gone")) },
		"a log without a place": func(w *world) { w.set("log", "output", w.path("no/such/directory")) },
		"another section":       func(w *world) { w.set("log", "severity", "LOUD") },
		"a cluster that is away": func(w *world) {
			w.set("teleport", "auth_server", freeAddr(w.t))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.approversAre(bob, carol)
			w.start()
			id, issue := w.pending()
			spoil(w)
			w.approversAre(carol)
			w.reload()
			w.logged("rules for deciding changed, in use at once")
			w.drag(issue, "Approved", fakejira.BobID)
			w.said(issue, "not one of the configured approvers")
			w.inState(id, types.RequestState_PENDING)
			w.drag(issue, "Approved", fakejira.CarolID)
			w.inState(id, types.RequestState_APPROVED)
		})
	}
}

// Statuses are part of what the daemon was built with: nothing is decided until
// the configuration that changes them is up.
func TestSecurityStatusesThatChangeHoldDecisions(t *testing.T) {
	w := newWorld(t)
	w.start()
	id, issue := w.pending()
	w.set("jira.statuses", "approved", []string{"Done"})
	w.set("jira.statuses", "promoted", []string{"Done"})
	w.set("jira", "api_token", "guess")
	w.reload()
	w.logged("decisions wait until the new configuration is up")
	w.logged("configuration not reloaded")
	status, answer, err := w.admin("/readyz")
	require.NoError(t, err)
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Contains(t, answer, "configuration: decisions wait")
	w.drag(issue, "Approved", fakejira.BobID)
	w.logged("left for later, decisions wait", id)
	w.inState(id, types.RequestState_PENDING)

	// The honest counterpart: once it is taken back, what waited is decided.
	w.conf.Drop("jira.statuses", "approved")
	w.conf.Drop("jira.statuses", "promoted")
	w.set("jira", "api_token", fakejira.BotToken)
	w.reload()
	w.inState(id, types.RequestState_APPROVED)
	w.ready()
}

func TestSecurityFileThatDoesNotParseKeepsTheRulesAndSaysSo(t *testing.T) {
	w := newWorld(t)
	w.approversAre(carol)
	w.start()
	w.writeText("[review\napprovers = []\n")
	w.signal(syscall.SIGHUP)
	w.logged("level=ERROR", "rules for deciding could not be read")
	w.logged("level=ERROR", "configuration not reloaded")
	eventually(t, func(c *assert.CollectT) {
		status, answer, err := w.admin("/readyz")
		require.NoError(c, err)
		require.Equal(c, http.StatusServiceUnavailable, status)
		require.Contains(c, answer, "configuration: the configuration file is at fault")
	})
	require.Equal(t, "0", w.metric("teleport_jira_config_last_reload_successful"))
	id, issue := w.pending()
	w.drag(issue, "Approved", fakejira.BobID)
	w.said(issue, "not one of the configured approvers")
	w.drag(issue, "Approved", fakejira.CarolID)
	w.inState(id, types.RequestState_APPROVED)
	w.reload()
	w.logged("configuration reloaded")
	w.ready()
}
