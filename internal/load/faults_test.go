package load

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/testworld"
)

const (
	breaking = time.Minute // how long things go wrong
	// converging is how long everything may take to be in step again: a claim's
	// life, the search's grace, and the longest backoff, on a busy machine.
	converging = 4 * time.Minute
)

// TestFaults lets replicas be killed and paused, and both sides fail, while
// people go on, and holds the promises against what is left.
func TestFaults(t *testing.T) {
	wanted(t, envFaults, "make test-faults")
	seed := seedOf(t)
	for i, tc := range []struct {
		replicas int
		mode     string
	}{{2, "review"}, {3, "state"}, {5, "review"}} {
		t.Run(fmt.Sprintf("%d replicas, mode %s", tc.replicas, tc.mode), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(o *options) {
				o.replicas, o.mode, o.webhooks = tc.replicas, tc.mode, true
				o.poll, o.resync, o.severity = "5s", "15s", "DEBUG"
				o.jira.SearchLag = 2 * time.Second
			})
			for _, r := range w.replicas {
				r.start()
			}
			c := newChaos(w, seed+uint64(i), 120*time.Millisecond)
			c.run(breaking)
			w.converge(c.requests)
			t.Logf("%d requests, %d decided", len(c.requests), len(c.requests)-len(c.open))
		})
	}
}

// converge waits until all promises hold, and go on holding while nothing
// happens any more.
func (w *world) converge(requests []string) {
	w.t.Helper()
	require.NotEmpty(w.t, requests)
	const calm = 10 * time.Second
	var faults []string
	since := time.Now()
	testworld.Until(converging, 250*time.Millisecond, func() bool {
		w.supervise()
		if faults = w.broken(requests); len(faults) > 0 {
			since = time.Now()
		}
		return time.Since(since) > calm
	})
	if len(faults) > 0 {
		w.keepLogs()
	}
	require.Empty(w.t, faults, "promises that do not hold")
}

// keepLogs copies what the daemons wrote to where it outlives the test.
func (w *world) keepLogs() {
	w.t.Helper()
	dir, err := os.MkdirTemp("", "teleport-jira-faults-")
	require.NoError(w.t, err)
	for i, r := range w.replicas {
		text, err := os.ReadFile(r.log)
		require.NoError(w.t, err)
		require.NoError(w.t, os.WriteFile(fmt.Sprintf("%s/replica%d.log", dir, i), text, 0o600))
	}
	w.t.Logf("what the daemons wrote is in %s", dir)
}

// seedOf is the seed of the schedule: the one asked for, or a new one, which
// is shown.
func seedOf(t *testing.T) uint64 {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv(envSeed); text != "" {
		var err error
		seed, err = strconv.ParseUint(strings.TrimSpace(text), 10, 64)
		require.NoError(t, err)
	}
	t.Logf("run again with %s=%d", envSeed, seed)
	return seed
}
