package load

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/testworld"
)

// patience is how long a daemon may take to become ready on a busy machine.
const patience = time.Minute

// replica is one daemon that can be started, killed and paused. Its methods
// may be called concurrently.
type replica struct {
	world     *world
	hookAddr  string
	adminAddr string
	conf, log string

	mu   sync.Mutex
	proc *testworld.Process // nil when none was started since the last one's end
}

// launch starts the daemon and does not wait for it.
func (r *replica) launch() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.proc != nil {
		return
	}
	out, err := os.OpenFile(r.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(r.world.t, err)
	defer out.Close()
	r.proc, err = testworld.Start(out, nil, binary, "start", "--insecure-no-tls", "--config", r.conf)
	require.NoError(r.world.t, err)
}

// start starts the daemon and waits until it is ready.
func (r *replica) start() {
	r.world.t.Helper()
	r.launch()
	r.world.await(patience, often, "a daemon that is ready", r.ready)
}

func (r *replica) ready() bool {
	status, _, err := r.get("/readyz")
	return err == nil && status == http.StatusOK
}

// signal sends the daemon a signal, if it runs.
func (r *replica) signal(s os.Signal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.proc != nil {
		require.NoError(r.world.t, r.proc.Signal(s))
	}
}

// end sends a signal that ends the daemon and waits for that.
func (r *replica) end(s os.Signal) {
	r.signal(s)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.proc != nil {
		<-r.proc.Done()
		r.proc = nil
	}
}

// kill ends the daemon as a power failure does. A paused one dies, too.
func (r *replica) kill() { r.end(syscall.SIGKILL) }

// stop ends the daemon as an operator does.
func (r *replica) stop() { r.end(syscall.SIGTERM) }

// ended tells whether a daemon that was started ended by itself.
func (r *replica) ended() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.proc != nil && r.proc.Ended()
}

// get asks the daemon's admin listener.
func (r *replica) get(path string) (status int, body string, err error) {
	resp, err := r.world.client.Get("http://" + r.adminAddr + path)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

// metric is the value of a series, or the sum of all series of a metric;
// negative if there is none.
func (r *replica) metric(name string) float64 {
	_, body, err := r.get("/metrics")
	if err != nil {
		return -1
	}
	sum, found := 0.0, false
	for line := range strings.Lines(body) {
		line = strings.TrimSpace(line)
		at := strings.LastIndexByte(line, ' ')
		if at < 0 || line[:at] != name && !strings.HasPrefix(line, name+"{") {
			continue
		}
		if n, err := strconv.ParseFloat(line[at+1:], 64); err == nil {
			sum, found = sum+n, true
		}
	}
	if !found {
		return -1
	}
	return sum
}

// The metrics that tell what a daemon has done.
const (
	visits     = "teleport_jira_reconcile_duration_seconds_count"
	lastResync = `teleport_jira_last_success_timestamp_seconds{listing="resync"}`
)

// idle tells whether nothing waits in the daemon's queue.
func (r *replica) idle() bool { return r.metric("teleport_jira_queue_depth") == 0 }

// settle waits until the daemon has listed everything and has had nothing to do
// for a moment.
func (r *replica) settle(limit time.Duration) {
	r.world.t.Helper()
	const calm = 500 * time.Millisecond
	r.world.await(limit, seldom, "a resync", func() bool { return r.metric(lastResync) > 0 })
	last, since := -1.0, time.Now()
	r.world.await(limit, seldom, "a daemon at rest", func() bool {
		if now := r.metric(visits); now != last || !r.idle() {
			last, since = now, time.Now()
		}
		return time.Since(since) > calm
	})
}

// status is a figure in MiB from the kernel's account of the process, such as
// VmRSS.
func (r *replica) status(key string) float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	require.NotNil(r.world.t, r.proc)
	file, err := os.Open(fmt.Sprintf("/proc/%d/status", r.proc.PID()))
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
