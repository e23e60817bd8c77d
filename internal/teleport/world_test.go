package teleport_test

import (
	"bytes"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/faketeleport"
	"teleport-jira/internal/reconcile"
	"teleport-jira/internal/teleport"
)

// bot is the daemon's Teleport user.
const bot = "jira-bot"

var _ reconcile.Cluster = (*teleport.Client)(nil)

// world is a cluster double, an identity for the daemon, and what the daemon
// logs and counts. It may be made in a synctest bubble.
type world struct {
	t       *testing.T
	cluster *faketeleport.Cluster
	server  *faketeleport.Server
	cfg     teleport.Config
	log     *lines
	reg     *prometheus.Registry
}

func newWorld(t *testing.T, cfg faketeleport.Config, roles ...string) *world {
	t.Helper()
	cluster, err := faketeleport.New(cfg)
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	server, err := faketeleport.ServeMemory(cluster)
	require.NoError(t, err)
	t.Cleanup(server.Stop)
	if len(roles) == 0 {
		roles = []string{faketeleport.RolePluginReviewer}
	}
	cluster.PutUser(faketeleport.User{Name: bot, Roles: roles})
	identity := filepath.Join(t.TempDir(), "identity")
	require.NoError(t, cluster.WriteIdentityFile(identity, bot, time.Hour))
	return &world{
		t: t, cluster: cluster, server: server, log: &lines{}, reg: prometheus.NewRegistry(),
		cfg: teleport.Config{Addr: "memory", Identity: identity},
	}
}

func (w *world) deps() teleport.Deps {
	return teleport.Deps{
		Logger:  slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Metrics: teleport.NewMetrics(w.reg),
		Dialer:  w.server.Dialer(),
	}
}

// overSocket serves the cluster on a socket, too, and makes it the one to connect
// to.
func (w *world) overSocket() (*faketeleport.Server, teleport.Deps) {
	w.t.Helper()
	server, err := faketeleport.Serve(w.cluster, "127.0.0.1:0")
	require.NoError(w.t, err)
	w.t.Cleanup(server.Stop)
	w.cfg.Addr = server.Addr()
	deps := w.deps()
	deps.Dialer = nil
	return server, deps
}

// connect makes a client with metrics of its own.
func (w *world) connect() *teleport.Client {
	w.t.Helper()
	w.reg = prometheus.NewRegistry()
	clt, err := teleport.Connect(w.t.Context(), w.cfg, w.deps())
	require.NoError(w.t, err)
	w.t.Cleanup(clt.Close)
	return clt
}

// metric is the value of the gauge or counter with that name and no labels.
func (w *world) metric(name string) float64 {
	w.t.Helper()
	families, err := w.reg.Gather()
	require.NoError(w.t, err)
	for _, family := range families {
		if family.GetName() == name {
			m := family.GetMetric()[0]
			return m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	require.Fail(w.t, "no such metric", name)
	return 0
}

// pass lets the bubble's time pass.
func pass(d time.Duration) { <-time.After(d) }

// lines keeps what was logged.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *lines) count(text string) int { return bytes.Count([]byte(l.String()), []byte(text)) }

func TestMetricsFollowConventions(t *testing.T) {
	reg := prometheus.NewRegistry()
	teleport.NewMetrics(reg)
	families, err := reg.Gather()
	require.NoError(t, err)
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	require.NoError(t, err)
	require.Empty(t, problems)
}
