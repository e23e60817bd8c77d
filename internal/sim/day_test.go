package sim_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
)

// TestDay runs a working day of a large company in fake time, with DAY_REQUESTS
// requests (100) and DAY_REPLICAS replicas (2): `make day` sets them and shows
// what the day cost each side. Every request gets one issue and ends as it was
// decided, wherever that was.
func TestDay(t *testing.T) {
	requests := fromEnv(t, "DAY_REQUESTS", 100)
	replicas := fromEnv(t, "DAY_REPLICAS", 2)
	synctest.Test(t, func(t *testing.T) {
		d := newDay(t, int(requests), int(replicas))
		defer d.world.close()
		d.run()
		d.check()
		if os.Getenv("DAY_REQUESTS") != "" {
			t.Log(d.report())
		}
	})
}

// usersPerRequest is how many users a company has for each request of a day.
const usersPerRequest = 2.5

// day is one working day. Requests come between eight and eighteen o'clock; of a
// hundred, eighty are decided on the board, fifteen in Teleport, and nobody
// decides the others.
type day struct {
	*world
	rng      *rand.Rand
	requests int
	users    int
	began    time.Time
	decided  map[string]types.RequestState // by request; pending: nobody does
	actions  []action                      // by time
	peaks    map[string]int                // most calls in a second, by side
	heap     uint64                        // most in use, of everything in this process
	mostOpen int
	data     int // plugin data of one request, in bytes
}

// action is what somebody does at a time since the day began.
type action struct {
	at time.Duration
	do func()
}

func newDay(t *testing.T, requests, replicas int) *day {
	d := &day{
		rng: rand.New(rand.NewPCG(1, 1)), requests: requests, users: int(float64(requests) * usersPerRequest),
		decided: map[string]types.RequestState{}, peaks: map[string]int{},
	}
	d.world = newWorld(t, fakejira.Cloud, func(o *fakejira.Options, _ *faketeleport.Config) {
		o.Latency, o.SearchLag, o.Limits = 150*time.Millisecond, 5*time.Second, fakejira.CloudLimits()
	})
	d.world.webhooks(func(h *fakejira.Webhook) { h.Concurrency = 20 })
	d.world.logs.mute()
	for i := range replicas {
		d.world.start(fmt.Sprint("replica ", i), newBody())
	}
	<-time.After(time.Minute)
	d.began = time.Now()
	return d
}

// run plans the day and lives it, second by second.
func (d *day) run() {
	for range d.requests {
		at := 8*time.Hour + time.Duration(d.rng.Int64N(int64(10*time.Hour)))
		d.actions = append(d.actions, action{at, func() { d.ask(at) }})
	}
	last := d.calls()
	for second := time.Duration(0); second < 24*time.Hour; second += time.Second {
		slices.SortStableFunc(d.actions, func(a, b action) int { return int(a.at - b.at) })
		for len(d.actions) > 0 && d.actions[0].at <= second {
			next := d.actions[0]
			d.actions = d.actions[1:]
			next.do()
		}
		<-time.After(time.Until(d.began.Add(second + time.Second)))
		now := d.calls()
		for side, n := range now {
			d.peaks[side] = max(d.peaks[side], n-last[side])
		}
		last = now
		if second%(30*time.Minute) == 0 {
			d.measure()
		}
	}
}

// ask makes a request, and plans who decides it when.
func (d *day) ask(at time.Duration) {
	user := fmt.Sprintf("user%d@example.com", d.rng.IntN(d.users))
	id := d.request(user, "ticket CHG-1234", faketeleport.RequestOptions{PendingTTL: 4 * time.Hour, AccessTTL: 8 * time.Hour})
	d.decided[id] = types.RequestState_PENDING
	after := at + time.Minute + time.Duration(d.rng.Int64N(int64(30*time.Minute)))
	state, status := types.RequestState_APPROVED, "Approved"
	if d.rng.IntN(10) == 0 {
		state, status = types.RequestState_DENIED, "Denied"
	}
	switch who := d.rng.IntN(100); {
	case who < 80:
		d.decided[id] = state
		d.actions = append(d.actions, action{after, func() {
			require.NoError(d.t, d.jira.Drag(d.issueKey(id), status, fakejira.BobID))
		}})
	case who < 95:
		d.decided[id] = state
		d.actions = append(d.actions, action{after, func() { d.review("rita", id, state) }})
	}
}

// issueKey is the key of the request's issue, as its record has it.
func (d *day) issueKey(id string) string { return d.cluster.PluginData(id)["jira"]["issue_key"] }

// calls counts the calls to each side so far.
func (d *day) calls() map[string]int {
	counts := map[string]int{}
	for _, n := range d.jira.CallCounts() {
		counts["Jira"] += n
	}
	for _, n := range d.cluster.Calls() {
		counts["Teleport"] += n
	}
	return counts
}

func (d *day) measure() {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	d.heap = max(d.heap, stats.HeapInuse)
	open := d.cluster.Requests()
	d.mostOpen = max(d.mostOpen, len(open))
	for _, req := range open {
		size := 0
		for key, value := range d.cluster.PluginData(req.GetName())["jira"] {
			size += len(key) + len(value)
		}
		d.data = max(d.data, size)
	}
}

// check finds every request in step: one issue, which shows what was decided.
func (d *day) check() {
	synctest.Wait()
	require.Len(d.t, d.decided, d.requests)
	statuses := map[string]string{}
	for _, issue := range d.jira.Issues() {
		id := strings.Trim(string(issue.Properties["teleportAccessRequestId"]), `"`)
		require.NotContains(d.t, statuses, id, "one issue for a request")
		statuses[id] = issue.Status.Name
	}
	for id, state := range d.decided {
		want := map[types.RequestState]string{
			types.RequestState_PENDING: "Expired", types.RequestState_APPROVED: "Approved", types.RequestState_DENIED: "Denied",
		}[state]
		require.Equal(d.t, want, statuses[id], "the issue of request %s", id)
	}
}

// report says what the day cost each side.
func (d *day) report() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d requests of %d users, %d replicas; at most %d requests in the cluster\n",
		d.requests, d.users, len(d.replicas), d.mostOpen)
	for side, n := range d.calls() {
		fmt.Fprintf(&b, "%s: %d calls, at most %d in a second\n", side, n, d.peaks[side])
	}
	for _, counts := range []map[string]int{d.jira.CallCounts(), d.cluster.Calls()} {
		for name, n := range counts {
			fmt.Fprintf(&b, "    %8d %s\n", n, name)
		}
	}
	fmt.Fprintf(&b, "plugin data of a request: at most %d bytes\n", d.data)
	fmt.Fprintf(&b, "heap of replicas and doubles together: at most %d MiB\n", d.heap>>20)
	return b.String()
}
