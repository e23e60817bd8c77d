package load

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/faketeleport"
)

const (
	mostResident = 150.0 // MiB, after any load
	// mostGoroutines may be there beside those of an idle daemon: connections
	// that are kept for a while.
	mostGoroutines = 40.0
)

// TestSoak loads two daemons with people and faults for a long time. No daemon
// is restarted, so that what they leave behind adds up.
func TestSoak(t *testing.T) {
	duration, err := time.ParseDuration(wanted(t, envSoak, "make soak"))
	require.NoError(t, err)
	w := newWorld(t, func(o *options) {
		o.replicas, o.webhooks = 2, true
		o.poll, o.resync = "5s", "30s"
		o.jira.SearchLag = 2 * time.Second
		o.jira.Latency = 20 * time.Millisecond
	})
	idle := make([]float64, len(w.replicas))
	for i, r := range w.replicas {
		r.start()
		r.settle(patience)
		idle[i] = r.metric("go_goroutines")
	}
	c := newChaos(w, seedOf(t), 50*time.Millisecond)
	c.gentle = true
	// Long enough for an issue whatever goes wrong, and soon over.
	c.each = faketeleport.RequestOptions{AccessTTL: 6 * time.Minute}
	for end := time.Now().Add(duration); time.Now().Before(end); {
		c.run(min(time.Minute, time.Until(end)))
		for i, r := range w.replicas {
			t.Logf("replica %d: %d requests, %.0f MiB resident, %.1f MiB of heap, %.0f goroutines", i, len(c.requests),
				r.status("VmRSS"), r.metric("go_memstats_heap_inuse_bytes")/(1<<20), r.metric("go_goroutines"))
		}
	}
	w.converge(c.requests)
	for i, r := range w.replicas {
		require.LessOrEqual(t, r.status("VmHWM"), mostResident, "most memory of replica %d", i)
		w.await(5*time.Minute, time.Second, "goroutines that end", func() bool { return r.metric("go_goroutines") <= idle[i]+mostGoroutines })
		w.await(5*time.Minute, time.Second, "an empty queue", r.idle)
		r.stop()
	}
}
