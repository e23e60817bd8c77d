package e2e

import (
	"crypto/tls"
	"net"
	"net/http"
	"os"
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

// Without webhooks.

func TestPollingNeedsNoInboundPort(t *testing.T) {
	w := newWorld(t, func(o *options) { o.polling = true })
	w.set("http", "listen_addr", w.hookAddr)
	w.start()
	_, err := net.Dial("tcp", w.hookAddr)
	require.Error(t, err)
	require.Zero(t, w.logCount("msg=listening", "http.listen_addr"))

	id, issue := w.pending()
	w.says(issue, fakejira.BobID, "reason: polled")
	w.drag(issue, "Approved", fakejira.BobID)
	w.inState(id, types.RequestState_APPROVED)
	w.said(issue, "has been approved", "polled")

	denied, issue := w.pending()
	w.drag(issue, "Denied", fakejira.AliceID)
	w.said(issue, "nobody may decide their own request")
	w.inStatus(issue, "Pending")
	w.inState(denied, types.RequestState_PENDING)
}

func TestPollingOnDataCenterWithSearchThatLags(t *testing.T) {
	w := newWorld(t, func(o *options) {
		o.jira = fakejira.Board(fakejira.DataCenter)
		o.jira.SearchLag = 2 * time.Second
		o.polling = true
	})
	w.start()
	id, issue := w.pending()
	w.drag(issue, "Denied", fakejira.BobID)
	w.inState(id, types.RequestState_DENIED)
	w.said(issue, "has been denied")
}

// Stopping.

func TestStopsInGoodOrder(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]os.Signal{"SIGTERM": syscall.SIGTERM, "SIGINT": syscall.SIGINT} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.start()
			w.pending()
			w.signal(s)
			require.Zero(t, w.exit())
			require.Equal(t, 1, w.logCount("level=INFO", "msg=\"stopping, what is under way is finished first"))
			require.Equal(t, 1, w.logCount("level=INFO", "msg=stopped"))
			require.Zero(t, w.logCount("level=ERROR"))
		})
	}
}

func TestStopsWithin15SecondsWhileJiraHangs(t *testing.T) {
	w := newWorld(t)
	w.start()
	id, issue := w.pending()
	w.quiet()
	w.jira.Inject(fakejira.Fault{Effect: fakejira.Hang})
	w.review(id, bob, types.RequestState_APPROVED, "")
	eventually(t, func(c *assert.CollectT) { require.NotEmpty(c, w.record(id)["claim"]) })
	start := time.Now()
	w.signal(syscall.SIGTERM)
	require.Zero(t, w.exit())
	require.Less(t, time.Since(start), 15*time.Second)

	w.jira.ClearFaults()
	w.start()
	within(t, time.Minute, func(c *assert.CollectT) { require.Equal(c, "Approved", w.read(issue.ID).Status.Name) })
	w.said(issue, "has been approved")
}

func TestStopsWhileBothSidesAreWaitedFor(t *testing.T) {
	w := newWorld(t)
	w.auth.Stop()
	w.site.Stop()
	w.launch()
	w.logged("not reachable yet", "side=teleport")
	w.logged("not reachable yet", "side=jira")
	w.stop()
	require.Zero(t, w.logCount("level=ERROR"))
}

func TestWorkUnderWayIsFinishedOnAStop(t *testing.T) {
	w := newWorld(t)
	w.start()
	w.jira.SetLatency(2 * time.Second)
	id := w.request(faketeleport.RequestOptions{})
	eventually(t, func(c *assert.CollectT) { require.NotEmpty(c, w.record(id)["claim"]) })
	w.stop()
	require.Len(t, w.issues(id), 1)
	require.Equal(t, w.issues(id)[0].ID, w.record(id)["issue_id"], "it is noted")
	require.Empty(t, w.record(id)["claim"], "and handed back")
}

// Reloading.

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
	resp, _ := w.knock(call{body: "{}", secret: "another"})
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
			w.ready()
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

func TestSIGHUPReopensTheLogFile(t *testing.T) {
	w := newWorld(t)
	file, rotated := w.path("daemon.log"), w.path("daemon.log.1")
	w.set("log", "output", file)
	w.start()
	require.NoError(t, os.Rename(file, rotated))
	w.reload()
	eventually(t, func(c *assert.CollectT) {
		text, err := os.ReadFile(file)
		require.NoError(c, err)
		require.Contains(c, string(text), "configuration reloaded")
	})
	old, err := os.ReadFile(rotated)
	require.NoError(t, err)
	require.Contains(t, string(old), "msg=starting")
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Zero(t, info.Mode().Perm()&0o007, "others may not read it")
}

func TestRenewedCertificateIsTakenUpWithoutASignal(t *testing.T) {
	w := newWorld(t)
	w.start()
	before := w.serial()
	want := w.ca.issue(t, w.dir)
	require.NotEqual(t, want, before)
	eventually(t, func(c *assert.CollectT) { require.Equal(c, want, w.serial()) })
	w.logged("certificate reloaded")
}

func TestHalfACertificateLeavesTheOldInUse(t *testing.T) {
	w := newWorld(t)
	w.start()
	before := w.serial()
	require.NoError(t, os.WriteFile(w.path("tls.crt"), []byte("-----BEGIN CERTIFICATE-----\nMIIB"), 0o600))
	w.logged("level=WARN", "certificate not reloaded, the old one stays in use")
	require.Equal(t, before, w.serial())
}

// serial is the number of the certificate that the webhook listener shows.
func (w *world) serial() int64 {
	dialer := &tls.Dialer{Config: &tls.Config{RootCAs: w.ca.pool(), MinVersion: tls.VersionTLS12}}
	conn, err := dialer.DialContext(w.t.Context(), "tcp", w.hookAddr)
	if err != nil {
		return 0
	}
	defer conn.Close()
	secured, ok := conn.(*tls.Conn)
	if !ok {
		return 0
	}
	return secured.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

func TestRenewedIdentityIsTakenUpWithoutASignal(t *testing.T) {
	w := newWorld(t)
	w.set("teleport", "refresh_identity_interval", "1s")
	w.start()
	w.cluster.PutUser(faketeleport.User{Name: "jira-bot-2", Roles: []string{faketeleport.RoleAccessPluginWithReview}})
	require.NoError(t, w.cluster.WriteIdentityFile(w.path(identity), "jira-bot-2", time.Hour))
	w.logged("identity renewed", "teleport_user=jira-bot-2")
	id, issue := w.pending()
	w.drag(issue, "Approved", fakejira.BobID)
	w.inState(id, types.RequestState_APPROVED)
	require.Equal(t, "jira-bot-2", w.reviews(id)[0].Author)
}

func TestHalfAnIdentityLeavesTheOldInUse(t *testing.T) {
	w := newWorld(t)
	w.set("teleport", "refresh_identity_interval", "1s")
	w.start()
	whole, err := os.ReadFile(w.path(identity))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(w.path(identity), whole[:len(whole)/2], 0o600))
	w.logged("level=WARN", "identity not renewed")
	w.pending()
}

func TestTokenThatExpiredIsLoudAndItsNewFileIsTakenUp(t *testing.T) {
	w := newWorld(t)
	token := w.path("token")
	require.NoError(t, os.WriteFile(token, []byte(fakejira.BotToken+"\n"), 0o600))
	w.conf.drop("jira", "api_token")
	w.set("jira", "api_token_file", token)
	w.start()
	require.NoError(t, w.jira.ChangeAccount(fakejira.BotID, func(a *fakejira.Account) { a.Token = "renewed-token" }))
	id := w.request(faketeleport.RequestOptions{})
	w.logged("level=ERROR", "request_id="+id)
	eventually(t, func(c *assert.CollectT) {
		status, body, err := w.admin("/readyz")
		require.NoError(c, err)
		require.Equal(c, http.StatusServiceUnavailable, status)
		require.Contains(c, body, "jira: ")
	})
	require.NoError(t, os.WriteFile(token, []byte("renewed-token\n"), 0o600))
	w.logged("changed secrets taken up")
	within(t, time.Minute, func(c *assert.CollectT) { require.Len(c, w.issues(id), 1) })
	w.issue(id)
	w.ready()
	require.NotContains(t, w.log.String(), "renewed-token")
}

// What is written.

func TestLogAsJSON(t *testing.T) {
	w := newWorld(t)
	w.set("log", "format", "json")
	w.start()
	id, issue := w.pending()
	w.logged(`"msg":"issue created"`, `"request_id":"`+id+`"`, `"issue_key":"`+issue.Key+`"`)
	for line := range strings.Lines(w.log.String()) {
		require.True(t, strings.HasPrefix(line, "{"), line)
	}
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
