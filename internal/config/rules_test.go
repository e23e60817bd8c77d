package config

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// The rules of a file are known unless a fault may concern them.
func TestLoadRules(t *testing.T) {
	const good = `
[teleport]
addr = "example.com:443"
identity = "/id"
[jira]
url = "https://example.atlassian.net"
username = "bot@example.com"
api_token = "token"
project = "TAR"
[http]
enabled = false
[review]
approvers = ["bob@example.com"]
`
	for name, tc := range map[string]struct {
		more  string
		rules bool
	}{
		"no fault":                  {"", true},
		"log":                       {"[log]\nseverity = \"LOUD\"\n", true},
		"missing secret file":       {"[http.basic_auth]\nuser = \"x\"\npassword_file = \"/nonexistent\"\n", true},
		"template":                  {"[jira.issue]\nsummary = \"{{\"\n", true},
		"unknown key elsewhere":     {"[telemetry]\nlisten_adr = \":1\"\n", true},
		"mode":                      {"mode = \"magic\"\n", false},
		"misspelt key":              {"aprovers = [\"carol@example.com\"]\n", false},
		"misspelt section":          {"[reviews]\napprovers = []\n", false},
		"section of another kind":   {"[[jira.routes]]\nroles = 5\n", false},
		"status that is two states": {"[jira.statuses]\ndenied = [\"Approved\"]\n", false},
		"no TOML":                   {"[[[\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "c.toml")
			require.NoError(t, os.WriteFile(path, []byte(good+tc.more), 0o600))
			cfg, rules, err := LoadRules(path, Options{})
			require.Equal(t, tc.more == "", err == nil, "%v", err)
			require.Equal(t, err == nil, cfg != nil)
			require.Equal(t, tc.rules, rules != nil)
			if rules != nil {
				require.Equal(t, []string{"bob@example.com"}, rules.Review.Approvers)
			}
		})
	}
	_, rules, err := LoadRules(filepath.Join(t.TempDir(), "none"), Options{})
	require.Error(t, err)
	require.Nil(t, rules)
}
