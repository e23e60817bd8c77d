package e2e

import (
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
	"teleport-jira/internal/testworld"
)

// What is wrong for good ends the start with a line that says what.

func TestStartFailsForWhatWaitingDoesNotMend(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		spoil func(w *world)
		says  []string
	}{
		"wrong token":         {func(w *world) { w.set("jira", "api_token", "guess") }, []string{"login", "jira.api_token"}},
		"unknown user":        {func(w *world) { w.set("jira", "username", "nobody@example.com") }, []string{"login", "jira.username"}},
		"wrong project":       {func(w *world) { w.set("jira", "project", "NOPE") }, []string{"project NOPE", "not found"}},
		"wrong issue type":    {func(w *world) { w.set("jira", "issue_type", "Epic") }, []string{"issue type Epic", "Task"}},
		"missing status":      {func(w *world) { w.set("jira.statuses", "denied", "Refused") }, []string{"denied", "Refused", "Approved"}},
		"missing permission":  {forbidCreate, []string{"permission CREATE_ISSUES in TAR", "missing"}},
		"no such API":         {func(w *world) { w.set("jira", "url", w.site.URL()+"/wrong") }, []string{"jira.url"}},
		"required field":      {func(w *world) { w.set("jira", "project", "REQ") }, []string{"required field Risk", "customfield_10051"}},
		"missing identity":    {func(w *world) { w.set("teleport", "identity", w.path("gone")) }, []string{"gone", "no such file"}},
		"unreadable identity": {func(w *world) { w.set("teleport", "identity", w.dir) }, []string{"load identity", "is a directory"}},
		"broken identity":     {breakIdentity, []string{"load identity", "it is no identity file", "to do: ", "tctl auth sign --format=file"}},
		"expired identity":    {expireIdentity, []string{`certificate of user "jira-bot" expired at`}},
		"unknown Teleport user": {func(w *world) {
			require.NoError(w.t, w.cluster.WriteIdentityFile(w.path(identity), "unknown-bot", time.Hour))
		}, []string{"unknown-bot"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(o *options) {
				strict := o.jira.Projects[0]
				strict.ID, strict.Key, strict.Name = "10020", "REQ", "Required"
				strict.Fields = []fakejira.Field{{ID: "customfield_10051", Name: "Risk", Required: true}}
				o.jira.Projects = append(o.jira.Projects, strict)
			})
			w.conf.Drop("log", "severity")
			tc.spoil(w)
			w.launch()
			require.Equal(t, 1, w.exit())
			requireComplaint(t, w.log.String(), tc.says...)
		})
	}
}

func forbidCreate(w *world) {
	require.NoError(w.t, w.jira.SetPermission("TAR", fakejira.CreateIssues, fakejira.BobID))
}

func breakIdentity(w *world) {
	require.NoError(w.t, os.WriteFile(w.path(identity), []byte("nonsense"), 0o600))
}

func expireIdentity(w *world) {
	require.NoError(w.t, w.cluster.WriteIdentityFile(w.path(identity), botUser, -time.Minute))
}

// requireComplaint looks for a line of the program itself with all parts among
// its log lines, and for neither secrets nor stack traces anywhere.
func requireComplaint(t *testing.T, text string, parts ...string) {
	t.Helper()
	require.NotContains(t, text, "goroutine ")
	require.NotContains(t, text, "panic")
	for _, hidden := range []string{fakejira.BotToken, fakejira.BotPAT, secret} {
		require.NotContains(t, text, hidden)
	}
	var complaints []string
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "time=") {
			continue
		}
		require.True(t, strings.HasPrefix(line, "teleport-jira: "), "every line says whose it is: %s", text)
		complaints = append(complaints, line)
	}
	require.NotEmpty(t, complaints)
	require.True(t, slices.ContainsFunc(complaints, func(line string) bool { return testworld.Contains(line, parts) }),
		"no line with %q among %q", parts, complaints)
}

func TestServerThatIsTooOldIsNamed(t *testing.T) {
	w := newWorld(t, func(o *options) { o.cluster.Version = "12.4.32" })
	w.launch()
	require.Equal(t, 1, w.exit())
	requireComplaint(t, w.log.String(), "Teleport 12.4.32", "13.0.0 is the oldest version that works")
}

func TestUnreadableIdentityIsNamed(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, os.Chmod(w.path(identity), 0))
	if os.Geteuid() == 0 {
		// Root reads every file, unless it gives that up.
		w.through = []string{"setpriv", "--bounding-set=-dac_override,-dac_read_search", "--"}
	}
	w.launch()
	require.Equal(t, 1, w.exit())
	requireComplaint(t, w.log.String(), "permission denied")
}

func TestAllFaultsOfAConfigurationAreTold(t *testing.T) {
	w := newWorld(t)
	w.set("jira", "url", "http://jira.example.com")
	w.set("jira", "projct", "TAR")
	w.set("reconcile", "workers", "many")
	w.set("review", "mode", "magic")
	w.launch()
	require.Equal(t, 1, w.exit())
	text := w.log.String()
	for _, part := range []string{"jira.url", "jira.projct", "reconcile.workers", "review.mode"} {
		require.Contains(t, text, part)
	}
	for line := range strings.Lines(text) {
		require.Regexp(t, `^`+w.confPath+`:\d+`, line, "each fault names file and line")
	}
	require.NotContains(t, text, "goroutine ")
	require.NotContains(t, text, fakejira.BotToken)
}

func TestMissingConfigurationIsNamed(t *testing.T) {
	w := newWorld(t)
	w.launchAsIs()
	require.Equal(t, 1, w.exit())
	require.Contains(t, w.log.String(), w.confPath)
	require.Equal(t, 1, strings.Count(w.log.String(), "\n"), w.log.String())
}

func TestPortThatIsTakenIsNamed(t *testing.T) {
	w := newWorld(t)
	w.set("http", "listen_addr", w.site.Addr)
	w.launch()
	require.Equal(t, 1, w.exit())
	requireComplaint(t, w.log.String(), "http.listen_addr", w.site.Addr)
}

// Who is away at the start is waited for.

func TestJiraThatIsDownAtTheStartIsWaitedFor(t *testing.T) {
	w := newWorld(t)
	w.site.Stop()
	w.launch()
	w.logged("side unreachable, will retry", "side=jira", "attempt=2")
	status, body, err := w.admin("/readyz")
	require.NoError(t, err)
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Contains(t, body, "jira: ")
	status, _, err = w.admin("/healthz")
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
	id := w.request(faketeleport.RequestOptions{})
	succeeds(t, w.site.Start)
	w.ready()
	w.issue(id)
}

func TestJiraThatAnswers503AtTheStartIsWaitedFor(t *testing.T) {
	w := newWorld(t)
	clear503 := w.jira.Inject(fakejira.Fault{Effect: fakejira.Respond, Status: http.StatusServiceUnavailable, Body: fakejira.ProxyPage})
	w.launch()
	w.logged("side unreachable, will retry", "side=jira", "attempt=2")
	clear503()
	w.ready()
	w.pending()
}

func TestTeleportThatIsDownAtTheStartIsWaitedFor(t *testing.T) {
	w := newWorld(t)
	w.auth.Stop()
	w.launch()
	w.logged("side unreachable, will retry", "side=teleport", "attempt=1")
	status, body, err := w.admin("/readyz")
	require.NoError(t, err)
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Contains(t, body, "teleport: ")
	succeeds(t, w.auth.Start)
	w.ready()
	w.pending()
}

func TestDaemonHoldsOneSubscription(t *testing.T) {
	w := newWorld(t)
	w.start()
	w.logged("subscribed to access requests")
	eventually(t, func(c *assert.CollectT) { require.Equal(c, 1, w.cluster.Watchers()) })
}
