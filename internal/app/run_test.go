package app_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/app"
	"teleport-jira/internal/config"
	"teleport-jira/internal/fakejira"
)

const hint = `{"webhookEvent":"jira:issue_updated","issue":{"id":"10000","key":"TAR-1"}}`

func TestListenersComeFirstAndAnswerWhileASideIsAway(t *testing.T) {
	d := newDaemon(t)
	clear503 := d.jira.Inject(fakejira.Fault{Effect: fakejira.Respond, Status: http.StatusServiceUnavailable})
	d.launch()
	d.logged("side unreachable, will retry", "side=jira")
	status, answer := d.admin("/healthz")
	require.Equal(t, http.StatusOK, status, answer)
	d.eventually(func(c *assert.CollectT) {
		status, answer := d.admin("/readyz")
		require.Equal(c, http.StatusServiceUnavailable, status)
		require.Regexp(c, `\Ajira: .*503.*\nteleport: connected, and not at work yet\n\z`, answer)
	})
	status, _, err := d.call(http.MethodPost, d.url("http.listen_addr"), hint)
	require.NoError(t, err)
	require.Equal(t, http.StatusServiceUnavailable, status, "Jira is to send it again")

	clear503()
	d.ready()
	status, _, err = d.call(http.MethodPost, d.url("http.listen_addr"), hint)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
	d.works()
	_, metrics := d.admin("/metrics")
	for _, name := range []string{`teleport_jira_build_info{version="1.2.3"} 1`, "teleport_jira_queue_depth", "go_goroutines"} {
		require.Contains(t, metrics, name)
	}
	d.inOrder("msg=starting", "webhooks are not authenticated", "msg=listening", "msg=connected", "subscribed to access requests")
}

func TestTeleportThatIsAwayAtTheStartIsWaitedFor(t *testing.T) {
	d := newDaemon(t)
	d.auth.Stop()
	d.launch()
	d.logged("side unreachable, will retry", "side=teleport", "attempt=1")
	require.NoError(t, d.auth.Start())
	d.ready()
	d.works()
}

func TestWhatWaitingDoesNotMendIsAnError(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		spoil func(d *daemon)
		says  string
	}{
		"wrong token":      {func(d *daemon) { d.config = replace(d.t, d.config, "bot-token", "guess") }, "jira.api_token"},
		"missing project":  {func(d *daemon) { d.config = replace(d.t, d.config, `"TAR"`, `"NOPE"`) }, "project NOPE"},
		"missing identity": {func(d *daemon) { require.NoError(d.t, os.Remove(d.identity)) }, "no such file"},
		"log":              {func(d *daemon) { d.config += "[log]\noutput = \"/nonexistent/log\"\n" }, "log file"},
		"address in use": {func(d *daemon) {
			d.config = replace(d.t, d.config, "[telemetry]\nlisten_addr = \"127.0.0.1:0\"", "[telemetry]\nlisten_addr = \""+d.auth.Addr()+"\"")
		}, "telemetry.listen_addr"},
		"certificate": {func(d *daemon) {
			d.config = replace(d.t, d.config, "[telemetry]", "https_cert_file = \"gone\"\n[telemetry]")
		}, "https_key_file"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDaemon(t)
			tc.spoil(d)
			d.write()
			d.launch()
			require.ErrorContains(t, d.ended(), tc.says)
			require.Empty(t, d.log.find("level=ERROR"), "it is for the caller to report")
		})
	}
}

func TestFaultsOfTheConfigurationAreTheError(t *testing.T) {
	var faults config.Faults
	err := app.Run(t.Context(), app.Options{ConfigPath: filepath.Join(t.TempDir(), "gone.toml")})
	require.ErrorAs(t, err, &faults)
}

func TestAStopDrainsTheWorkBeforeTheListeners(t *testing.T) {
	d := newDaemon(t)
	d.start()
	entered, proceed := d.holdCreate()
	id := d.request()
	<-entered
	d.stop()
	d.logged("shutting down, draining")
	d.eventually(func(c *assert.CollectT) {
		status, _, err := d.call(http.MethodPost, d.url("http.listen_addr"), hint)
		require.NoError(c, err)
		require.Equal(c, http.StatusServiceUnavailable, status, "nothing new is taken, and Jira sends it again")
	})
	status, _ := d.admin("/healthz")
	require.Equal(t, http.StatusOK, status)
	close(proceed)
	require.NoError(t, d.ended())
	require.Len(t, d.issues(id), 1)
	record := d.cluster.PluginData(id)["jira"]
	require.Equal(t, d.issues(id)[0].ID, record["issue_id"], "what was in flight is finished")
	require.Empty(t, record["claim"], "and handed back")
	d.inOrder("shutting down, draining", "msg=stopped")
	_, _, err := d.call(http.MethodGet, d.url("telemetry.listen_addr")+"/healthz", "")
	require.Error(t, err)
}

func TestAStopWhileASideIsWaitedForIsOrderly(t *testing.T) {
	d := newDaemon(t)
	d.auth.Stop()
	d.launch()
	d.logged("side unreachable, will retry", "side=teleport")
	d.stop()
	require.NoError(t, d.ended())
	require.Empty(t, d.log.find("level=ERROR"))
}

func TestHealthyAsksTheDaemon(t *testing.T) {
	d := newDaemon(t)
	d.start()
	addr := d.url("telemetry.listen_addr")[len("http://"):]
	hook := d.url("http.listen_addr")[len("http://"):]
	for name, tc := range map[string]struct {
		from, to string
		asked    bool
	}{
		"telemetry":    {"[telemetry]\nlisten_addr = \"127.0.0.1:0\"", "[telemetry]\nlisten_addr = \"" + addr + "\"", true},
		"webhooks":     {"[http]\nlisten_addr = \"127.0.0.1:0\"\n[telemetry]\nlisten_addr = \"127.0.0.1:0\"", "[http]\nlisten_addr = \"" + hook + "\"", true},
		"no listeners": {"[http]\nlisten_addr = \"127.0.0.1:0\"\n[telemetry]\nlisten_addr = \"127.0.0.1:0\"", "[http]\nenabled = false", false},
	} {
		path := filepath.Join(t.TempDir(), "other.toml")
		require.NoError(t, os.WriteFile(path, []byte(replace(t, d.config, tc.from, tc.to)), 0o600))
		asked, err := app.Healthy(t.Context(), path)
		require.NoError(t, err, name)
		require.Equal(t, tc.asked, asked, name)
	}
	d.stop()
	require.NoError(t, d.ended())
	path := filepath.Join(t.TempDir(), "other.toml")
	require.NoError(t, os.WriteFile(path, []byte(replace(t, d.config,
		"[telemetry]\nlisten_addr = \"127.0.0.1:0\"", "[telemetry]\nlisten_addr = \""+addr+"\"")), 0o600))
	asked, err := app.Healthy(t.Context(), path)
	require.True(t, asked)
	require.Error(t, err)
	_, err = app.Healthy(t.Context(), path+".gone")
	require.Error(t, err)
}
