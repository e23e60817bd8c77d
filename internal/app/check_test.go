package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/app"
	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
	"teleport-jira/internal/preflight"
)

func replace(t *testing.T, text, old, new string) string {
	t.Helper()
	require.Contains(t, text, old)
	return strings.Replace(text, old, new, 1)
}

const botUser = "teleport-jira"

// checked is what a check is made in: both doubles over sockets, and the text
// of a configuration for them.
type checked struct {
	t        *testing.T
	cluster  *faketeleport.Cluster
	auth     *faketeleport.Server
	jira     *fakejira.Server
	api      *httptest.Server
	identity string
	config   string
	before   atomic.Pointer[func(*http.Request)] // runs before each call to Jira
}

// world makes doubles that have all that the daemon needs.
func world(t *testing.T, jira fakejira.Options, cluster faketeleport.Config) *checked {
	t.Helper()
	w := &checked{t: t, identity: filepath.Join(t.TempDir(), "identity")}
	var err error
	w.cluster, err = faketeleport.New(cluster)
	require.NoError(t, err)
	t.Cleanup(w.cluster.Close)
	w.auth, err = faketeleport.Serve(w.cluster, "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(w.auth.Stop)
	w.cluster.PutUser(faketeleport.User{Name: botUser, Roles: []string{faketeleport.RolePluginReviewer}})
	require.NoError(t, w.cluster.WriteIdentityFile(w.identity, botUser, 1000*time.Hour))
	w.jira, err = fakejira.New(jira)
	require.NoError(t, err)
	t.Cleanup(w.jira.Close)
	w.api = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if before := w.before.Load(); before != nil {
			(*before)(r)
		}
		w.jira.ServeHTTP(rw, r)
	}))
	t.Cleanup(w.api.Close)
	w.config = fmt.Sprintf(`
[teleport]
addr = %q
identity = %q
[jira]
url = %q
username = "bot@example.com"
api_token = "bot-token"
project = "TAR"
[http]
enabled = false
[review]
approver_groups = ["approvers"]
identity = { match_email = true }
`, w.auth.Addr(), w.identity, w.api.URL)
	return w
}

// run checks and gives the findings as JSON tells them.
func (w *checked) run() (findings []preflight.Finding, err error) { return w.runIn(w.t.Context()) }

func (w *checked) runIn(ctx context.Context) (findings []preflight.Finding, err error) {
	w.t.Helper()
	path := filepath.Join(w.t.TempDir(), "teleport-jira.toml")
	require.NoError(w.t, os.WriteFile(path, []byte(w.config), 0o600))
	before := w.jira.Writes()
	var out bytes.Buffer
	err = app.Check(ctx, app.CheckOptions{ConfigPath: path, JSON: true, InsecureNoTLS: true, Stdout: &out})
	require.NoError(w.t, json.Unmarshal(out.Bytes(), &findings))
	require.Equal(w.t, before, w.jira.Writes(), "a check changes nothing")
	require.NotContains(w.t, out.String(), "bot-token")
	return findings, err
}

// example makes an issue and moves it, so that Jira shows the workflow.
func (w *checked) example(statuses ...string) {
	issue, err := w.jira.CreateIssue(fakejira.BotID, fakejira.NewIssue{Project: "TAR", Type: "Task", Summary: "example"})
	require.NoError(w.t, err)
	for _, status := range statuses {
		require.NoError(w.t, w.jira.Drag(issue.Key, status, fakejira.BotID))
	}
}

func TestCheckOfACompleteSetupIsOK(t *testing.T) {
	w := world(t, fakejira.Board(fakejira.Cloud), faketeleport.Config{})
	w.example()
	findings, err := w.run()
	require.NoError(t, err)
	areas := map[string]int{}
	for _, f := range findings {
		require.Equal(t, preflight.OK, f.Level, "%v", f)
		areas[f.Area]++
	}
	require.Equal(t, 2, areas["configuration"], "the file, and who may decide")
	require.GreaterOrEqual(t, areas["teleport"], 7)
	require.GreaterOrEqual(t, areas["jira"], 20)
	require.Equal(t, 1, areas["http"])
}

func TestCheckDescribesAccessMonitoringRules(t *testing.T) {
	w := world(t, fakejira.Board(fakejira.Cloud), faketeleport.Config{})
	w.example()
	line := func(name string) preflight.Finding {
		t.Helper()
		findings, err := w.run()
		require.NoError(t, err, "rules are no reason to fail")
		for _, f := range findings {
			if f.Area == "teleport" && f.Name == name {
				return f
			}
		}
		require.Fail(t, "no such line", name)
		return preflight.Finding{}
	}
	const rules = "access monitoring rules"
	require.Contains(t, line(rules).Detail, "access_monitoring_rule")
	w.cluster.PutUser(faketeleport.User{Name: botUser, Roles: []string{faketeleport.RolePluginReviewer, faketeleport.RoleMonitoringRules}})
	require.Contains(t, line(rules).Detail, "followed, rules about access requests: 0")
	for _, rule := range []faketeleport.MonitoringRule{
		{Name: "ops", Condition: "true", Notification: "jira", Recipients: []string{"OPS/Bug", "SEC"}},
		{Name: "quiet", Condition: "true", Notification: "jira", Recipients: []string{"none"}, Integration: "jira", Decision: "DENIED"},
		{Name: "channel", Condition: "true", Notification: "jira", Recipients: []string{"#ops"}},
		{Name: "viewers", Condition: "true", Integration: "jira", Decision: "APPROVED", DesiredState: "reviewed"},
		{Name: "slack", Condition: "nonsense(", Notification: "slack", Recipients: []string{"#ops"}},
	} {
		w.cluster.PutMonitoringRule(rule)
	}
	require.Contains(t, line(rules).Detail, "rules about access requests: 5")
	require.Equal(t, "issues go to the first that can be used of OPS/Bug, SEC", line("rule ops").Detail)
	require.Equal(t, "requests that match get no issue; requests that match are denied", line("rule quiet").Detail)
	require.Equal(t, "requests that match are approved", line("rule viewers").Detail)
	w.cluster.RemoveMonitoringRule("channel")
	for name, rule := range map[string]faketeleport.MonitoringRule{
		"fields that this version does not know": {Name: "x", Condition: "true", Integration: "jira", Decision: "APPROVED", Schedules: true},
		"is not a project":                       {Name: "x", Condition: "true", Notification: "jira", Recipients: []string{"#ops"}},
		"condition: ":                            {Name: "x", Condition: "nonsense(", Notification: "jira", Recipients: []string{"OPS"}},
	} {
		w.cluster.PutMonitoringRule(rule)
		findings, err := w.run()
		require.NoError(t, err)
		var warned []preflight.Finding
		for _, f := range findings {
			if f.Name == "rule x" && f.Level == preflight.Warning {
				warned = append(warned, f)
			}
		}
		require.Len(t, warned, 1, name)
		require.Contains(t, warned[0].Detail, name)
		require.Contains(t, warned[0].Fix, "tctl edit")
	}
	w.cluster.RemoveMonitoringRule("x")
}

func TestCheckNamesEachFault(t *testing.T) {
	for name, tc := range map[string]struct {
		jira    func(*fakejira.Options)
		cluster faketeleport.Config
		change  func(*checked)
		area    string
		check   string
		level   preflight.Level
		within  time.Duration // 0: as long as it takes
	}{
		"configuration": {
			change: func(w *checked) { w.config += "mode = 7\n" }, area: "configuration", check: "review.mode", level: preflight.Failure,
		},
		"template": {
			change: func(w *checked) { w.config += "[jira.issue]\nsummary = \"{{.Nope}}\"\n" },
			area:   "configuration", check: "jira.issue.summary", level: preflight.Failure,
		},
		"log that can't be written": {
			change: func(w *checked) { w.config += "[log]\noutput = \"/nonexistent/teleport-jira.log\"\n" },
			area:   "configuration", check: "log.output", level: preflight.Failure,
		},
		"cluster away": {
			change: func(w *checked) { w.auth.Stop() }, area: "teleport", check: "address", level: preflight.Failure,
			within: time.Second,
		},
		"no identity": {
			change: func(w *checked) { require.NoError(w.t, os.Remove(w.identity)) }, area: "teleport", check: "identity", level: preflight.Failure,
		},
		"expired identity": {
			change: func(w *checked) { require.NoError(w.t, w.cluster.WriteIdentityFile(w.identity, botUser, -time.Hour)) },
			area:   "teleport", check: "identity", level: preflight.Failure,
		},
		"old cluster": {
			cluster: faketeleport.Config{Version: "12.0.0"}, area: "teleport", check: "version", level: preflight.Failure,
		},
		"no right to list": {
			change: func(w *checked) { w.cluster.PutUser(faketeleport.User{Name: botUser}) },
			area:   "teleport", check: "list and read access requests", level: preflight.Failure,
		},
		"no right to keep the record": {
			change: func(w *checked) { w.cluster.PutUser(faketeleport.User{Name: botUser}) },
			area:   "teleport", check: "keep the record in plugin data", level: preflight.Failure,
		},
		"no right to decide": {
			change: func(w *checked) {
				w.cluster.PutUser(faketeleport.User{Name: botUser, Roles: []string{faketeleport.RoleAccessPlugin}})
			},
			area: "teleport", check: "submit decisions", level: preflight.Failure,
		},
		"jira away": {
			change: func(w *checked) { w.api.Close() }, area: "jira", check: "address", level: preflight.Failure,
		},
		"wrong token": {
			change: func(w *checked) {
				require.NoError(w.t, w.jira.ChangeAccount(fakejira.BotID, func(a *fakejira.Account) { a.Token = "another" }))
			},
			area: "jira", check: "login", level: preflight.Failure,
		},
		"no such project": {
			jira: func(o *fakejira.Options) { o.Projects[0].Key = "OTHER" }, area: "jira", check: "project TAR", level: preflight.Failure,
		},
		"missing permission": {
			change: func(w *checked) {
				require.NoError(w.t, w.jira.SetPermission("TAR", fakejira.AddComments, fakejira.BobID))
			},
			area: "jira", check: "permission ADD_COMMENTS in TAR", level: preflight.Failure,
		},
		"no such issue type": {
			jira: func(o *fakejira.Options) { o.Projects[0].IssueTypes[0].Name = "Bug" },
			area: "jira", check: "issue type Task in TAR", level: preflight.Failure,
		},
		"required field": {
			jira: func(o *fakejira.Options) {
				o.Projects[0].Fields = []fakejira.Field{{ID: "customfield_7", Name: "Cost", Required: true}}
			},
			area: "jira", check: "required field Cost in TAR", level: preflight.Failure,
		},
		"labels not on the screen": {
			jira: func(o *fakejira.Options) { o.Projects[0].OffScreen = []string{"labels"} },
			area: "jira", check: "labels in TAR", level: preflight.Warning,
		},
		"no such status": {
			change: func(w *checked) { w.config += "[jira.statuses]\ndenied = \"Refused\"\n" },
			area:   "jira", check: "status for denied requests in TAR", level: preflight.Failure,
		},
		"no way to a status": {
			jira:   func(o *fakejira.Options) { o.Projects[0].Workflow.Transitions[2].From = []string{"Approved"} },
			change: func(w *checked) { w.example("Expired"); w.example() },
			area:   "jira", check: `way from "Pending" to denied in TAR`, level: preflight.Failure,
		},
		"no way that can be proven": {area: "jira", check: "workflow of Task in TAR", level: preflight.Warning},
		"no such group": {
			change: func(w *checked) { w.config += "[jira.issue]\npriority = \"High\"\n" },
			jira: func(o *fakejira.Options) {
				for i := range o.Accounts {
					o.Accounts[i].Groups = nil
				}
			},
			area: "jira", check: "group approvers", level: preflight.Failure,
		},
		"approver that is not there": {
			change: func(w *checked) { w.config += "approvers = [\"zoe@example.com\"]\n" },
			area:   "jira", check: "account zoe@example.com", level: preflight.Warning,
		},
		"listener in use": {
			change: func(w *checked) {
				w.config += fmt.Sprintf("[telemetry]\nlisten_addr = %q\n", w.auth.Addr())
			},
			area: "telemetry", check: "listen_addr", level: preflight.Warning,
		},
	} {
		t.Run(name, func(t *testing.T) {
			options := fakejira.Board(fakejira.Cloud)
			if tc.jira != nil {
				tc.jira(&options)
			}
			w := world(t, options, tc.cluster)
			if tc.change != nil {
				tc.change(w)
			}
			ctx := t.Context()
			if tc.within > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, tc.within)
				defer cancel()
			}
			findings, err := w.runIn(ctx)
			if tc.level == preflight.Failure {
				require.ErrorContains(t, err, "checks failed")
			}
			for _, f := range findings {
				if f.Area == tc.area && f.Name == tc.check {
					require.Equal(t, tc.level, f.Level, "%v", f)
					require.NotEmpty(t, f.Fix)
					return
				}
			}
			require.Fail(t, "no such finding", "%v", findings)
		})
	}
}

func TestCheckOfAWebhookListener(t *testing.T) {
	w := world(t, fakejira.Board(fakejira.DataCenter), faketeleport.Config{})
	w.config = replace(t, w.config, "enabled = false", "listen_addr = \"127.0.0.1:0\"")
	w.config = replace(t, w.config, "bot@example.com", fakejira.BotID)
	findings, err := w.run()
	require.NoError(t, err)
	levels := map[string]preflight.Level{}
	for _, f := range findings {
		if f.Area == "http" {
			levels[f.Name] = f.Level
		}
	}
	require.Equal(t, map[string]preflight.Level{
		"listen_addr": preflight.OK, "public_addr": preflight.Warning, "authentication": preflight.Warning,
	}, levels)
}

// A side that does not answer costs its own time, not the other's findings.
func TestCheckEndsWhenJiraHangs(t *testing.T) {
	w := world(t, fakejira.Board(fakejira.Cloud), faketeleport.Config{})
	w.jira.Inject(fakejira.Fault{Effect: fakejira.Hang})
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	findings, err := w.runIn(ctx)
	require.ErrorContains(t, err, "checks failed: 1 of")
	for _, f := range findings {
		require.Equal(t, f.Area == "jira", f.Level == preflight.Failure || f.Level == preflight.Skipped, "%v", f)
	}
}
