package config

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/filewatch"

	teleportjira "teleport-jira"
)

// minimal is the smallest valid configuration.
const minimal = `
[teleport]
addr = "teleport.example.com:443"
identity = "identity"
[jira]
url = "https://example.atlassian.net"
username = "bot@example.com"
api_token = "token"
project = "TAR"
[http]
https_key_file = "key.pem"
https_cert_file = "cert.pem"
`

func mustParse(t *testing.T, text string) *Config {
	t.Helper()
	c, err := Parse("test.toml", []byte(text), Options{})
	require.NoError(t, err)
	return c
}

func TestPromotedIsWhatApprovedIsUnlessItIsGiven(t *testing.T) {
	c := mustParse(t, minimal+"[jira.statuses]\napproved = [\"Freigegeben\", \"Done\"]\n")
	require.Equal(t, Names{"Freigegeben", "Done"}, c.Jira.Statuses.Promoted)
	c = mustParse(t, minimal+"[jira.statuses]\napproved = \"Freigegeben\"\npromoted = \"Promoted\"\n")
	require.Equal(t, Names{"Promoted"}, c.Jira.Statuses.Promoted)
	for _, none := range []string{`""`, "[]"} {
		_, err := Parse("test.toml", []byte(minimal+"[jira.statuses]\npromoted = "+none+"\n"), Options{})
		require.ErrorContains(t, err, "jira.statuses.promoted")
	}
}

func TestMissingSectionsGetDefaults(t *testing.T) {
	c := mustParse(t, minimal)
	want := Default()
	want.Teleport.Addr, want.Teleport.AuthServer = "teleport.example.com:443", "teleport.example.com:443"
	want.Teleport.Identity = "identity"
	want.Jira.URL = "https://example.atlassian.net"
	want.Jira.Username = "bot@example.com"
	want.Jira.APIToken = Secret("token")
	want.Jira.Project = "TAR"
	want.Jira.Statuses.Promoted = Names{"Approved"} // what approved is
	want.HTTP.HTTPSKeyFile, want.HTTP.HTTPSCertFile = "key.pem", "cert.pem"
	want.SecretsSum = filewatch.SumOf()
	require.Equal(t, want, c)
}

func TestExistingPluginsFileWorksUnchanged(t *testing.T) {
	// One thing it allowed is refused: client certificates of anybody's CA.
	_, err := Load("testdata/existing-plugin.toml", Options{})
	require.EqualError(t, err, "testdata/existing-plugin.toml:20: http.tls.verify_client_cert: "+
		"must come with client_ca_file: every certificate of a public CA would do otherwise")
	data, err := os.ReadFile("testdata/existing-plugin.toml")
	require.NoError(t, err)
	text := strings.Replace(string(data), "verify_client_cert = true", "verify_client_cert = true\nclient_ca_file = \"ca.pem\"", 1)
	c, err := Parse("existing-plugin.toml", []byte(text), Options{})
	require.NoError(t, err)
	require.Equal(t, "myinstance.teleport.sh:443", c.Teleport.Addr)
	require.Equal(t, "https://example.com/jira", c.Jira.URL)
	require.Equal(t, "MYPROJ", c.Jira.Project)
	require.Equal(t, "Bug", c.Jira.IssueType)
	require.Equal(t, "https://example.com", c.HTTP.PublicAddr)
	require.Equal(t, ":8081", c.HTTP.ListenAddr)
	require.True(t, c.HTTP.Enabled)
	require.True(t, c.HTTP.TLS.VerifyClientCert)
	require.Equal(t, BasicAuth{User: "user", Password: Secret("password")}, c.HTTP.BasicAuth)
	require.Equal(t, Log{Output: "stdout", Severity: "ERROR", Format: "text"}, c.Log)
}

func TestExampleIsValidOnceFilled(t *testing.T) {
	empty := regexp.MustCompile(`(?m)^(\w+ = )""$`)
	filled := empty.ReplaceAllString(teleportjira.ExampleConfig, `$1"filled with some text"`)
	require.NotEqual(t, teleportjira.ExampleConfig, filled)
	c, err := Parse("example", []byte(filled), Options{})
	require.NoError(t, err)
	require.Equal(t, Secret("filled with some text"), c.Jira.APIToken)
	require.Equal(t, Secrets{Secret("filled with some text")}, c.HTTP.WebhookSecret)
	require.Empty(t, c.Warnings)

	_, err = Parse("example", []byte(teleportjira.ExampleConfig), Options{})
	require.ErrorContains(t, err, "jira.api_token: must be set")
}

// TestExampleIsValidWithEverythingOptional takes the comments off every
// optional key but those that exclude others.
func TestExampleIsValidWithEverythingOptional(t *testing.T) {
	commented := regexp.MustCompile(`^# (\[|"|\w+ = )`)
	excluded := regexp.MustCompile(`^# (client_key|client_crt|root_cas|\w+_file|skip|client_id|client_secret|token_url|scopes) = `)
	lines := strings.Split(teleportjira.ExampleConfig, "\n")
	for i, line := range lines {
		if commented.MatchString(line) && !excluded.MatchString(line) {
			lines[i] = strings.TrimPrefix(line, "# ")
		}
	}
	text := regexp.MustCompile(`(?m) = ""$`).ReplaceAllString(strings.Join(lines, "\n"), ` = "filled"`)
	c, err := Parse("example", []byte(text), Options{})
	require.NoError(t, err)
	require.Equal(t, []Route{{
		Roles: Names{"prod-*"}, Annotations: map[string]Names{"team": {"db"}},
		Project: "DBA", IssueType: "Access", Labels: []string{"db"},
		Approvers: []string{}, ApproverGroups: []string{},
	}}, c.Jira.Routes)
	require.Equal(t, map[string]any{"customfield_10050": "{{.ID}}"}, c.Jira.Fields)
	require.Equal(t, map[string]string{"alice@example.com": "alice"}, c.Review.Users)
	require.Equal(t, "127.0.0.1:8082", c.Telemetry.ListenAddr)
}

// TestExampleShowsEveryKey holds the example against the types.
func TestExampleShowsEveryKey(t *testing.T) {
	var check func(of reflect.Type)
	check = func(of reflect.Type) {
		for i := range of.NumField() {
			field := of.Field(i)
			key := field.Tag.Get("toml")
			if field.Type.Kind() == reflect.Slice && field.Type.Elem().Kind() == reflect.Struct && key != "-" {
				check(field.Type.Elem())
				continue
			}
			switch {
			case key == "-" || key == "addr":
			case field.Type.Kind() == reflect.Struct:
				check(field.Type)
			case field.Type.Kind() == reflect.Map:
				require.Regexp(t, `(?m)^\[[a-z.]*`+key+`\]$|^# `+key+` = `, teleportjira.ExampleConfig)
			default:
				require.Regexp(t, `(?m)^(# )?`+key+` = `, teleportjira.ExampleConfig)
			}
		}
	}
	check(reflect.TypeFor[Config]())
}

func TestKeyPairInPlaceOfIdentity(t *testing.T) {
	c := mustParse(t, strings.Replace(minimal, `identity = "identity"`, "client_key = \"k\"\nclient_crt = \"c\"\nroot_cas = \"a\"", 1))
	require.Empty(t, c.Teleport.Identity)
	require.Equal(t, "c", c.Teleport.ClientCrt)
}

func TestInsecureNoTLSNeedsNoCertificate(t *testing.T) {
	text := strings.Split(minimal, "[http]")[0]
	_, err := Parse("f", []byte(text), Options{})
	require.ErrorContains(t, err, "http.https_cert_file")
	_, err = Parse("f", []byte(text), Options{InsecureNoTLS: true})
	require.NoError(t, err)
	_, err = Parse("f", []byte(text+"[http.tls]\nverify_client_cert = true"), Options{InsecureNoTLS: true})
	require.ErrorContains(t, err, "f:11: http.tls.verify_client_cert: can't be true with --insecure-no-tls")
}

func TestPlainHTTPToJiraOnLoopbackOnly(t *testing.T) {
	for _, url := range []string{"http://127.0.0.1:8080", "http://[::1]", "http://localhost:1/jira"} {
		require.Equal(t, url, mustParse(t, strings.Replace(minimal, "https://example.atlassian.net", url, 1)).Jira.URL)
	}
	for _, url := range []string{"http://10.0.0.1", "http://localhost.example.com", "http://127.0.0.1.example.com"} {
		_, err := Parse("f", []byte(strings.Replace(minimal, "https://example.atlassian.net", url, 1)), Options{})
		require.ErrorContains(t, err, "jira.url: must be https", url)
	}
}

func TestStatusesAreNamesIDsOrLists(t *testing.T) {
	c := mustParse(t, minimal+`
[jira.statuses]
pending = ["To Do", "10001"]
approved = "Done"
`)
	require.Equal(t, Names{"To Do", "10001"}, c.Jira.Statuses.Pending)
	require.Equal(t, Names{"Done"}, c.Jira.Statuses.Approved)
	require.Equal(t, Names{"Denied"}, c.Jira.Statuses.Denied)
}

func TestFieldsTakeAnyValue(t *testing.T) {
	c := mustParse(t, minimal+`
[jira.fields]
customfield_1 = "{{.User}}"
customfield_2 = 5
"Request team" = ["a", "b"]
customfield_3 = { value = "x" }
`)
	require.Equal(t, map[string]any{
		"customfield_1": "{{.User}}", "customfield_2": int64(5),
		"Request team": []any{"a", "b"}, "customfield_3": map[string]any{"value": "x"},
	}, c.Jira.Fields)
}

func TestUserInPublicAddrIsBasicAuth(t *testing.T) {
	c := mustParse(t, minimal+`public_addr = "https://jira:hunter2@example.com/"`)
	require.Equal(t, "https://example.com/", c.HTTP.PublicAddr)
	require.Equal(t, BasicAuth{User: "jira", Password: Secret("hunter2")}, c.HTTP.BasicAuth)
}

func TestAuthenticated(t *testing.T) {
	for name, tc := range map[string]struct {
		http HTTP
		want bool
	}{
		"nothing":     {HTTP{}, false},
		"secret":      {HTTP{WebhookSecret: Secrets{Secret("s")}}, true},
		"basic auth":  {HTTP{BasicAuth: BasicAuth{User: "u", Password: Secret("p")}}, true},
		"certificate": {HTTP{TLS: HTTPTLS{VerifyClientCert: true}}, true},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, tc.want, tc.http.Authenticated()) })
	}
}

func TestDurations(t *testing.T) {
	c := mustParse(t, minimal+"[reconcile]\npoll_interval = \"0\"\nresync_interval = \"1h30m\"")
	require.Zero(t, c.Reconcile.PollInterval)
	require.Equal(t, 90*time.Minute, c.Reconcile.ResyncInterval)
}

func TestUnreadableFiles(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing.toml")
	_, err := Load(missing, Options{})
	require.EqualError(t, err, missing+": no such file or directory")
	_, err = Load(dir, Options{})
	require.EqualError(t, err, dir+": is a directory")
	large := filepath.Join(dir, "large.toml")
	require.NoError(t, os.WriteFile(large, []byte(strings.Repeat("#\n", maxFile)), 0o600))
	_, err = Load(large, Options{})
	require.EqualError(t, err, large+": larger than 1024 KiB")
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(minimal))
	f.Add([]byte(teleportjira.ExampleConfig))
	files, err := filepath.Glob("testdata/faults/*.toml")
	require.NoError(f, err)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(data)
	}
	// A path that fuzzing finds must not make the test wait for a device.
	device := regexp.MustCompile(`_file|dev|proc|\\`)
	f.Fuzz(func(t *testing.T, data []byte) {
		if device.Match(data) {
			return
		}
		c, err := Parse("f", data, Options{})
		if err == nil {
			require.NotEmpty(t, c.Jira.URL)
			require.NotEmpty(t, c.Jira.Statuses.Approved)
			return
		}
		var faults Faults
		require.ErrorAs(t, err, &faults)
		require.NotEmpty(t, faults)
		for _, fault := range faults {
			require.LessOrEqual(t, fault.Line, strings.Count(string(data), "\n")+1)
			require.NotContains(t, fault.String(), "\n")
		}
	})
}

// TestMappingIsRequiredWhereAccountsAreMapped: unless it is written otherwise.
func TestMappingIsRequiredWhereAccountsAreMapped(t *testing.T) {
	data, err := os.ReadFile("testdata/faults/review-user-empty.toml")
	require.NoError(t, err)
	data, _, _ = bytes.Cut(data, []byte("[review.users]"))
	for review, want := range map[string]bool{
		"":                                false,
		"[review.users]\nbob = \"bob\"\n": true,
		"[review.identity]\nmatch_email = true\n":                   true,
		"[review.identity]\nuser_trait = \"jira\"\n":                true,
		"[review.identity]\nmatch_email = true\nrequired = false\n": false,
		"[review.identity]\nmatch_email = true\nrequired = true\n":  true,
	} {
		c, err := Parse("test", append(slices.Clone(data), "\n"+review...), Options{})
		require.NoError(t, err)
		require.Equal(t, want, c.Review.Identity.Required, review)
	}
}

func TestForTeleportTheRestNeedNotBeFinished(t *testing.T) {
	file := filepath.Join(t.TempDir(), "teleport-jira.toml")
	write := func(from, to string) {
		require.Contains(t, teleportjira.ExampleConfig, from)
		require.NoError(t, os.WriteFile(file, []byte(strings.Replace(teleportjira.ExampleConfig, from, to, 1)), 0o600))
	}
	write(`[jira]`, `[jira]`)
	c, err := LoadForTeleport(file)
	require.NoError(t, err, "there is no token yet, and no certificate")
	require.Equal(t, "auto", c.Review.Mode)

	for from, to := range map[string]string{
		`"teleport.example.com:443"`: `""`, `mode = "auto"`: `mode = "maybe"`, `plugin_name = "jira"`: `plugin_nam = "jira"`,
	} {
		write(from, to)
		_, err = LoadForTeleport(file)
		var faults Faults
		require.ErrorAs(t, err, &faults)
		require.Len(t, faults, 1)
	}
	write(`[jira]`, `[jira`)
	_, err = LoadForTeleport(file)
	require.ErrorContains(t, err, "teleport-jira.toml:")
	_, err = LoadForTeleport(file + ".absent")
	require.ErrorContains(t, err, "no such file")
}
