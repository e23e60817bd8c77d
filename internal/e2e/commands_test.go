package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// command runs the program and returns what it wrote and its exit status.
func command(t *testing.T, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, args...)
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		var exit *exec.ExitError
		require.ErrorAs(t, err, &exit)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

func TestVersionIsOneLine(t *testing.T) {
	t.Parallel()
	stdout, stderr, status := command(t, "version")
	require.Zero(t, status)
	require.Empty(t, stderr)
	require.Regexp(t, `^teleport-jira v\d+\.\d+\.\d+\S* git:\S+ go1\.\S+\n$`, stdout)
}

func TestConfigurePrintsTheExample(t *testing.T) {
	t.Parallel()
	example, err := os.ReadFile(filepath.Join("..", "..", "teleport-jira.toml.example"))
	require.NoError(t, err)
	stdout, stderr, status := command(t, "configure")
	require.Zero(t, status)
	require.Empty(t, stderr)
	require.Equal(t, string(example), stdout)
}

func TestExampleWorksOnceItsEmptyValuesAreFilled(t *testing.T) {
	w := newWorld(t)
	text, _, status := command(t, "configure")
	require.Zero(t, status)
	for from, to := range map[string]string{
		`api_token = ""`:                            `api_token = "bot-token"`,
		`https_key_file = ""`:                       `https_key_file = "` + w.path("tls.key") + `"`,
		`https_cert_file = ""`:                      `https_cert_file = "` + w.path("tls.crt") + `"`,
		`webhook_secret = ""`:                       `webhook_secret = "` + secret + `"`,
		`"https://example.atlassian.net"`:           `"` + w.site.URL() + `"`,
		`"teleport.example.com:443"`:                `"` + w.auth.Addr() + `"`,
		`"/var/lib/teleport/plugins/jira/identity"`: `"` + w.path(identity) + `"`,
		`listen_addr = ":8081"`:                     `listen_addr = "` + w.hookAddr + `"`,
		`# listen_addr = "127.0.0.1:8082"`:          `listen_addr = "` + w.adminAddr + `"`,
	} {
		require.Equal(t, 1, strings.Count(text, "\n"+from)+strings.Count(text, " = "+from), from)
		text = strings.Replace(text, from, to, 1)
	}
	w.writeText(text)
	w.launchAsIs()
	w.ready()
	w.pending()
}

func TestHelpReadsWellAndUnknownFlagsAreRefused(t *testing.T) {
	t.Parallel()
	stdout, _, status := command(t, "--help")
	require.Zero(t, status)
	for _, name := range []string{"start", "configure", "version", "check"} {
		require.Contains(t, stdout, "  "+name+" ")
	}
	for _, args := range [][]string{{"start", "--confg", "x"}, {"begin"}, {"version", "extra"}} {
		_, stderr, status := command(t, args...)
		require.NotZero(t, status, args)
		require.Equal(t, 1, strings.Count(stderr, "\n"), stderr)
		require.True(t, strings.HasPrefix(stderr, "teleport-jira: "), stderr)
	}
}
