package app

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/testworld"
)

// jiraSetup is a set-up of a project ACC at a double of the flavour, by Alice, and
// the file of its configuration.
func jiraSetup(t *testing.T, flavour fakejira.Flavour) (*JiraSetup, *bytes.Buffer, testworld.Config) {
	t.Helper()
	o := fakejira.Board(flavour)
	o.GlobalPermissions = map[fakejira.Permission][]string{fakejira.Administer: {fakejira.AliceID}}
	addr, err := testworld.FreeAddr()
	require.NoError(t, err)
	site, err := testworld.NewJira(o, addr)
	require.NoError(t, err)
	t.Cleanup(site.Close)
	conf := testworld.Config{}
	site.Configure(conf)
	conf.Set("jira", "project", "ACC")
	conf.Set("jira.statuses", "revoked", "Revoked")
	conf.Set("http", "public_addr", "https://hooks.example.com")
	conf.Set("review", "approver_groups", []string{"name:approvers"})
	dir := t.TempDir()
	token := filepath.Join(dir, "admin-token")
	require.NoError(t, os.WriteFile(token, []byte("alice-token\n"), 0o600))
	out := &bytes.Buffer{}
	s := &JiraSetup{
		ConfigPath: filepath.Join(dir, "teleport-jira.toml"), AdminUser: "alice@example.com", AdminTokenFile: token,
		Stdin: strings.NewReader("yes\n"), Stdout: out,
	}
	require.NoError(t, conf.Write(s.ConfigPath))
	return s, out, conf
}

func TestJiraIsSetUpAfterAYes(t *testing.T) {
	s, out, _ := jiraSetup(t, fakejira.Cloud)
	dry := *s
	dry.DryRun = true
	require.NoError(t, dry.Run(t.Context()))
	require.Contains(t, out.String(), "Nothing was changed.")

	no := *s
	no.Stdin = strings.NewReader("no\n")
	require.ErrorIs(t, no.Run(t.Context()), errNotConfirmed)

	out.Reset()
	require.NoError(t, s.Run(t.Context()))
	require.Contains(t, out.String(), "making the board ...")
	require.Contains(t, out.String(), "https://hooks.example.com/webhook")
	require.Contains(t, out.String(), "project ACC: found")

	out.Reset()
	require.NoError(t, s.Run(t.Context()), "nobody is asked, where nothing is left to make")
	require.Contains(t, out.String(), "All of it is there.")
}

func TestJiraIsNotSetUpByHalfAnAccountOrConfiguration(t *testing.T) {
	s, _, _ := jiraSetup(t, fakejira.Cloud)
	half := *s
	half.AdminTokenFile = ""
	require.ErrorIs(t, half.Run(t.Context()), errAdminFlags)
	half = *s
	half.AdminTokenFile += ".absent"
	require.ErrorContains(t, half.Run(t.Context()), "no such file")

	for _, change := range []struct {
		section, key string
		value        any
		says         string
	}{
		{"jira.statuses", "approved", "10101", "jira.statuses.approved is the id 10101"},
		{"jira", "issue_type", "10001", "jira.issue_type is the id 10001"},
		{"review", "approvers", []string{"email:nobody@example.com"}, "review.approvers: email:nobody@example.com"},
		{"review", "approver_groups", []string{"name:nobodies"}, "review.approver_groups: name:nobodies"},
		{"jira", "project", "TAR", "project TAR: the project exists"},
		{"jira", "api_token", "wrong", "read own account"},
		{"jira", "url", "", "jira.url: must be set"},
	} {
		t.Run(change.says, func(t *testing.T) {
			s, _, conf := jiraSetup(t, fakejira.Cloud)
			conf.Set(change.section, change.key, change.value)
			require.NoError(t, conf.Write(s.ConfigPath))
			require.ErrorContains(t, s.Run(t.Context()), change.says)
		})
	}
}

func TestStepsForDataCenterArePrintedAndChecked(t *testing.T) {
	s, out, conf := jiraSetup(t, fakejira.DataCenter)
	s.AdminUser, s.AdminTokenFile = "", ""
	require.ErrorIs(t, s.Run(t.Context()), errChecks, "the project is not there")
	require.Contains(t, out.String(), "What is done of it:")
	conf.Set("jira", "project", "TAR")
	conf.Drop("jira.statuses", "revoked")
	require.NoError(t, conf.Write(s.ConfigPath))
	require.NoError(t, s.Run(t.Context()))
}

func TestTeleportIsSetUpByWhatTheConfigurationSays(t *testing.T) {
	file := filepath.Join(t.TempDir(), "teleport-jira.toml")
	require.NoError(t, os.WriteFile(file, []byte("[teleport]\naddr = \"teleport.example.com:443\"\nidentity = \"/srv/identity\"\n"), 0o600))
	var out bytes.Buffer
	require.NoError(t, SetupTeleport(&out, file, ""))
	require.Contains(t, out.String(), "review_requests:")
	out.Reset()
	require.NoError(t, SetupTeleport(&out, file, "state"))
	require.NotContains(t, out.String(), "review_requests:")
	require.Contains(t, out.String(), "setup teleport -c "+file+" --mode state | tctl create -f")
	require.Error(t, SetupTeleport(&out, file+".absent", ""))
}
