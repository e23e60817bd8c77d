package e2e

import (
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
)

// TestSystemdIsToldWhatTheDaemonDoes: a boot does not wait for a side that is away,
// and `systemctl status` says what is waited for and what a reload came to.
func TestSystemdIsToldWhatTheDaemonDoes(t *testing.T) {
	w := newWorld(t)
	told := w.systemd()
	clear503 := w.jira.Inject(fakejira.Fault{Effect: fakejira.Respond, Status: http.StatusServiceUnavailable})
	w.launch()
	told("READY=1", "STATUS=waiting for Teleport and Jira")
	clear503()
	told("READY=1", "STATUS=at work")
	w.set("reconcile", "workers", "many")
	w.writeConfig()
	w.signal(syscall.SIGHUP)
	told("RELOADING=1")
	told("READY=1", "STATUS=configuration not reloaded: ")
	w.conf.Drop("reconcile", "workers")
	w.writeConfig()
	w.signal(syscall.SIGHUP)
	told("READY=1", "STATUS=at work, the new configuration")
	told("READY=1", "STATUS=at work")
}

// systemd listens where the daemon tells what it does. It returns what waits until
// all of the parts were told at once.
func (w *world) systemd() (told func(parts ...string)) {
	w.t.Helper()
	addr := &net.UnixAddr{Name: filepath.Join(w.t.TempDir(), "notify"), Net: "unixgram"}
	conn, err := net.ListenUnixgram("unixgram", addr)
	require.NoError(w.t, err)
	w.t.Cleanup(func() { _ = conn.Close() })
	w.env = append(w.env, "NOTIFY_SOCKET="+addr.Name)
	return func(parts ...string) {
		w.t.Helper()
		require.NoError(w.t, conn.SetReadDeadline(time.Now().Add(time.Minute)))
		state := make([]byte, 4096)
		for {
			n, err := conn.Read(state)
			require.NoError(w.t, err, parts)
			if strings.HasPrefix(string(state[:n]), strings.Join(parts, "\n")) {
				return
			}
		}
	}
}
