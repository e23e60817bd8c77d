package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/filewatch"
)

func TestSecretsNeverPrint(t *testing.T) {
	const hidden = "hunter2"
	c := mustParse(t, strings.Replace(minimal, `"token"`, `"hunter2"`, 1)+
		"webhook_secret = [\"hunter2\", \"hunter2b\"]\nheader_name = \"X\"\nheader_value = \"hunter2\"\n[http.basic_auth]\nuser = \"u\"\npassword = \"hunter2\"")
	require.Equal(t, hidden, string(c.Jira.APIToken))
	secret := c.Jira.APIToken

	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
		fmt.Fprintf(&out, verb+"\n", secret)
		fmt.Fprintf(&out, verb+"\n", *c)
		fmt.Fprintf(&out, verb+"\n", c.HTTP.WebhookSecret)
	}
	fmt.Fprintln(&out, secret, c.Jira, &c.HTTP)
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("loaded", "secret", secret, "secrets", c.HTTP.WebhookSecret, "jira", c.Jira)
	}
	for _, v := range []any{secret, c.Jira, map[string]any{"a": secret}, c.HTTP} {
		data, err := json.Marshal(v)
		require.NoError(t, err)
		out.Write(data)
	}
	data, err := toml.Marshal(c)
	require.NoError(t, err)
	out.Write(data)

	require.NotContains(t, out.String(), hidden)
	require.NotContains(t, strings.ToLower(out.String()), fmt.Sprintf("%x", hidden))
	require.Contains(t, out.String(), redacted)
	require.Empty(t, Secret("").String())
}

func TestSecretsFromFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	token := write("token", "the token\n")
	text := strings.Replace(minimal, `api_token = "token"`, fmt.Sprintf("api_token = %q", token), 1) +
		fmt.Sprintf("webhook_secret_file = [%q, %q]\n", write("new", "new, and long enough\r\n"), write("old", " old, and long too \n\n")) +
		fmt.Sprintf("[http.basic_auth]\nuser = \"u\"\npassword_file = %q\n", write("password", "pass word"))
	c := mustParse(t, text)
	require.Equal(t, Secret("the token"), c.Jira.APIToken)
	require.Equal(t, Secrets{Secret("new, and long enough"), Secret(" old, and long too \n")}, c.HTTP.WebhookSecret)
	require.Equal(t, Secret("pass word"), c.HTTP.BasicAuth.Password)
	require.Empty(t, c.Warnings)
	require.Equal(t, []string{token, filepath.Join(dir, "password"), filepath.Join(dir, "new"), filepath.Join(dir, "old")}, c.SecretFiles())

	write("token", "another\n")
	again, err := c.Jira.APITokenFile.Read()
	require.NoError(t, err)
	require.Equal(t, Secret("another"), again)
	require.Equal(t, Secret("another"), mustParse(t, text).Jira.APIToken)
}

func TestApiTokenFileKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(path, []byte("t"), 0o600))
	c := mustParse(t, strings.Replace(minimal, `api_token = "token"`, fmt.Sprintf("api_token = \"\"\napi_token_file = %q", path), 1))
	require.Equal(t, Secret("t"), c.Jira.APIToken)
}

func TestSecretFileTooLarge(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(path, make([]byte, maxSecret+1), 0o600))
	_, err := SecretFile(path).Read()
	require.EqualError(t, err, "larger than 64 KiB")
}

func TestFilesReadableByOthersAreWarnedAbout(t *testing.T) {
	dir := t.TempDir()
	token := filepath.Join(dir, "token")
	file := filepath.Join(dir, "teleport-jira.toml")
	identity := filepath.Join(dir, "identity")
	for path, text := range map[string]string{
		token:    "t",
		identity: "i",
		file: strings.NewReplacer(`"token"`, fmt.Sprintf("%q", token), `"identity"`, fmt.Sprintf("%q", identity)).Replace(minimal) +
			"webhook_secret = \"0123456789abcdef\"\n",
	} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	c, err := Load(file, Options{})
	require.NoError(t, err)
	require.Empty(t, c.Warnings)

	for _, path := range []string{token, identity, file} {
		require.NoError(t, os.Chmod(path, 0o644))
	}
	c, err = Load(file, Options{})
	require.NoError(t, err)
	var keys []string
	for _, w := range c.Warnings {
		require.Contains(t, w.String(), "may be read by every user of this host")
		require.Contains(t, w.Fix, "chmod 600 ")
		require.NotZero(t, w.Line)
		keys = append(keys, w.Key)
	}
	require.Equal(t, []string{"teleport.identity", "jira.api_token", "http.webhook_secret"}, keys)
}

func TestSecretsSumIsOfTheFilesThatAreNamed(t *testing.T) {
	dir := t.TempDir()
	token, password := filepath.Join(dir, "token"), filepath.Join(dir, "password")
	write := func(file, text string) { require.NoError(t, os.WriteFile(file, []byte(text), 0o600)) }
	write(token, "one")
	write(password, "two")
	c := mustParse(t, strings.Replace(minimal, `"token"`, strconv.Quote(token), 1)+
		fmt.Sprintf("[http.basic_auth]\nuser = \"jira\"\npassword_file = %q\n", password))
	require.Equal(t, []string{token, password}, c.SecretFiles())
	require.Equal(t, filewatch.SumOf(token, password), c.SecretsSum)
	write(password, "three")
	require.NotEqual(t, filewatch.SumOf(c.SecretFiles()...), c.SecretsSum)
}

// Reread takes up secrets and nothing else, whatever has become of the
// configuration file.
func TestRereadTakesUpSecretsOnly(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	token, hook, password, header := file("token", "t1"), file("hook", "h1"), file("password", "p1"), file("header", "v1")
	path := file("c.toml", fmt.Sprintf(`
[teleport]
addr = "example.com:443"
identity = "/id"
[jira]
url = "https://example.atlassian.net"
username = "bot@example.com"
api_token_file = %q
project = "TAR"
[http]
https_key_file = "/key"
https_cert_file = "/cert"
webhook_secret_file = [%q]
header_name = "X-Token"
header_value_file = %q
[http.basic_auth]
user = "jira"
password_file = %q
`, token, hook, header, password))
	old, err := Load(path, Options{})
	require.NoError(t, err)
	file("c.toml", "[nonsense")
	file("token", "t2")
	file("hook", "h2")
	file("header", "v2")
	next, err := old.Reread()
	require.NoError(t, err)
	require.Equal(t, []string{"t2", "h2", "p1", "v2"}, []string{
		string(next.Jira.APIToken), string(next.HTTP.WebhookSecret[0]), string(next.HTTP.BasicAuth.Password), string(next.HTTP.HeaderValue),
	})
	require.Equal(t, "t1", string(old.Jira.APIToken))
	require.Equal(t, "h1", string(old.HTTP.WebhookSecret[0]))
	require.NotEqual(t, old.SecretsSum, next.SecretsSum)

	file("hook", "")
	_, err = next.Reread()
	require.ErrorContains(t, err, "http.webhook_secret_file: the file is empty")
}
