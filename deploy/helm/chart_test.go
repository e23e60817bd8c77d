package helm

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/config"
)

// mounted is where the chart mounts files, and mountedFile one of them.
const mounted = "/var/lib/teleport/plugins/jira"

var mountedFile = regexp.MustCompile(`"(` + mounted + `/[^"]+)"`)

// rendered reads a configuration that deploy/test/chart.sh has taken out of the
// chart's manifests for one of the values files in ci/. The files that it names
// are made in a directory of the test's.
func rendered(t *testing.T, values string) string {
	t.Helper()
	dir := os.Getenv("CHART_CONFIGS")
	if dir == "" {
		t.Skip("CHART_CONFIGS is not set: deploy/test/chart.sh renders the chart and runs this test")
	}
	data, err := os.ReadFile(filepath.Join(dir, values+".toml"))
	require.NoError(t, err)
	files := t.TempDir()
	for _, match := range mountedFile.FindAllStringSubmatch(string(data), -1) {
		path := filepath.Join(files, strings.TrimPrefix(match[1], mounted))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
		require.NoError(t, os.WriteFile(path, []byte("content of the Secret's "+filepath.Base(path)), 0o600))
	}
	return strings.ReplaceAll(string(data), mounted, files)
}

func TestTheDaemonTakesWhatTheChartWrites(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("ci/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		values := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(values, func(t *testing.T) {
			t.Parallel()
			text := rendered(t, values)
			c, err := config.Parse(values, []byte(text), config.Options{InsecureNoTLS: values == "ingress"})
			require.NoError(t, err, text)
			require.Empty(t, c.Warnings)
			require.Equal(t, "TAR", c.Jira.Project)
			secret := c.Jira.APIToken
			if c.Jira.OAuth.ClientID != "" {
				secret = c.Jira.OAuth.ClientSecret
			}
			require.True(t, strings.HasPrefix(string(secret), "content of the Secret's "), "the secret comes from the mounted file")
		})
	}
}

func TestChartValuesArriveUnchanged(t *testing.T) {
	t.Parallel()
	c, err := config.Parse("everything", []byte(rendered(t, "everything")), config.Options{})
	require.NoError(t, err)
	require.Equal(t, "{{.Reason}}\nC:\\temp\t<b>&\n", c.Jira.Issue.Description)
	require.Equal(t, `{{.User}} möchte "{{.Roles}}"`, c.Jira.Issue.Summary)
	require.Equal(t, map[string]any{"value": "Production", "child": map[string]any{"value": "EU"}},
		c.Jira.Fields["customfield_10051"])
	require.Equal(t, config.Names{"prod-*", "root"}, c.Jira.Routes[0].Roles)
	require.Equal(t, map[string]string{"alice@example.com": "alice", "557058:0b1c2d3e": "bob"}, c.Review.Users)
	require.Equal(t, "content of the Secret's password", string(c.HTTP.BasicAuth.Password))
	require.Equal(t, []string{"dora@example.com"}, c.Jira.Routes[0].Approvers)
	require.Equal(t, "content of the Secret's value", string(c.HTTP.HeaderValue))
	require.InDelta(t, 7.5, c.Jira.RequestsPerSecond, 0)
}

func TestChartLogsInByOAuth(t *testing.T) {
	t.Parallel()
	c, err := config.Parse("oauth", []byte(rendered(t, "oauth")), config.Options{})
	require.NoError(t, err)
	require.Equal(t, "service-account-client", c.Jira.OAuth.ClientID)
	require.Equal(t, "content of the Secret's clientSecret", string(c.Jira.OAuth.ClientSecret))
	require.Equal(t, "https://auth.atlassian.com/oauth/token", c.Jira.OAuth.TokenURL)
	require.Empty(t, c.Jira.APIToken)
}

// elsewhere are the keys that the chart leaves out on purpose: other forms of
// keys that it writes.
func elsewhere() map[string]bool {
	return map[string]bool{
		"teleport.auth_server": true, "teleport.client_key": true, "teleport.client_crt": true, "teleport.root_cas": true,
		"jira.api_token": true, "http.webhook_secret": true, "http.basic_auth.password": true,
		"http.header_value": true, "jira.oauth": true,
	}
}

func TestEveryConfigurationKeyIsAChartValue(t *testing.T) {
	t.Parallel()
	var tree map[string]any
	require.NoError(t, toml.Unmarshal([]byte(rendered(t, "everything")), &tree))
	var walk func(path string, typ reflect.Type, tree map[string]any)
	walk = func(path string, typ reflect.Type, tree map[string]any) {
		for field := range typ.Fields() {
			key := strings.Split(field.Tag.Get("toml"), ",")[0]
			full := strings.TrimPrefix(path+"."+key, ".")
			if key == "-" || elsewhere()[full] {
				continue
			}
			require.Contains(t, tree, key, "%s is in the daemon's configuration and not in the chart", full)
			if sub, ok := tree[key].(map[string]any); ok && field.Type.Kind() == reflect.Struct {
				walk(full, field.Type, sub)
			}
		}
	}
	walk("", reflect.TypeFor[config.Config](), tree)
}
