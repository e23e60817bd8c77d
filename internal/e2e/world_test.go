package e2e

import (
	"crypto/tls"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
	"teleport-jira/internal/testworld"
)

const (
	botUser  = testworld.Bot       // the daemon's Teleport user
	alice    = "alice@example.com" // Teleport users, with accounts in Jira
	bob      = "bob@example.com"
	carol    = "carol@example.com"
	proxy    = "teleport.example.com:443"
	secret   = "s3cret-of-the-webhook"
	identity = "identity" // the identity file's name
)

// options describe a world.
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
	cluster   *testworld.Cluster
	auth      *faketeleport.Server // the cluster's
	jira      *testworld.Jira
	site      *testworld.Site // Jira's
	ca        *testworld.Authority
	dir       string
	conf      testworld.Config
	confPath  string
	hookAddr  string
	adminAddr string
	env       []string
	through   []string     // a command that runs the daemon; empty: none
	client    *http.Client // trusts the daemon's listener
	log       *testworld.Log
	daemon    *testworld.Daemon
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
		t: t, ca: newAuthority(t), dir: t.TempDir(), log: &testworld.Log{}, conf: testworld.Config{},
		hookAddr: freeAddr(t), adminAddr: freeAddr(t),
	}
	w.confPath = w.path("teleport-jira.toml")
	w.issueCertificate()
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: w.ca.Pool(), MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
	}
	t.Cleanup(transport.CloseIdleConnections)
	w.client = &http.Client{Transport: transport, Timeout: patience}
	w.makeCluster(o)
	w.makeJira(o, transport)
	w.configure(o)
	w.makeDaemon()
	return w
}

func (w *world) makeCluster(o options) {
	w.t.Helper()
	people := []string{faketeleport.RoleRequester, faketeleport.RoleReviewer}
	var err error
	w.cluster, err = testworld.NewCluster(testworld.ClusterOptions{
		Config: o.cluster, Addr: freeAddr(w.t), BotRoles: o.roles, Identity: w.path(identity),
		Users: []faketeleport.User{{Name: alice, Roles: people}, {Name: bob, Roles: people}, {Name: carol, Roles: people}},
	})
	require.NoError(w.t, err)
	w.t.Cleanup(w.cluster.Close)
	w.auth = w.cluster.Auth
}

func (w *world) makeJira(o options, transport http.RoundTripper) {
	w.t.Helper()
	o.jira.WebhookTransport = transport
	var err error
	w.jira, err = testworld.NewJira(o.jira, freeAddr(w.t))
	require.NoError(w.t, err)
	w.t.Cleanup(w.jira.Close)
	w.site = w.jira.Site
	if !o.polling {
		w.jira.RegisterWebhook(fakejira.Webhook{URL: w.hookURL("/"), Secret: o.secret, RetryScale: 0.0005})
	}
}

// makeDaemon sets up the daemon, which is not started yet. What it writes is
// shown if the test fails.
func (w *world) makeDaemon() {
	w.daemon = &testworld.Daemon{
		ConfigPath: w.confPath, AdminAddr: w.adminAddr, Out: w.log, Client: w.client,
	}
	w.t.Cleanup(func() {
		assert.NoError(w.t, w.daemon.Kill())
		countRefusals(w.log)
		if w.t.Failed() {
			w.t.Logf("what the daemon wrote:\n%s", w.log)
		}
	})
}

// configure fills the configuration. Nothing but webhooks and events is to be
// relied upon, unless the world is one that polls.
func (w *world) configure(o options) {
	w.cluster.Configure(w.conf, w.path(identity))
	w.jira.Configure(w.conf)
	w.set("reconcile", "poll_interval", "0")
	w.set("telemetry", "listen_addr", w.adminAddr)
	w.set("log", "severity", "DEBUG")
	if o.polling {
		w.set("http", "enabled", false)
		w.set("reconcile", "poll_interval", "1s")
		return
	}
	w.set("http", "listen_addr", w.hookAddr)
	w.set("http", "https_key_file", w.path(testworld.KeyFile))
	w.set("http", "https_cert_file", w.path(testworld.CertFile))
	if o.secret != "" {
		w.set("http", "webhook_secret", o.secret)
	}
}

// set changes the configuration that start and reload write.
func (w *world) set(section, key string, value any) { w.conf.Set(section, key, value) }

// writeConfig writes the configuration as it is now.
func (w *world) writeConfig() { w.writeText(w.conf.String()) }

// writeText writes a configuration file of any content.
func (w *world) writeText(text string) {
	w.t.Helper()
	require.NoError(w.t, os.WriteFile(w.confPath, []byte(text), 0o600))
}

// issueCertificate gives the listener a new certificate and returns its serial
// number.
func (w *world) issueCertificate() int64 {
	w.t.Helper()
	serial, err := w.ca.Issue(w.dir)
	require.NoError(w.t, err)
	return serial
}

func newAuthority(t *testing.T) *testworld.Authority {
	t.Helper()
	ca, err := testworld.NewAuthority()
	require.NoError(t, err)
	return ca
}

func freeAddr(t *testing.T) string {
	t.Helper()
	addr, err := testworld.FreeAddr()
	require.NoError(t, err)
	return addr
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
	value, found := w.daemon.Metric(name)
	if !found {
		return ""
	}
	return strconv.FormatFloat(value, 'f', -1, 64)
}
