package docs_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/app"
	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
	"teleport-jira/internal/plan"
	"teleport-jira/internal/testworld"
)

// scrape runs the whole daemon between both doubles until it is ready, and
// gives what /metrics answers then.
func scrape(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	identity := filepath.Join(dir, "identity")
	cluster, err := testworld.NewCluster(testworld.ClusterOptions{
		BotRoles: []string{faketeleport.RolePluginReviewer}, Identity: identity,
	})
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	jira, err := testworld.NewJira(fakejira.Board(fakejira.Cloud), freeAddr(t))
	require.NoError(t, err)
	t.Cleanup(jira.Close)
	ca, err := testworld.NewAuthority()
	require.NoError(t, err)
	_, err = ca.Issue(dir)
	require.NoError(t, err)
	addr, path := freeAddr(t), filepath.Join(dir, "teleport-jira.toml")
	conf := testworld.Config{}
	cluster.Configure(conf, identity)
	jira.Configure(conf)
	conf.Set("http", "listen_addr", "127.0.0.1:0")
	conf.Set("http", "https_cert_file", filepath.Join(dir, testworld.CertFile))
	conf.Set("http", "https_key_file", filepath.Join(dir, testworld.KeyFile))
	conf.Set("telemetry", "listen_addr", addr)
	require.NoError(t, conf.Write(path))

	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- app.Run(ctx, app.Options{ConfigPath: path, Version: "1.2.3", Stderr: io.Discard}) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
	require.Eventually(t, func() bool {
		status, _ := get(t, addr, "/readyz")
		return status == http.StatusOK
	}, 20*time.Second, 20*time.Millisecond)
	status, text := get(t, addr, "/metrics")
	require.Equal(t, http.StatusOK, status)
	return text
}

func get(t *testing.T, addr, path string) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+path, http.NoBody)
	require.NoError(t, err)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return 0, ""
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(text)
}

func freeAddr(t *testing.T) string {
	t.Helper()
	addr, err := testworld.FreeAddr()
	require.NoError(t, err)
	return addr
}

// metric is a family as it was scraped.
type metric struct {
	name, typ, help string
	labels          []string
}

var (
	helpLine   = regexp.MustCompile(`(?m)^# HELP (\S+) (.*)$`)
	typeLine   = regexp.MustCompile(`(?m)^# TYPE (\S+) (\S+)$`)
	sampleLine = regexp.MustCompile(`(?m)^(teleport_jira_\w+?)(?:_bucket|_sum|_count)?\{([^}]*)\}`)
	labelName  = regexp.MustCompile(`(\w+)="`)
	own        = regexp.MustCompile(`\bteleport_jira_[a-z0-9_]+\b`)
)

// metrics are the daemon's own of what was scraped, by name.
func metrics(text string) []metric {
	found := map[string]*metric{}
	for _, m := range helpLine.FindAllStringSubmatch(text, -1) {
		if strings.HasPrefix(m[1], "teleport_jira_") {
			found[m[1]] = &metric{name: m[1], help: m[2]}
		}
	}
	for _, m := range typeLine.FindAllStringSubmatch(text, -1) {
		if f := found[m[1]]; f != nil {
			f.typ = m[2]
		}
	}
	for _, m := range sampleLine.FindAllStringSubmatch(text, -1) {
		for _, l := range labelName.FindAllStringSubmatch(m[2], -1) {
			if f := found[m[1]]; f != nil && l[1] != "le" && !slices.Contains(f.labels, l[1]) {
				f.labels = append(f.labels, l[1])
			}
		}
	}
	all := make([]metric, 0, len(found))
	for _, f := range found {
		all = append(all, *f)
	}
	slices.SortFunc(all, func(a, b metric) int { return strings.Compare(a.name, b.name) })
	return all
}

// metricsTable is the part of docs/operations.md that follows from the code.
func metricsTable(all []metric) string {
	var b strings.Builder
	b.WriteString("| metric | type | labels | meaning |\n|---|---|---|---|\n")
	for _, m := range all {
		labels := ""
		if len(m.labels) > 0 {
			labels = "`" + strings.Join(m.labels, "`, `") + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", m.name, m.typ, labels, cell(m.help))
	}
	return b.String()
}

const operations = "docs/operations.md"

func TestMetricsAreDocumentedAndFollowConventions(t *testing.T) {
	text := scrape(t)
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	require.NoError(t, err)
	for _, p := range problems {
		require.False(t, strings.HasPrefix(p.Metric, "teleport_jira_"), "%s: %s", p.Metric, p.Text)
	}
	all := metrics(text)
	for _, name := range []string{ // what operators were promised
		"requests", "issues_created_total", "comments_total", "transitions_total", "decisions_total", "refusals_total",
		"queue_depth", "queue_oldest_seconds", "reconcile_duration_seconds", "reconcile_errors_total",
		"call_duration_seconds", "calls_throttled_total", "concurrency_limit", "webhooks_total",
		"watcher_connected", "last_success_timestamp_seconds", "identity_expiry_timestamp_seconds",
		"certificate_expiry_timestamp_seconds", "config_last_reload_successful", "build_info",
	} {
		require.True(t, slices.ContainsFunc(all, func(m metric) bool { return m.name == "teleport_jira_"+name }), "%s in %v", name, all)
	}

	const begin, end = "<!-- metrics: made by make docs -->\n", "<!-- end of metrics -->\n"
	doc := read(t, operations)
	head, rest, ok := strings.Cut(doc, begin)
	require.True(t, ok)
	_, tail, ok := strings.Cut(rest, end)
	require.True(t, ok)
	want := head + begin + metricsTable(all) + end + tail
	if *update {
		require.NoError(t, os.WriteFile(filepath.Join(root, operations), []byte(want), 0o644))
		doc = want
	}
	require.Equal(t, want, doc, "%s is stale, run make docs", operations)
	namedMetricsExist(t, all)
}

// namedMetricsExist looks for metrics that documents, dashboards and alerts
// name and that there are not.
func namedMetricsExist(t *testing.T, all []metric) {
	t.Helper()
	var known []string
	for _, m := range all {
		known = append(known, m.name)
		if m.typ == "histogram" {
			known = append(known, m.name+"_bucket", m.name+"_sum", m.name+"_count")
		}
	}
	for _, path := range slices.Concat(documents(t), glob(t, "deploy/grafana/*.json"), glob(t, "deploy/prometheus/*.yaml")) {
		for _, name := range own.FindAllString(read(t, path), -1) {
			require.Contains(t, known, name, path)
		}
	}
}

// TestRefusalsHaveARunbook: whatever the alert about refusals says can be looked
// up.
func TestRefusalsHaveARunbook(t *testing.T) {
	_, runbook, found := strings.Cut(read(t, operations), "### TeleportJiraRefusalsRising\n")
	require.True(t, found)
	runbook, _, _ = strings.Cut(runbook, "\n### ")
	for _, refusal := range plan.Refusals() {
		require.Contains(t, runbook, "`"+string(refusal)+"`")
	}
}
