package e2e

import (
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
)

func (w *world) reload() {
	w.t.Helper()
	w.writeConfig()
	w.signal(syscall.SIGHUP)
}

func TestSIGHUPTakesUpAChangedConfiguration(t *testing.T) {
	w := newWorld(t)
	w.start()
	w.set("review", "approvers", []string{"bob@example.com"})
	w.set("http", "webhook_secret", []string{"another", secret})
	w.reload()
	w.logged("level=INFO", "configuration reloaded")
	w.ready()
	resp, _ := w.deliver(call{body: "{}", secret: "another"})
	require.Equal(t, http.StatusNoContent, resp.StatusCode)
	id, issue := w.pending()
	w.drag(issue, "Approved", fakejira.CarolID)
	w.said(issue, "not one of the configured approvers")
	w.inState(id, types.RequestState_PENDING)
	require.Equal(t, "1", w.metric("teleport_jira_config_last_reload_successful"))
}

func TestSIGHUPWithABrokenConfigurationKeepsTheOld(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(w *world){
		"a fault in the file":   func(w *world) { w.set("jira", "project", ""); w.set("review", "mode", "magic") },
		"a wrong token":         func(w *world) { w.set("jira", "api_token", "guess") },
		"a missing project":     func(w *world) { w.set("jira", "project", "NOPE") },
		"a missing key file":    func(w *world) { w.set("http", "https_key_file", w.path("gone")) },
		"an identity gone":      func(w *world) { w.set("teleport", "identity", w.path("gone")) },
		"a log without a place": func(w *world) { w.set("log", "output", w.path("no/such/directory")) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.start()
			spoil(w)
			w.reload()
			w.logged("level=ERROR", "configuration not reloaded, the old one stays in use")
			require.Equal(t, "0", w.metric("teleport_jira_config_last_reload_successful"))
			if name != "a fault in the file" { // see TestSecurityFileThatDoesNotParseKeepsTheRulesAndSaysSo
				w.ready()
			}
			id, issue := w.pending()
			w.drag(issue, "Approved", fakejira.BobID)
			w.inState(id, types.RequestState_APPROVED)
		})
	}
}

func TestSIGHUPLosesNothingThatIsUnderWay(t *testing.T) {
	w := newWorld(t)
	w.start()
	ids := make([]string, 30)
	for i := range ids {
		ids[i] = w.request(faketeleport.RequestOptions{})
		if i%10 == 5 {
			w.reload()
		}
	}
	for _, id := range ids {
		within(t, time.Minute, func(c *assert.CollectT) { require.NotEmpty(c, w.record(id)["issue_id"]) })
		w.issue(id)
	}
	w.quiet()
	require.Len(t, w.jira.Issues(), len(ids))
}
