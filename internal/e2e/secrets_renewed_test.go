package e2e

import (
	"net/http"
	"os"
	"testing"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
)

// A secret that changes is taken up, and nothing with it.

// secretInFile moves the webhook's secret into a file.
func (w *world) secretInFile() (path string) {
	w.t.Helper()
	path = w.path("hook")
	require.NoError(w.t, os.WriteFile(path, []byte(secret), 0o600))
	w.conf.Drop("http", "webhook_secret")
	w.set("http", "webhook_secret_file", path)
	return path
}

func TestSecurityChangedSecretBringsUpNothingElseOfAnEditedConfiguration(t *testing.T) {
	w := newWorld(t)
	hook := w.secretInFile()
	w.approversAre(carol)
	w.start()
	digest := w.rulesDigest()

	// Somebody edits the configuration and has not reloaded it.
	w.approversAre(bob)
	w.set("jira", "api_token", "half-typed")
	w.set("http.basic_auth", "user", "jira")
	w.set("http.basic_auth", "password", "not yet")
	w.writeConfig()
	require.NoError(t, os.WriteFile(hook, []byte("renewed-secret"), 0o600))
	w.logged("msg=\"secrets reloaded\"")
	resp, _ := w.deliver(call{body: "{}", secret: "renewed-secret"})
	require.Equal(t, http.StatusNoContent, resp.StatusCode, "the new secret, and no password yet")
	resp, _ = w.deliver(call{body: "{}", secret: secret})
	require.Equal(t, http.StatusUnauthorized, resp.StatusCode)
	require.Equal(t, digest, w.rulesDigest())

	// Also where the file that is being edited is no TOML yet.
	w.writeText("[jira")
	require.NoError(t, os.WriteFile(hook, []byte(secret), 0o600))
	eventually(t, func(c *assert.CollectT) {
		resp, _ := w.deliver(call{body: "{}", secret: secret})
		require.Equal(c, http.StatusNoContent, resp.StatusCode)
	})
	id, issue := w.pending()
	w.drag(issue, "Approved", fakejira.CarolID)
	w.inState(id, types.RequestState_APPROVED)
}

func TestSecurityWebhookSecretThatChangesWhileJiraIsAwaitedIsTakenUp(t *testing.T) {
	w := newWorld(t)
	hook := w.secretInFile()
	w.site.Stop()
	w.launch()
	w.logged("side unreachable, will retry", "side=jira")
	require.NoError(t, os.WriteFile(hook, []byte("renewed-secret"), 0o600))
	w.logged("msg=\"secrets reloaded\"")
	resp, _ := w.deliver(call{body: "{}", secret: secret})
	require.Equal(t, http.StatusUnauthorized, resp.StatusCode)
	require.NoError(t, w.site.Start())
	w.ready()
	resp, _ = w.deliver(call{body: "{}", secret: "renewed-secret"})
	require.Equal(t, http.StatusNoContent, resp.StatusCode)
}

func TestTokenThatChangesWhileJiraIsAwaitedIsTakenUp(t *testing.T) {
	w := newWorld(t)
	token := w.path("token")
	require.NoError(t, os.WriteFile(token, []byte("old-token"), 0o600))
	w.conf.Drop("jira", "api_token")
	w.set("jira", "api_token_file", token)
	w.site.Stop()
	w.launch()
	w.logged("side unreachable, will retry", "side=jira")
	require.NoError(t, os.WriteFile(token, []byte(fakejira.BotToken), 0o600))
	w.logged("msg=\"secrets reloaded\"")
	require.NoError(t, w.site.Start())
	w.ready()
	w.pending()
}
