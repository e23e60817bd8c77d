package e2e

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/testworld"
)

// output collects what a process writes.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// launch starts the daemon with the configuration as it is now, and does not
// wait for it.
func (w *world) launch(flags ...string) {
	w.t.Helper()
	w.writeConfig()
	w.launchAsIs(flags...)
}

// launchAsIs is launch with the file that is there.
func (w *world) launchAsIs(flags ...string) {
	w.t.Helper()
	require.Nil(w.t, w.proc, "the daemon runs already")
	args := append([]string{"start", "--config", w.confPath}, flags...)
	argv := slices.Concat(w.through, []string{binary}, args)
	proc, err := testworld.Start(w.log, w.env, argv...)
	require.NoError(w.t, err)
	w.proc = proc
}

// start starts the daemon and waits until it is ready.
func (w *world) start(flags ...string) {
	w.t.Helper()
	w.launch(flags...)
	w.ready()
}

// ready waits until the daemon says that both sides are usable.
func (w *world) ready() {
	w.t.Helper()
	eventually(w.t, func(c *assert.CollectT) {
		status, body, err := w.admin("/readyz")
		require.NoError(c, err)
		require.Equal(c, http.StatusOK, status, body)
	})
}

// admin asks the admin listener.
func (w *world) admin(path string) (status int, body string, err error) {
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, "http://"+w.adminAddr+path, nil)
	if err != nil {
		return 0, "", err
	}
	resp, err := w.client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

// signal sends the daemon a signal.
func (w *world) signal(s os.Signal) {
	w.t.Helper()
	require.NotNil(w.t, w.proc, "the daemon does not run")
	require.NoError(w.t, w.proc.Signal(s))
}

// stop ends the daemon as an operator does.
func (w *world) stop() {
	w.t.Helper()
	w.signal(syscall.SIGTERM)
	require.Zero(w.t, w.exit(), "exit status")
}

// kill ends the daemon as a power failure does.
func (w *world) kill() {
	w.t.Helper()
	w.signal(syscall.SIGKILL)
	w.exit()
}

// exit waits for the daemon's end and returns its exit status.
func (w *world) exit() int {
	w.t.Helper()
	require.NotNil(w.t, w.proc, "the daemon does not run")
	select {
	case <-w.proc.Done():
	case <-time.After(patience):
		require.Fail(w.t, "the daemon did not end")
	}
	ended := w.proc
	w.proc = nil
	return ended.ExitStatus()
}

// abandon ends a daemon that still runs when its test ends.
func (w *world) abandon() {
	if w.proc == nil {
		return
	}
	if err := w.proc.Signal(syscall.SIGKILL); err != nil {
		w.t.Error(err)
	}
	<-w.proc.Done()
}

// logged waits until the daemon has written a line with all of the parts.
func (w *world) logged(parts ...string) {
	w.t.Helper()
	eventually(w.t, func(c *assert.CollectT) {
		require.NotZero(c, w.logCount(parts...), "no line with %q", parts)
	})
}

// logCount is how many lines hold all of the parts.
func (w *world) logCount(parts ...string) int {
	n := 0
	for line := range strings.Lines(w.log.String()) {
		if containsAll(line, parts) {
			n++
		}
	}
	return n
}

func containsAll(text string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}
