package load

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
)

// latency is Jira's, where the targets name none.
const latency = 50 * time.Millisecond

// TestBenchmark measures the daemon against the targets and writes the table.
// A target that is missed is in the table, and is no failure of the test: the
// machine may be busy.
func TestBenchmark(t *testing.T) {
	wanted(t, envBench, "make bench")
	out := &table{}
	for _, measure := range []func(*testing.T, *table){
		binarySize, startToReady, oneAtATime, bursts, limitedBursts, webhookAnswers, decisions,
		callsOfALife, memoryOfOpenRequests, resyncOfSettledRequests, sizeOfALargeCluster,
		filledCards, filledLabels, slowBodies,
	} {
		measure(t, out)
	}
	out.write(t)
}

func cloudWith(delay time.Duration) func(*options) {
	return func(o *options) { o.jira.Latency = delay }
}

// created is how many issues Jira has answered to have made.
func (w *world) created() int { return w.jira.Count(http.MethodPost, fakejira.RouteIssues) }

func startToReady(t *testing.T, out *table) {
	for _, delay := range []time.Duration{0, latency} {
		w := newWorld(t, cloudWith(delay))
		var took []time.Duration
		for range 5 {
			begin := time.Now()
			w.replicas[0].start()
			took = append(took, time.Since(begin))
			w.replicas[0].stop()
		}
		target := ""
		if delay == 0 {
			target = "<= 500 ms"
		}
		out.add(fmt.Sprintf("start to ready, Jira's latency %s", delay), quantile(took, 0.5).Round(time.Millisecond).String(),
			target, quantile(took, 0.5) <= 500*time.Millisecond)
	}
}

func oneAtATime(t *testing.T, out *table) {
	w := newWorld(t, cloudWith(latency))
	w.replicas[0].start()
	var took []time.Duration
	for i := range 105 {
		begin := time.Now()
		w.request(faketeleport.RequestOptions{})
		w.await(patience, often, "an issue", func() bool { return w.created() == i+1 })
		if i >= 5 { // the first ones open connections and learn where issues land
			took = append(took, w.answered(i).Sub(begin))
		}
	}
	for _, q := range []float64{0.5, 0.99} {
		target := ""
		if q == 0.5 {
			target = "<= 60 ms"
		}
		out.add(fmt.Sprintf("request to issue, one at a time, p%g", 100*q), millis(quantile(took, q)),
			target, quantile(took, q) <= latency+10*time.Millisecond)
	}
}

// answered is when Jira had answered the create of the issue with that index.
func (w *world) answered(index int) time.Time {
	for _, call := range w.jira.Calls() {
		if call.Method == http.MethodPost && call.Route == fakejira.RouteIssues && call.Status == http.StatusCreated {
			if index--; index < 0 {
				return call.At.Add(call.Took)
			}
		}
	}
	return time.Time{}
}

// burst makes n requests at once and returns when each issue was answered,
// counted from the first request.
func (w *world) burst(n int, limit time.Duration) []time.Duration {
	w.t.Helper()
	before, begin := len(w.jira.Issues()), time.Now()
	for range n {
		w.request(faketeleport.RequestOptions{})
	}
	w.await(limit, seldom, "the burst's issues", func() bool { return len(w.jira.Issues())-before >= n })
	w.replicas[0].settle(limit)
	var at []time.Duration
	for _, call := range w.jira.Calls() {
		if call.Method == http.MethodPost && call.Route == fakejira.RouteIssues && call.Status == http.StatusCreated {
			at = append(at, call.At.Add(call.Took).Sub(begin))
		}
	}
	slices.Sort(at)
	require.Len(w.t, at, n, "each request has one issue")
	return at
}

func bursts(t *testing.T, out *table) {
	for _, delay := range []time.Duration{0, latency, 200 * time.Millisecond} {
		w := newWorld(t, cloudWith(delay))
		w.replicas[0].start()
		before, own := w.replicas[0].cpu(), ownCPU(t)
		at := w.burst(1000, 5*time.Minute)
		spent, doubles := w.replicas[0].cpu()-before, ownCPU(t)-own
		rate := 1000 / at[999].Seconds()
		target := ""
		if delay == latency {
			target = ">= 1000/s"
		}
		out.add(fmt.Sprintf("burst of 1,000, no limit, Jira's latency %s", delay), fmt.Sprintf("%.0f/s", rate), target, rate >= 1000)
		if delay == latency {
			out.add("processor time for a request in that burst: daemon, doubles", micros(spent/1000)+", "+micros(doubles/1000), "", true)
		}
		w.replicas[0].stop()
	}
}

func limitedBursts(t *testing.T, out *table) {
	for _, named := range []struct {
		name   string
		limits fakejira.Limits
	}{
		{"100 POST/s", fakejira.CloudLimits()},
		{"100 POST/s, no Retry-After", fakejira.Limits{Get: 100, Post: 100, Put: 50, PerIssue: true, NoRetryAfter: true}},
		{"100 POST/s by the clock's seconds", fakejira.Limits{Get: 100, Post: 100, Put: 50, PerIssue: true, Windowed: true}},
		{"20 POST/s", fakejira.Limits{Get: 100, Post: 20, Put: 50, PerIssue: true}},
	} {
		w := newWorld(t, cloudWith(latency), func(o *options) { o.jira.Limits = named.limits })
		w.replicas[0].start()
		n := 10 * named.limits.Post
		at := w.burst(n, 5*time.Minute)
		// The bucket is full to begin with; what counts is the rate after that.
		first := named.limits.Post
		rate := float64(n-first) / (at[n-1] - at[first-1]).Seconds()
		used := rate / float64(named.limits.Post)
		out.add(fmt.Sprintf("burst of %d, %s: share of the permitted rate", n, named.name),
			fmt.Sprintf("%.0f %%", 100*used), ">= 90 %", used >= 0.9)
		calls := mostRefused(w.jira.Calls())
		out.add(fmt.Sprintf("burst of %d, %s: most calls in a pause", n, named.name), fmt.Sprint(calls), "< 128 (workers)", calls < 128)
		w.replicas[0].stop()
	}
}

// mostRefused is the most creates that Jira saw in any second that began with a
// refusal.
func mostRefused(calls []fakejira.Call) int {
	var ends time.Time
	most, n := 0, 0
	for _, call := range calls {
		if call.Route != fakejira.RouteIssues {
			continue
		}
		if call.At.Before(ends) {
			n++
			most = max(most, n)
		} else if call.Status == http.StatusTooManyRequests {
			ends, n = call.At.Add(time.Second), 0
		}
	}
	return most
}

func decisions(t *testing.T, out *table) {
	const n = 500
	w := newWorld(t, cloudWith(latency), func(o *options) { o.webhooks = true })
	w.replicas[0].start()
	w.burst(n, 5*time.Minute)
	issues := w.jira.Issues()
	begin := time.Now()
	submitted := func() bool { return w.cluster.Calls()["SubmitAccessReview"] >= n }
	for _, issue := range issues {
		require.NoError(t, w.jira.Drag(issue.ID, "Approved", fakejira.BobID))
	}
	w.await(5*time.Minute, 10*often, "decisions", submitted)
	out.add(fmt.Sprintf("%d cards dragged at once: decisions in Teleport", n), fmt.Sprintf("%.0f/s", n/time.Since(begin).Seconds()), "", true)
	w.replicas[0].settle(patience)
	require.Equal(t, n, w.inState(types.RequestState_APPROVED))
	w.replicas[0].stop()
}

func (w *world) inState(state types.RequestState) int {
	n := 0
	for _, req := range w.cluster.Requests() {
		if req.GetState() == state {
			n++
		}
	}
	return n
}

func callsOfALife(t *testing.T, out *table) {
	const n = 50
	const reviewedInTeleport = "reviewed in Teleport"
	for name, decide := range map[string]func(w *world, id, issue string){
		"card dragged in Jira": func(w *world, _, issue string) {
			require.NoError(t, w.jira.Drag(issue, "Approved", fakejira.BobID))
		},
		reviewedInTeleport: func(w *world, id, _ string) {
			_, err := w.cluster.Review("rita", id, types.RequestState_APPROVED, "fine")
			require.NoError(t, err)
		},
	} {
		w := newWorld(t, func(o *options) { o.webhooks = true })
		w.replicas[0].start()
		w.burst(1, patience)
		w.jira.ResetCalls()
		ids := map[string]string{}
		toTeleport := 0
		for i := range n {
			before := teleportCalls(w)
			id := w.request(faketeleport.RequestOptions{})
			w.await(patience, often, "an issue", func() bool { return w.created() == i+1 })
			w.replicas[0].settle(patience)
			toTeleport += teleportCalls(w) - before
			issues := w.jira.Issues()
			ids[id] = issues[len(issues)-1].ID
			decide(w, id, ids[id])
			w.replicas[0].settle(patience)
		}
		require.Equal(t, n, w.inState(types.RequestState_APPROVED))
		total := 0
		for endpoint, count := range w.jira.CallCounts() {
			if !strings.HasSuffix(endpoint, fakejira.RouteSearchJQL) { // resync and poll, whatever the number of requests
				total += count
			}
		}
		each, most := float64(total)/n, 4.0
		if name == reviewedInTeleport {
			most = 5 // the status is read before and after the transition
		}
		out.add("Jira calls in a request's life, "+name, fmt.Sprintf("%.2g", each), fmt.Sprintf("<= %g", most), each <= most)
		calls := float64(toTeleport) / n
		out.add("Teleport calls for a new request, then "+name, fmt.Sprintf("%.2g", calls), "2", calls <= 2.2)
	}
}

// teleportCalls counts the calls about single requests. The test's own listing
// is not a client's.
func teleportCalls(w *world) (n int) {
	made := w.cluster.Calls()
	for _, method := range []string{"GetPluginData", "UpdatePluginData", "GetAccessRequestsV2"} {
		n += made[method]
	}
	return n
}
