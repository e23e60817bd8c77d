package e2e

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
)

// Secrets show nowhere, whatever goes wrong.

const (
	hidden1 = "hidden-signing-secret-one"
	hidden2 = "hidden-signing-secret-two"
	hidden3 = "hidden-basic-password"
	badPAT  = "hidden-token-that-is-wrong"
)

// secrets are all that may not show, in every form that somebody may echo.
func (w *world) secrets() []string {
	w.t.Helper()
	all := []string{fakejira.BotToken, badPAT, hidden1, hidden2, hidden3}
	for _, token := range []string{fakejira.BotToken, badPAT} {
		all = append(all, base64.StdEncoding.EncodeToString([]byte(fakejira.BotEmail+":"+token)))
	}
	for _, file := range []string{identity, "tls.key"} {
		text, err := os.ReadFile(w.path(file))
		require.NoError(w.t, err)
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSpace(line); len(line) > 40 && !strings.Contains(line, "CERTIFICATE") {
				all = append(all, line)
				break // the first line of the key itself
			}
		}
	}
	return append(all, "PRIVATE KEY")
}

// run runs another command of the binary to its end.
func (w *world) run(args ...string) string {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env = append(os.Environ(), w.env...)
	out, err := cmd.CombinedOutput()
	require.NotEmpty(w.t, out, err)
	return string(out)
}

// shown is everything that the running daemon shows to anybody.
func (w *world) shown() string {
	w.t.Helper()
	var b strings.Builder
	b.WriteString(w.log.String())
	for _, path := range []string{"/metrics", "/healthz", "/readyz"} {
		_, body, err := w.admin(path)
		require.NoError(w.t, err)
		b.WriteString(body)
	}
	cmdline, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", w.daemon.Process().PID()))
	require.NoError(w.t, err)
	b.Write(cmdline)
	return b.String()
}

func (w *world) hides(text string) {
	w.t.Helper()
	for _, s := range w.secrets() {
		require.NotContains(w.t, text, s)
	}
}

func TestSecuritySecretsShowNowhere(t *testing.T) {
	w := newWorld(t, func(o *options) { o.secret = hidden1 })
	token := w.path("token")
	require.NoError(t, os.WriteFile(token, []byte(fakejira.BotToken+"\n"), 0o600))
	w.conf.Drop("jira", "api_token")
	w.set("jira", "api_token_file", token)
	w.set("http", "webhook_secret", []string{hidden1, hidden2})
	w.set("reconcile", "poll_interval", "1s")
	w.start("--debug")
	id, issue := w.pending()
	w.drag(issue, "Approved", fakejira.BobID)
	w.inState(id, types.RequestState_APPROVED)
	w.hides(w.shown())
	w.hides(w.run("check", "--config", w.confPath))
	w.hides(w.run("check", "--config", w.confPath, "--format", "json"))

	// Proxies and login pages that give back what they were sent.
	echo := []string{"Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(fakejira.BotEmail+":"+fakejira.BotToken)), fakejira.BotToken}
	text, err := json.Marshal(map[string]any{"errorMessages": echo, "errors": map[string]string{"x": echo[0]}, "message": echo[0]})
	require.NoError(t, err)
	for _, body := range []string{"<html>" + strings.Join(echo, "<br>") + "</html>", string(text)} {
		for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusBadRequest, http.StatusBadGateway, http.StatusOK} {
			remove := w.jira.Inject(fakejira.Fault{Effect: fakejira.Respond, Status: status, Body: body})
			calls := len(w.jira.Calls())
			another, err := w.cluster.CreateRequest(alice, []string{"dba"}, "x "+strconv.Itoa(status), faketeleport.RequestOptions{})
			require.NoError(t, err)
			eventually(t, func(c *assert.CollectT) { require.Greater(c, len(w.jira.Calls()), calls) })
			w.logged(another.GetName())
			w.hides(w.shown())
			w.hides(w.run("check", "--config", w.confPath))
			remove()
			w.ready() // after a refused login nothing else is tried before it works
		}
	}

	// A token that is wrong, and files that change.
	require.NoError(t, os.WriteFile(token, []byte(badPAT), 0o600))
	w.logged("msg=\"secrets reloaded\"")
	w.signal(syscall.SIGHUP)
	w.logged("configuration not reloaded")
	w.hides(w.shown())
	w.hides(w.run("check", "--config", w.confPath))
	w.hides(w.run("start", "--config", w.confPath))
}

func TestSecurityBrokenConfigurationsDoNotShowTheirSecrets(t *testing.T) {
	w := newWorld(t)
	for name, text := range map[string]string{
		"misspelt key":        "[jira]\napi_tokn = \"" + badPAT + "\"\n",
		"string without end":  "[jira]\napi_token = \"" + badPAT + "\n",
		"without quotes":      "[jira]\napi_token = " + badPAT + "\n",
		"table for a secret":  "[http]\nwebhook_secret = { a = \"" + hidden1 + "\" }\n",
		"list in a list":      "[http]\nwebhook_secret = [[\"" + hidden1 + "\"]]\n",
		"both forms":          "[jira]\napi_token = \"" + badPAT + "\"\napi_token_file = \"/x\"\n",
		"key twice":           "[jira]\napi_token = \"" + badPAT + "\"\napi_token = \"" + badPAT + "\"\n",
		"secret as the user":  "[http.basic_auth]\nuser = 5\npassword = \"" + hidden3 + "\"\n",
		"address with a user": "[jira]\nurl = \"https://bot:" + badPAT + "@jira.example.com\"\n",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "broken.toml")
			require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
			for _, command := range []string{"start", "check"} {
				out := w.run(command, "--config", path)
				w.hides(out)
				require.NotContains(t, out, "goroutine ")
			}
		})
	}
}

func TestSecurityFilesThatOthersMayReadAreWarnedAbout(t *testing.T) {
	w := newWorld(t)
	token := w.path("token")
	require.NoError(t, os.WriteFile(token, []byte(fakejira.BotToken), 0o600))
	require.NoError(t, os.Chmod(token, 0o644))
	w.conf.Drop("jira", "api_token")
	w.set("jira", "api_token_file", token)
	w.start()
	w.logged("level=WARN", "jira.api_token_file", "may be read by every user")
}

func TestSecurityFilesThatOthersMayWriteAreFaults(t *testing.T) {
	w := newWorld(t)
	token := w.path("token")
	require.NoError(t, os.WriteFile(token, []byte(fakejira.BotToken), 0o600))
	w.conf.Drop("jira", "api_token")
	w.set("jira", "api_token_file", token)
	w.writeConfig()
	for path, key := range map[string]string{w.confPath: w.confPath, token: "jira.api_token_file", w.path(identity): "teleport.identity"} {
		require.NoError(t, os.Chmod(path, 0o666))
		for _, command := range []string{"start", "check"} {
			out := w.run(command, "--config", w.confPath)
			require.Contains(t, out, key+": ")
			require.Contains(t, out, path+" may be written by every user of this host (mode 0666): chmod o-w "+path)
		}
		require.NoError(t, os.Chmod(path, 0o660)) // by the group: an administrator's choice
	}
	w.start()
	w.pending()

	// A reload takes no rules from a file that anybody may have written.
	digest := w.rulesDigest()
	w.approversAre(carol)
	w.writeConfig()
	require.NoError(t, os.Chmod(w.confPath, 0o666))
	w.signal(syscall.SIGHUP)
	w.logged("level=ERROR", "configuration not reloaded", "may be written by every user")
	require.Equal(t, digest, w.rulesDigest())
}

func TestSecretsAreNeverWritten(t *testing.T) {
	w := newWorld(t)
	w.start("--debug")
	id, issue := w.pending()
	w.drag(issue, "Approved", fakejira.BobID)
	w.inState(id, types.RequestState_APPROVED)
	w.reload()
	w.logged("configuration reloaded")
	_, metrics, err := w.admin("/metrics")
	require.NoError(t, err)
	w.stop()
	for _, hidden := range []string{fakejira.BotToken, secret, "PRIVATE KEY"} {
		require.NotContains(t, w.log.String(), hidden)
		require.NotContains(t, metrics, hidden)
	}
}
