package app

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestHeartStopsWhenTheLoopDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h watchdog
		pass(time.Hour)
		require.NoError(t, h.stalled(), "it has not begun")
		h.beat()
		pass(loopLimit)
		require.NoError(t, h.stalled())
		pass(time.Second)
		require.EqualError(t, h.stalled(), "the main loop has not turned for 1m1s")
		h.beat()
		require.NoError(t, h.stalled())
	})
}

func pass(d time.Duration) { <-time.After(d) }

func TestWatchdogIsFedWhileTheDaemonIsAlive(t *testing.T) {
	told := notifySocket(t)
	stuck := errors.New("stuck")
	verdicts := make(chan error)
	var log strings.Builder
	ctx, cancel := context.WithCancel(t.Context())
	alive := func() error {
		select {
		case err := <-verdicts:
			return err
		case <-ctx.Done():
			return stuck
		}
	}
	n := &notifier{interval: 2 * time.Millisecond}
	done := make(chan error, 1)
	go func() { done <- n.watchdog(ctx, alive, slog.New(slog.NewTextHandler(&log, nil))) }()
	verdicts <- nil
	require.Equal(t, "WATCHDOG=1", <-told)
	for range 3 {
		verdicts <- stuck
	}
	cancel()
	require.NoError(t, <-done)
	require.Equal(t, 1, strings.Count(log.String(), "no progress"))
	require.Contains(t, log.String(), "stuck")
	require.Equal(t, "STOPPING=1", <-told, "nothing else was told")
}

// notifySocket is a systemd that listens, and what it is told.
func notifySocket(t *testing.T) <-chan string {
	t.Helper()
	addr := &net.UnixAddr{Name: filepath.Join(t.TempDir(), "notify"), Net: "unixgram"}
	conn, err := net.ListenUnixgram("unixgram", addr)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	t.Setenv("NOTIFY_SOCKET", addr.Name)
	told := make(chan string, 100)
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			told <- string(buf[:n])
		}
	}()
	return told
}
