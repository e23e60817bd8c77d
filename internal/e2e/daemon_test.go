package e2e

import (
	"os"
	"syscall"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

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
	w.daemon.Argv, w.daemon.Env = append(w.through[:len(w.through):len(w.through)], binary), w.env
	require.NoError(w.t, w.daemon.Launch(flags...))
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
	succeeds(w.t, w.daemon.Ready)
}

// admin asks the admin listener.
func (w *world) admin(path string) (status int, body string, err error) { return w.daemon.Admin(path) }

// signal sends the daemon a signal.
func (w *world) signal(s os.Signal) {
	w.t.Helper()
	require.NoError(w.t, w.daemon.Signal(s))
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
	status, err := w.daemon.Exit(patience)
	require.NoError(w.t, err)
	return status
}

// logged waits until the daemon has written a line with all of the parts.
func (w *world) logged(parts ...string) {
	w.t.Helper()
	eventually(w.t, func(c *assert.CollectT) {
		require.NotZero(c, w.logCount(parts...), "no line with %q", parts)
	})
}

// logCount is how many lines hold all of the parts.
func (w *world) logCount(parts ...string) int { return w.log.Count(parts...) }
