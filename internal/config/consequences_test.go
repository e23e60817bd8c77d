package config

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestWhatFollowsFromAFaultIsNoFaultOfItsOwn has one mistake a case, and one fault.
func TestWhatFollowsFromAFaultIsNoFaultOfItsOwn(t *testing.T) {
	const (
		token  = "api_token = \"token\"\n"
		addr   = "addr = \"teleport.example.com:443\"\n"
		id     = "identity = \"identity\"\n"
		keys   = "https_key_file = \"key.pem\"\nhttps_cert_file = \"cert.pem\"\n"
		noFile = "\"/nowhere/at/all\"\n"
	)
	for name, tc := range map[string]struct{ from, to, fault string }{
		"a token's file that can't be read":    {token, "api_token_file = " + noFile, "jira.api_token_file: read"},
		"a token that is no text":              {token, "api_token = 5\n", "jira.api_token: must be"},
		"a misspelt token":                     {token, "API-token = \"token\"\n", "jira.API-token: unknown key; did you mean api_token?"},
		"a misspelt token's file":              {token, "apitoken_file = \"t\"\n", "did you mean api_token_file?"},
		"an address that is no text":           {addr, "addr = 443\n", "teleport.addr: must be"},
		"a misspelt address":                   {addr, "authserver = \"teleport.example.com:443\"\n", "did you mean auth_server?"},
		"an identity that is no text":          {id, "identity = true\n", "teleport.identity: must be"},
		"a key pair with one part that is not": {id, "client_key = 1\n", "teleport.client_key: must be"},
		"a listener neither on nor off":        {keys, "enabled = \"false\"\n", "http.enabled: must be"},
		"a listener that is misspelt off":      {keys, "Enabled = false\n", "did you mean enabled?"},
		"a certificate of another kind":        {keys, "https_key_file = \"key.pem\"\nhttps_cert_file = 1\n", "http.https_cert_file: must be"},
		"client certificates neither on nor off": {
			keys, keys + "[http.tls]\nverify_client_cert = \"yes\"\nclient_ca_file = \"ca.pem\"\n", "http.tls.verify_client_cert: must be",
		},
		"a password's file that can't be read": {keys, keys + "[http.basic_auth]\nuser = \"jira\"\npassword_file = " + noFile, "http.basic_auth.password_file: read"},
		"a header's file that can't be read":   {keys, keys + "header_name = \"X-Token\"\nheader_value_file = " + noFile, "http.header_value_file: read"},
		"a secret's file that can't be read":   {keys, keys + "webhook_secret_file = " + noFile, "http.webhook_secret_file: read"},
		"a client of OAuth that is no text": {
			token + "project = \"TAR\"\n", "project = \"TAR\"\n[jira.oauth]\nclient_id = 1\nclient_secret = \"s\"\n", "jira.oauth.client_id: must be",
		},
		"a client secret that can't be read": {
			"username = \"bot@example.com\"\n" + token + "project = \"TAR\"\n",
			"project = \"TAR\"\n[jira.oauth]\nclient_id = \"c\"\nclient_secret_file = " + noFile, "jira.oauth.client_secret_file: read",
		},
	} {
		t.Run(name, func(t *testing.T) {
			require.Contains(t, minimal, tc.from)
			text := strings.Replace(minimal, tc.from, tc.to, 1)
			if strings.Contains(tc.to, "[jira.oauth]") {
				text = strings.Replace(text, "https://example.atlassian.net", "https://jira.example.com", 1)
			}
			_, err := Parse("f", []byte(text), Options{})
			var faults Faults
			require.ErrorAs(t, err, &faults)
			require.Len(t, faults, 1, err)
			require.ErrorContains(t, err, tc.fault)
		})
	}
}
