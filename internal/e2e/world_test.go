package e2e

import (
	"crypto/tls"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
	"teleport-jira/internal/testworld"
)

const (
	botUser  = "jira-bot"          // the daemon's Teleport user
	alice    = "alice@example.com" // Teleport users, with accounts in Jira
	bob      = "bob@example.com"
	carol    = "carol@example.com"
	proxy    = "teleport.example.com:443"
	secret   = "s3cret-of-the-webhook"
	identity = "identity" // the identity file's name
)

// options is what a world is made of.
type options struct {
	jira    fakejira.Options
	cluster faketeleport.Config
	roles   []string // of the daemon's Teleport user
	polling bool     // no webhook listener: Jira is polled
	secret  string   // of the webhook; empty: it is not signed
}

// world is a cluster, a Jira, and a daemon between them that the test starts
// and stops. It is not ready for concurrent use.
type world struct {
	t         *testing.T
	cluster   *faketeleport.Cluster
	auth      *faketeleport.Server
	jira      *fakejira.Server
	site      *testworld.Site
	ca        *authority
	dir       string
	conf      configuration
	confPath  string
	hookAddr  string
	adminAddr string
	env       []string
	through   []string     // a command that runs the daemon; empty: none
	client    *http.Client // trusts the daemon's listener
	log       *output
	proc      *testworld.Process
}

// newWorld makes a world with a running Cloud Jira and a running cluster, a
// configuration that fits them, and no daemon yet. The test runs in parallel.
func newWorld(t *testing.T, change ...func(*options)) *world {
	t.Helper()
	t.Parallel()
	o := options{
		jira:    fakejira.Board(fakejira.Cloud),
		cluster: faketeleport.Config{ClusterName: "example.com", ProxyPublicAddr: proxy},
		roles:   []string{faketeleport.RolePluginReviewer},
		secret:  secret,
	}
	for _, f := range change {
		f(&o)
	}
	w := &world{
		t: t, ca: newAuthority(t), dir: t.TempDir(), log: &output{}, conf: configuration{},
		hookAddr: testworld.FreeAddr(t), adminAddr: testworld.FreeAddr(t),
	}
	w.confPath = filepath.Join(w.dir, "teleport-jira.toml")
	w.ca.issue(t, w.dir)
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: w.ca.pool(), MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
	}
	t.Cleanup(transport.CloseIdleConnections)
	w.client = &http.Client{Transport: transport, Timeout: patience}
	w.makeCluster(o)
	w.makeJira(o, transport)
	w.configure(o)
	t.Cleanup(func() {
		w.abandon()
		if t.Failed() {
			t.Logf("what the daemon wrote:\n%s", w.log)
		}
	})
	return w
}

func (w *world) makeCluster(o options) {
	w.t.Helper()
	var err error
	w.cluster, err = faketeleport.New(o.cluster)
	require.NoError(w.t, err)
	w.t.Cleanup(w.cluster.Close)
	w.auth, err = faketeleport.Serve(w.cluster, testworld.FreeAddr(w.t))
	require.NoError(w.t, err)
	w.t.Cleanup(w.auth.Stop)
	w.cluster.PutUser(faketeleport.User{Name: botUser, Roles: o.roles})
	for _, user := range []string{alice, bob, carol} {
		w.cluster.PutUser(faketeleport.User{Name: user, Roles: []string{faketeleport.RoleRequester, faketeleport.RoleReviewer}})
	}
	require.NoError(w.t, w.cluster.WriteIdentityFile(w.path(identity), botUser, time.Hour))
}

func (w *world) makeJira(o options, transport http.RoundTripper) {
	w.t.Helper()
	w.site = &testworld.Site{Addr: testworld.FreeAddr(w.t)}
	if o.jira.BaseURL == "" {
		o.jira.BaseURL = w.site.URL()
	}
	o.jira.WebhookTransport = transport
	var err error
	w.jira, err = fakejira.New(o.jira)
	require.NoError(w.t, err)
	w.t.Cleanup(w.jira.Close)
	w.site.Handler = w.jira
	succeeds(w.t, w.site.Start)
	w.t.Cleanup(w.site.Stop)
	if !o.polling {
		w.jira.RegisterWebhook(fakejira.Webhook{URL: w.hookURL("/"), Secret: o.secret, RetryScale: 0.0005})
	}
}

// configure fills the configuration. Nothing but webhooks and events is to be
// relied upon, unless the world is one that polls.
func (w *world) configure(o options) {
	w.set("teleport", "auth_server", w.auth.Addr())
	w.set("teleport", "identity", w.path(identity))
	w.set("jira", "url", w.site.URL())
	w.set("jira", "username", fakejira.BotEmail)
	w.set("jira", "api_token", fakejira.BotToken)
	w.set("jira", "project", "TAR")
	w.set("reconcile", "poll_interval", "0")
	w.set("telemetry", "listen_addr", w.adminAddr)
	w.set("log", "severity", "DEBUG")
	if o.jira.Flavour == fakejira.DataCenter {
		w.set("jira", "username", "")
		w.set("jira", "api_token", fakejira.BotPAT)
	}
	if o.polling {
		w.set("http", "enabled", false)
		w.set("reconcile", "poll_interval", "1s")
		return
	}
	w.set("http", "listen_addr", w.hookAddr)
	w.set("http", "https_key_file", w.path("tls.key"))
	w.set("http", "https_cert_file", w.path("tls.crt"))
	if o.secret != "" {
		w.set("http", "webhook_secret", o.secret)
	}
}

// path is a file in the world's directory.
func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

func (w *world) hookURL(path string) string { return "https://" + w.hookAddr + path }

// quiet waits until everything that was started is done: no webhook is under
// way, nothing is queued, and nothing has been looked at for a while.
func (w *world) quiet() {
	w.t.Helper()
	var last string
	var since time.Time
	eventually(w.t, func(c *assert.CollectT) {
		for _, d := range w.jira.Deliveries() {
			require.True(c, d.Done || d.Lost, "a webhook is under way")
		}
		now := w.metric("teleport_jira_reconcile_duration_seconds_count")
		if now != last || w.metric("teleport_jira_queue_depth") != "0" {
			last, since = now, time.Now()
		}
		require.Greater(c, time.Since(since), calm, "the daemon works")
	})
}

// metric is the value of a metric without labels; empty if there is none.
func (w *world) metric(name string) string {
	_, body, err := w.admin("/metrics")
	if err != nil {
		return err.Error()
	}
	for line := range strings.Lines(body) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
