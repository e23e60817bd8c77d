package load

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
	"teleport-jira/internal/testworld"
)

const (
	alice  = "alice@example.com"
	secret = "of-the-webhook"
)

// options describe a world.
type options struct {
	jira      fakejira.Options
	replicas  int
	mode      string // [review] mode
	poll      string // poll_interval
	resync    string // resync_interval
	severity  string // of the log
	webhooks  bool   // Jira sends webhooks
	hookRetry float64
}

// world is a cluster, a Jira, and daemons between them. All that it serves is
// in this process, so that the doubles share the machine with the daemons.
type world struct {
	t        *testing.T
	cluster  *testworld.Cluster
	auth     *faketeleport.Server // the cluster's
	jira     *testworld.Jira
	site     *testworld.Site // Jira's
	dir      string
	replicas []*replica
	client   *http.Client
}

// newWorld makes a world in which no daemon runs yet.
func newWorld(t *testing.T, change ...func(*options)) *world {
	t.Helper()
	o := options{
		jira: fakejira.Board(fakejira.Cloud), replicas: 1, mode: "review",
		poll: "1m", resync: "10m", severity: "INFO", hookRetry: 0.001,
	}
	o.jira.CallLog = 50_000
	for _, f := range change {
		f(&o)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	w := &world{t: t, dir: t.TempDir(), client: &http.Client{Transport: transport, Timeout: 10 * time.Second}}
	w.makeCluster()
	w.makeJira(o)
	require.NoError(t, os.WriteFile(w.path("token"), []byte(fakejira.BotToken), 0o600))
	for i := range o.replicas {
		w.addReplica(i, o)
	}
	return w
}

func (w *world) makeCluster() {
	w.t.Helper()
	var err error
	w.cluster, err = testworld.NewCluster(testworld.ClusterOptions{
		Identity: w.path("identity"), IdentityTTL: 100 * time.Hour,
		BotRoles: []string{faketeleport.RolePluginReviewer, faketeleport.RoleAccessPluginWithUpdate},
		Users: []faketeleport.User{
			{Name: "rita", Roles: []string{faketeleport.RoleReviewer}},
			{Name: "rolf", Roles: []string{faketeleport.RoleReviewer}},
			{Name: alice, Roles: []string{faketeleport.RoleRequester}},
		},
	})
	require.NoError(w.t, err)
	w.t.Cleanup(w.cluster.Close)
	w.auth = w.cluster.Auth
}

func (w *world) makeJira(o options) {
	w.t.Helper()
	o.jira.WebhookTransport = &http.Transport{MaxIdleConnsPerHost: 32}
	var err error
	w.jira, err = testworld.NewJira(o.jira, w.freeAddr())
	require.NoError(w.t, err)
	w.t.Cleanup(w.jira.Close)
	w.site = w.jira.Site
}

func (w *world) freeAddr() string {
	w.t.Helper()
	addr, err := testworld.FreeAddr()
	require.NoError(w.t, err)
	return addr
}

func (w *world) addReplica(i int, o options) {
	w.t.Helper()
	r := &replica{world: w, hookAddr: w.freeAddr(), log: w.path(fmt.Sprintf("replica%d.log", i))}
	r.daemon = &testworld.Daemon{
		Argv: []string{binary}, ConfigPath: w.path(fmt.Sprintf("replica%d.toml", i)),
		AdminAddr: w.freeAddr(), Client: w.client,
	}
	conf := testworld.Config{}
	w.cluster.Configure(conf, w.path("identity"))
	w.jira.Configure(conf)
	conf.Drop("jira", "api_token")
	conf.Set("jira", "api_token_file", w.path("token"))
	conf.Set("http", "listen_addr", r.hookAddr)
	conf.Set("http", "webhook_secret", secret)
	conf.Set("review", "mode", o.mode)
	conf.Set("reconcile", "poll_interval", o.poll)
	conf.Set("reconcile", "resync_interval", o.resync)
	conf.Set("telemetry", "listen_addr", r.daemon.AdminAddr)
	conf.Set("log", "output", r.log)
	conf.Set("log", "severity", o.severity)
	r.conf = conf
	require.NoError(w.t, conf.Write(r.daemon.ConfigPath))
	out, err := os.OpenFile(r.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(w.t, err)
	r.daemon.Out = out
	w.replicas = append(w.replicas, r)
	w.t.Cleanup(func() {
		r.kill()
		assert.NoError(w.t, out.Close())
	})
	if o.webhooks {
		w.jira.RegisterWebhook(fakejira.Webhook{URL: "http://" + r.hookAddr + "/", Secret: secret, RetryScale: o.hookRetry})
	}
}

// path is a file in the world's directory.
func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

// request makes an Access Request and returns its id.
func (w *world) request(o faketeleport.RequestOptions) string {
	w.t.Helper()
	req, err := w.cluster.CreateRequest(alice, []string{"editor", "dba"}, "to mend the database", o)
	require.NoError(w.t, err)
	return req.GetName()
}

// How often is looked for what is awaited: in this process, and by asking a
// daemon, which costs it more.
const (
	often  = time.Millisecond
	seldom = 50 * time.Millisecond
)

// await waits for what has to come.
func (w *world) await(limit, every time.Duration, what string, done func() bool) {
	w.t.Helper()
	if !testworld.Until(limit, every, done) {
		require.Failf(w.t, "waited in vain", "%s within %s", what, limit)
	}
}
