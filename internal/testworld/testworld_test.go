package testworld_test

import (
	"crypto/tls"
	"crypto/x509"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/testworld"
)

func TestConfigIsTOMLInAFixedOrder(t *testing.T) {
	conf := testworld.Config{}
	testworld.ConfigureJira(conf, fakejira.DataCenter, "http://127.0.0.1:1")
	conf.Set("http", "enabled", false)
	conf.Set("review.users", "557058:0b1c", `bob "the" builder`)
	conf.Set("review", "approvers", []string{"a", "b"})
	conf.Set("log", "severity", "DEBUG")
	conf.Drop("log", "severity")
	require.Equal(t, `[http]
enabled = false

[jira]
api_token = "bot-pat"
project = "TAR"
url = "http://127.0.0.1:1"

[log]

[review]
approvers = ["a", "b"]

[review.users]
"557058:0b1c" = "bob \"the\" builder"
`, conf.String())
}

func TestCertificatesAreTrustedThroughTheirAuthority(t *testing.T) {
	ca, err := testworld.NewAuthority()
	require.NoError(t, err)
	dir := t.TempDir()
	first, err := ca.Issue(dir)
	require.NoError(t, err)
	second, err := ca.Issue(dir)
	require.NoError(t, err)
	require.NotEqual(t, first, second)
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, testworld.CertFile), filepath.Join(dir, testworld.KeyFile))
	require.NoError(t, err)
	require.Equal(t, second, pair.Leaf.SerialNumber.Int64())
	_, err = pair.Leaf.Verify(x509.VerifyOptions{Roots: ca.Pool(), DNSName: "127.0.0.1"})
	require.NoError(t, err)
}

// TestDaemonIsStartedPausedAndKilled has a shell stand in for the program.
func TestDaemonIsStartedPausedAndKilled(t *testing.T) {
	log := &testworld.Log{}
	d := &testworld.Daemon{
		Argv: []string{"sh", "-c", `echo "up $* as $NAME"; exec sleep 60`, "daemon"}, ConfigPath: "x.toml", Env: []string{"NAME=bot"}, Out: log,
	}
	_, err := d.Exit(time.Second)
	require.ErrorContains(t, err, "does not run")
	require.NoError(t, d.Launch("--debug"))
	require.ErrorContains(t, d.Launch(), "runs already")
	require.True(t, testworld.Until(time.Minute, time.Millisecond, func() bool { return log.Count("up", "--config x.toml --debug as bot") == 1 }))
	require.NoError(t, d.Signal(syscall.SIGSTOP))
	require.False(t, d.Ended())
	require.NoError(t, d.Kill())
	require.NoError(t, d.Kill(), "it is dead already")
	require.Nil(t, d.Process())
	require.Equal(t, 1, strings.Count(log.String(), "\n"))
}

func TestUntilGivesUp(t *testing.T) {
	require.False(t, testworld.Until(time.Millisecond, time.Millisecond, func() bool { return false }))
}
