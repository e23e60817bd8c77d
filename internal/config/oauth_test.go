package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// withOAuth is the smallest configuration with a client of OAuth in place of a
// token.
func withOAuth(url, section string) string {
	text := strings.Replace(minimal, "api_token = \"token\"\n", "", 1)
	text = strings.Replace(text, "username = \"bot@example.com\"\n", "", 1)
	text = strings.Replace(text, `"https://example.atlassian.net"`, fmt.Sprintf("%q", url), 1)
	return text + "\n[jira.oauth]\n" + section
}

func TestOAuthFollowsFromTheAddress(t *testing.T) {
	for name, tc := range map[string]struct {
		url, token string
		scopes     []string
	}{
		"cloud": {
			"https://api.atlassian.com/ex/jira/0a1b2c3d", "https://auth.atlassian.com/oauth/token",
			[]string{"read:jira-work", "write:jira-work", "read:jira-user"},
		},
		"data center": {"https://jira.example.com/jira/", "https://jira.example.com/jira/rest/oauth2/latest/token", []string{"WRITE"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := mustParse(t, withOAuth(tc.url, "client_id = \"c\"\nclient_secret = \"s\"\n"))
			require.Equal(t, tc.token, c.Jira.OAuth.TokenURL)
			require.Equal(t, tc.scopes, c.Jira.OAuth.Scopes)
			require.Empty(t, c.Jira.APIToken)
		})
	}
	c := mustParse(t, withOAuth("https://jira.example.com", "client_id = \"c\"\nclient_secret = \"s\"\ntoken_url = \"https://sso.example.com/t\"\nscopes = [\"READ\"]\n"))
	require.Equal(t, "https://sso.example.com/t", c.Jira.OAuth.TokenURL)
	require.Equal(t, []string{"READ"}, c.Jira.OAuth.Scopes)
}

func TestIncompleteOAuthIsAFault(t *testing.T) {
	const dc, complete = "https://jira.example.com", "client_id = \"c\"\nclient_secret = \"s\"\n"
	for name, tc := range map[string]struct{ text, fault string }{
		"no secret":         {withOAuth(dc, "client_id = \"c\"\n"), "jira.oauth.client_secret: must be set"},
		"no id":             {minimal + "\n[jira.oauth]\nclient_secret = \"s\"\n", "jira.oauth.client_id: must be set"},
		"a token besides":   {minimal + "\n[jira.oauth]\n" + complete, "jira.api_token: excludes jira.oauth"},
		"a site's address":  {withOAuth("https://example.atlassian.net", complete), "https://example.atlassian.net/_edge/tenant_info shows"},
		"tokens unguarded":  {withOAuth(dc, complete+"token_url = \"http://sso.example.com/t\"\n"), "jira.oauth.token_url: must be an https URL"},
		"both forms":        {withOAuth(dc, complete+"client_secret_file = \"/nowhere\"\n"), "both client_secret and client_secret_file"},
		"unreadable secret": {withOAuth(dc, "client_id = \"c\"\nclient_secret_file = \"/nowhere\"\n"), "read /nowhere"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("f", []byte(tc.text), Options{})
			require.ErrorContains(t, err, tc.fault)
		})
	}
}

func TestOAuthSecretIsReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(path, []byte("one\n"), 0o600))
	c := mustParse(t, withOAuth("https://jira.example.com", fmt.Sprintf("client_id = \"c\"\nclient_secret_file = %q\n", path)))
	require.Equal(t, Secret("one"), c.Jira.OAuth.ClientSecret)
	require.Contains(t, c.SecretFiles(), path)
	require.NoError(t, os.WriteFile(path, []byte("two\n"), 0o600))
	next, err := c.Reread()
	require.NoError(t, err)
	require.Equal(t, Secret("two"), next.Jira.OAuth.ClientSecret)
	require.Equal(t, Secret("one"), c.Jira.OAuth.ClientSecret)
}
