package load

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
	"teleport-jira/internal/testworld"
)

const (
	botUser = "jira-bot" // the daemon's Teleport user
	alice   = "alice@example.com"
	secret  = "of-the-webhook"
)

// options is what a world is made of.
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
	cluster  *faketeleport.Cluster
	auth     *faketeleport.Server
	jira     *fakejira.Server
	site     *testworld.Site
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
	w.cluster, err = faketeleport.New(faketeleport.Config{})
	require.NoError(w.t, err)
	w.t.Cleanup(w.cluster.Close)
	w.auth, err = faketeleport.Serve(w.cluster, "127.0.0.1:0")
	require.NoError(w.t, err)
	w.t.Cleanup(w.auth.Stop)
	w.cluster.PutUser(faketeleport.User{Name: botUser, Roles: []string{
		faketeleport.RolePluginReviewer, faketeleport.RoleAccessPluginWithUpdate,
	}})
	for _, name := range []string{"rita", "rolf"} {
		w.cluster.PutUser(faketeleport.User{Name: name, Roles: []string{faketeleport.RoleReviewer}})
	}
	w.cluster.PutUser(faketeleport.User{Name: alice, Roles: []string{faketeleport.RoleRequester}})
	require.NoError(w.t, w.cluster.WriteIdentityFile(w.path("identity"), botUser, 100*time.Hour))
}

func (w *world) makeJira(o options) {
	w.t.Helper()
	w.site = &testworld.Site{Addr: testworld.FreeAddr(w.t)}
	o.jira.BaseURL = w.site.URL()
	o.jira.WebhookTransport = &http.Transport{MaxIdleConnsPerHost: 32}
	var err error
	w.jira, err = fakejira.New(o.jira)
	require.NoError(w.t, err)
	w.t.Cleanup(w.jira.Close)
	w.site.Handler = w.jira
	require.NoError(w.t, w.site.Start())
	w.t.Cleanup(w.site.Stop)
}

func (w *world) addReplica(i int, o options) {
	w.t.Helper()
	r := &replica{
		world: w, hookAddr: testworld.FreeAddr(w.t), adminAddr: testworld.FreeAddr(w.t),
		conf: w.path(fmt.Sprintf("replica%d.toml", i)), log: w.path(fmt.Sprintf("replica%d.log", i)),
	}
	text := fmt.Sprintf(`
[teleport]
auth_server = %q
identity = %q
[jira]
url = "http://%s"
username = %q
api_token_file = %q
project = "TAR"
[http]
listen_addr = %q
webhook_secret = %q
[review]
mode = %q
[reconcile]
poll_interval = %q
resync_interval = %q
[telemetry]
listen_addr = %q
[log]
output = %q
severity = %q
`, w.auth.Addr(), w.path("identity"), w.site.Addr, fakejira.BotEmail, w.path("token"), r.hookAddr, secret,
		o.mode, o.poll, o.resync, r.adminAddr, r.log, o.severity)
	require.NoError(w.t, os.WriteFile(r.conf, []byte(text), 0o600))
	w.replicas = append(w.replicas, r)
	w.t.Cleanup(r.kill)
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

// until waits for done and tells whether it came in time.
func until(limit, every time.Duration, done func() bool) bool {
	timeout := time.After(limit)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for !done() {
		select {
		case <-timeout:
			return done()
		case <-tick.C:
		}
	}
	return true
}

// await is until for what has to come.
func (w *world) await(limit, every time.Duration, what string, done func() bool) {
	w.t.Helper()
	if !until(limit, every, done) {
		require.Failf(w.t, "waited in vain", "%s within %s", what, limit)
	}
}
