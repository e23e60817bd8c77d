package load

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/testworld"
)

// patience is how long a daemon may take to become ready on a busy machine.
const patience = time.Minute

// replica is one daemon that can be started, killed and paused. Its methods
// may be called concurrently.
type replica struct {
	world    *world
	daemon   *testworld.Daemon
	conf     testworld.Config // what its file holds
	hookAddr string
	log      string // the file that it writes to
}

// launch starts the daemon, unless it runs, and does not wait for it.
func (r *replica) launch() {
	if r.daemon.Process() == nil {
		require.NoError(r.world.t, r.daemon.Launch("--insecure-no-tls"))
	}
}

// start starts the daemon and waits until it is ready.
func (r *replica) start() {
	r.world.t.Helper()
	r.launch()
	r.world.await(patience, often, "a daemon that is ready", r.ready)
}

func (r *replica) ready() bool { return r.daemon.Ready() == nil }

// signal sends the daemon a signal, if it runs.
func (r *replica) signal(s os.Signal) {
	if r.daemon.Process() != nil {
		require.NoError(r.world.t, r.daemon.Signal(s))
	}
}

// kill ends the daemon as a power failure does. A paused one dies, too.
func (r *replica) kill() { require.NoError(r.world.t, r.daemon.Kill()) }

// stop ends the daemon as an operator does.
func (r *replica) stop() { require.NoError(r.world.t, r.daemon.Stop()) }

// ended reports whether a daemon that was started ended by itself.
func (r *replica) ended() bool { return r.daemon.Ended() }

// metric is the value of a series, or the sum of all series of a metric;
// negative if there is none.
func (r *replica) metric(name string) float64 {
	value, found := r.daemon.Metric(name)
	if !found {
		return -1
	}
	return value
}

// The metrics of what a daemon has done.
const (
	executions = "teleport_jira_reconcile_duration_seconds_count"
	lastResync = `teleport_jira_last_success_timestamp_seconds{listing="resync"}`
)

// idle reports whether nothing waits in the daemon's queue.
func (r *replica) idle() bool { return r.metric("teleport_jira_queue_depth") == 0 }

// settle waits until the daemon has listed everything and has had nothing to do
// for a moment.
func (r *replica) settle(limit time.Duration) {
	r.world.t.Helper()
	const calm = 500 * time.Millisecond
	r.world.await(limit, seldom, "a resync", func() bool { return r.metric(lastResync) > 0 })
	last, since := -1.0, time.Now()
	r.world.await(limit, seldom, "a daemon at rest", func() bool {
		if now := r.metric(executions); now != last || !r.idle() {
			last, since = now, time.Now()
		}
		return time.Since(since) > calm
	})
}

// status is a figure in MiB from the kernel's account of the process, such as
// VmRSS.
func (r *replica) status(key string) float64 {
	proc := r.daemon.Process()
	require.NotNil(r.world.t, proc)
	file, err := os.Open(fmt.Sprintf("/proc/%d/status", proc.PID()))
	require.NoError(r.world.t, err)
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), key+":"); ok {
			kib, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			require.NoError(r.world.t, err)
			return kib / 1024
		}
	}
	require.Fail(r.world.t, "no "+key)
	return 0
}

// cpu is the processor time that the daemon has used.
func (r *replica) cpu() time.Duration {
	return time.Duration(r.metric("process_cpu_seconds_total") * float64(time.Second))
}
