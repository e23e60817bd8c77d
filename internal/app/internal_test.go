package app

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/config"
	"teleport-jira/internal/logging"
)

// bare makes an app that nothing has been set up for.
func bare(t *testing.T) (*app, *bytes.Buffer) {
	t.Helper()
	out := &bytes.Buffer{}
	output, err := logging.Open(logging.Options{Output: "stderr", Severity: "DEBUG", Format: "text", Stderr: out})
	require.NoError(t, err)
	return newApp(Options{}, output, config.Default()), out
}

func TestALoopThatDoesNotTurnIsNotAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := bare(t)
		<-time.After(time.Hour)
		require.NoError(t, a.alive(), "it has not begun")
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- a.loop(ctx, &reloader{app: a}) }()
		<-time.After(time.Hour)
		require.NoError(t, a.alive(), "a daemon that waits for a side is alive")
		cancel()
		require.NoError(t, <-done)
		<-time.After(loopTimeout + time.Second)
		require.ErrorContains(t, a.alive(), "main loop: no progress for")
	})
}

func TestAListenerThatFailsEndsTheDaemon(t *testing.T) {
	a, _ := bare(t)
	broken := errors.New("accept: too many open files")
	a.listeners.failed <- broken
	require.ErrorIs(t, a.loop(t.Context(), &reloader{app: a}), broken)
}

func TestWorkThatEndsByItselfEndsTheDaemonWithItsError(t *testing.T) {
	a, _ := bare(t)
	g := a.newGeneration(config.Default())
	g.cancel, g.err = func() {}, errors.New("closed")
	close(g.done)
	a.active.Store(g)
	r := &reloader{app: a}
	require.ErrorIs(t, a.loop(t.Context(), r), errEnded)
	require.EqualError(t, r.stop(), "closed")

	// So does work that ends with an error when the next generation replaces it.
	r.next, r.cancel = a.newGeneration(config.Default()), func() {}
	require.ErrorIs(t, r.finish(t.Context(), nil), errEnded)
}

func TestStopsRunTheLastFirstAndReturnAllErrors(t *testing.T) {
	var order []string
	var s stops
	for _, name := range []string{"log", "listeners", "work"} {
		s.add(name, func() error {
			order = append(order, name)
			if name == "listeners" {
				return nil
			}
			return errors.New(name)
		})
	}
	require.EqualError(t, s.run(slog.New(slog.DiscardHandler), time.Minute), "work\nlog")
	require.Equal(t, []string{"work", "listeners", "log"}, order)
}

func TestStopsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s stops
		var out strings.Builder
		asked, release := make(chan struct{}), make(chan struct{})
		s.add("listeners", func() error { close(asked); return nil })
		s.add("work", func() error { <-release; return nil })
		begin := time.Now()
		require.NoError(t, s.run(slog.New(slog.NewTextHandler(&out, nil)), stopTimeout))
		require.Equal(t, stopTimeout, time.Since(begin))
		require.Contains(t, out.String(), `msg="not stopped in time, left behind" part=work`)
		<-asked
		close(release)
	})
}

func TestASideThatIsUnreachableIsLoggedOnceAndWhenItIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		o := newHealthLog(slog.New(slog.NewTextHandler(&out, nil)))
		during := func(d time.Duration, err error) int {
			out.Reset()
			for end := time.Now().Add(d); time.Now().Before(end); <-time.After(tickInterval) {
				o.note(sideTeleport, nil)
				o.note(sideJira, err)
			}
			return strings.Count(out.String(), "\n")
		}
		away := errors.New("jira answers 503")
		require.Zero(t, during(time.Minute, nil))
		require.Zero(t, during(tickInterval, away), "a moment is no outage")
		require.Zero(t, during(time.Minute, nil))
		require.Equal(t, 1, during(time.Hour, away))
		require.Contains(t, out.String(), `msg="side unreachable, will catch up" side=jira error="jira answers 503"`)
		require.Equal(t, 1, during(time.Minute, nil))
		require.Contains(t, out.String(), `msg="side reachable again" side=jira after=1h0m0s`)
		o.check(nil)
	})
}

func TestSystemdIsNotifiedWhileTheDaemonIsAlive(t *testing.T) {
	notified := notifySocket(t)
	stalled := errors.New("stalled")
	answers := make(chan error)
	var log strings.Builder
	ctx, cancel := context.WithCancel(t.Context())
	alive := func() error {
		select {
		case err := <-answers:
			return err
		case <-ctx.Done():
			return stalled
		}
	}
	s := &systemd{interval: 2 * time.Millisecond}
	stop := s.start(ctx, alive, slog.New(slog.NewTextHandler(&log, nil)))
	answers <- nil
	require.Equal(t, "WATCHDOG=1", <-notified)
	for range 3 {
		answers <- stalled
	}
	cancel()
	require.NoError(t, stop())
	require.Equal(t, 1, strings.Count(log.String(), "no progress"))
	require.Contains(t, log.String(), "stalled")
	require.Equal(t, "STOPPING=1", <-notified, "nothing else was sent")
}

// notifySocket is a systemd that listens. It returns what it is sent.
func notifySocket(t *testing.T) <-chan string {
	t.Helper()
	addr := &net.UnixAddr{Name: filepath.Join(t.TempDir(), "notify"), Net: "unixgram"}
	conn, err := net.ListenUnixgram("unixgram", addr)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	t.Setenv("NOTIFY_SOCKET", addr.Name)
	notified := make(chan string, 100)
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			notified <- string(buf[:n])
		}
	}()
	return notified
}

func TestDebugGoesBeforeTheConfiguredSeverity(t *testing.T) {
	require.Equal(t, "INFO", Options{Stderr: io.Discard}.logOptions(config.Default()).Severity)
	require.Equal(t, "DEBUG", Options{Debug: true}.logOptions(config.Default()).Severity)
}
