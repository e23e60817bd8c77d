package load

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
)

func binarySize(t *testing.T, out *table) {
	info, err := os.Stat(binary)
	require.NoError(t, err)
	size := float64(info.Size()) / (1 << 20)
	out.add("stripped binary", fmt.Sprintf("%.1f MiB", size), "<= 45 MiB", size <= 45)
}

// webhookAnswers sends webhooks as Cloud does, twenty at once, while Jira takes
// seconds to answer.
func webhookAnswers(t *testing.T, out *table) {
	w := newWorld(t, cloudWith(0))
	w.replicas[0].start()
	w.burst(200, patience)
	bodies := w.moves()
	w.jira.SetLatency(3 * time.Second)
	const senders, each = 20, 250
	var mu sync.Mutex
	var took []time.Duration
	var all sync.WaitGroup
	for s := range senders {
		all.Go(func() {
			// 100 a second each: what Cloud and a busy board send in bursts.
			pace := time.NewTicker(10 * time.Millisecond)
			defer pace.Stop()
			for i := range each {
				<-pace.C
				begin := time.Now()
				status := w.send(bodies[(s*each+i)%len(bodies)])
				d := time.Since(begin)
				mu.Lock()
				took = append(took, d)
				mu.Unlock()
				if status/100 != 2 {
					t.Errorf("webhook answered %d", status)
					return
				}
			}
		})
	}
	all.Wait()
	for _, q := range []float64{0.5, 0.99} {
		target := ""
		if q == 0.99 {
			target = "<= 20 ms"
		}
		out.add(fmt.Sprintf("webhook answered, Jira's latency 3 s, 2,000/s from 20 senders, p%g", 100*q), millis(quantile(took, q)),
			target, quantile(took, q) <= 20*time.Millisecond)
	}
	w.replicas[0].kill()
}

// moves are the bodies of webhooks about cards being dragged.
func (w *world) moves() [][]byte {
	w.t.Helper()
	remove := w.jira.RegisterWebhook(fakejira.Webhook{
		URL: "http://127.0.0.1:1/", Events: []fakejira.Event{fakejira.EventUpdated}, Lose: func(fakejira.Delivery) bool { return true },
	})
	defer remove()
	for _, issue := range w.jira.Issues() {
		require.NoError(w.t, w.jira.Drag(issue.ID, "Approved", fakejira.BobID))
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	require.NoError(w.t, w.jira.Settle(ctx))
	var bodies [][]byte
	for _, d := range w.jira.Deliveries() {
		if d.Event == fakejira.EventUpdated {
			bodies = append(bodies, d.Body)
		}
	}
	require.NotEmpty(w.t, bodies)
	return bodies
}

// send delivers a webhook and returns the status; 0 when there was no answer.
func (w *world) send(body []byte) int {
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, "http://"+w.replicas[0].hookAddr+"/", bytes.NewReader(body))
	if err != nil {
		return 0
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Hub-Signature", fakejira.Signature(secret, body))
	resp, err := w.client.Do(req)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

func memoryOfOpenRequests(t *testing.T, out *table) {
	w := newWorld(t)
	r := w.replicas[0]
	resident := func(name, target string, most float64) {
		rss, peak := r.status("VmRSS"), r.status("VmHWM")
		own := fmt.Sprintf("%.0f MiB (own %.0f, peak %.0f)", rss, r.status("RssAnon"), peak)
		out.add("resident memory, "+name, own, target, rss <= most)
	}
	r.start()
	<-time.After(10 * time.Second) // idle means that nobody asks
	resident("idle", "<= 40 MiB", 40)
	w.burst(1000, 5*time.Minute)
	resident("1,000 open requests, after their burst", "", 0)
	for range 9000 {
		w.request(faketeleport.RequestOptions{})
	}
	w.await(10*time.Minute, seldom, "10,000 issues", func() bool { return w.created() >= 10_000 })
	r.settle(5 * time.Minute)
	resident("10,000 open requests, after their burst", "<= 150 MiB", 150)
	r.stop()
	begin := time.Now()
	w.jira.ResetCalls()
	r.start()
	r.settle(10 * time.Minute)
	out.add("start with 10,000 open requests until all are in step", seconds(begin), "", true)
	out.add("… and its Jira calls", fmt.Sprint(len(w.jira.Calls())), "", true)
	resident("10,000 open requests, after a restart", "<= 150 MiB", 150)
	r.stop()
}

// seconds are those that have gone by since a time.
func seconds(begin time.Time) string { return fmt.Sprintf("%.1f s", time.Since(begin).Seconds()) }

func resyncOfSettledRequests(t *testing.T, out *table) {
	const n = 10_000
	w := newWorld(t, func(o *options) { o.resync, o.poll = "15s", "1h" })
	w.settled(n)
	w.jira.ResetCalls()
	begin := time.Now()
	r := w.replicas[0]
	r.start()
	r.settle(10 * time.Minute)
	out.add("start with 10,000 settled requests until all are in step", seconds(begin), "", true)
	// The first poll pages through what moved in the last two days: all of it.
	calls := len(w.jira.Calls())
	out.add("… and its Jira calls, a hundred issues each", fmt.Sprint(calls), "<= 150", calls <= 150)
	w.jira.ResetCalls()
	listed := r.metric(lastResync)
	w.await(patience, seldom, "another resync", func() bool { return r.metric(lastResync) > listed })
	r.settle(patience)
	calls = len(w.jira.Calls())
	out.add("resync of 10,000 settled requests: Jira calls", fmt.Sprint(calls), "<= 2", calls <= 2)
	out.add("resident memory, 10,000 settled requests", fmt.Sprintf("%.0f MiB", r.status("VmRSS")), "", true)
	r.stop()
}

// sizeOfALargeCluster starts a daemon on 10,000 open and 100,000 settled
// requests.
func sizeOfALargeCluster(t *testing.T, out *table) {
	const settled, open = 100_000, 10_000
	w := newWorld(t, func(o *options) { o.poll = "1h" })
	for i := range settled {
		// Their issues were archived: what is not asked for need not be there.
		id := w.request(faketeleport.RequestOptions{})
		w.record(id, strconv.Itoa(1_000_000+i), "approved")
		require.NoError(w.t, w.cluster.SetState("admin", id, types.RequestState_APPROVED, ""))
	}
	for range open {
		id := w.request(faketeleport.RequestOptions{})
		issue := w.issueFor(id)
		w.record(id, issue.ID, "")
	}
	w.jira.ResetCalls()
	begin := time.Now()
	r := w.replicas[0]
	r.start()
	w.await(5*time.Minute, seldom, "half of them", func() bool { return r.metric(executions) > (open+settled)/2 })
	fresh := time.Now()
	w.request(faketeleport.RequestOptions{})
	w.await(5*time.Minute, often, "the issue of a new request", func() bool { return w.created() == 1 })
	out.add("start with 10,000 open and 100,000 settled: a new request half way, its issue after", seconds(fresh), "", true)
	r.settle(15 * time.Minute)
	out.add("… until all are in step", seconds(begin), "", true)
	out.add("… Jira calls, a hundred issues each", fmt.Sprint(len(w.jira.Calls())), "<= 150", len(w.jira.Calls()) <= 150)
	out.add("… resident memory", fmt.Sprintf("%.0f MiB (peak %.0f)", r.status("VmRSS"), r.status("VmHWM")), "", true)
	r.stop()
}

// settled makes requests that were approved, and brought in step with their
// issues, before the daemon starts.
func (w *world) settled(n int) {
	w.t.Helper()
	for range n {
		id := w.request(faketeleport.RequestOptions{})
		issue := w.issueFor(id)
		require.NoError(w.t, w.jira.Drag(issue.ID, "Approved", fakejira.BotID))
		w.record(id, issue.ID, "approved")
		require.NoError(w.t, w.cluster.SetState("admin", id, types.RequestState_APPROVED, ""))
	}
}

// record notes what the daemon would have noted of a request.
func (w *world) record(id, issue, resolution string) {
	w.t.Helper()
	require.NoError(w.t, w.cluster.PutPluginData("jira", id, map[string]string{
		"issue_id": issue, "issue_key": "TAR-1", "user": alice, "roles": "editor,dba",
		"created": strconv.FormatInt(time.Now().Unix(), 10), "reviews_count": "0", "resolution": resolution,
	}))
}

// issueFor makes the issue that the daemon would make for the request.
func (w *world) issueFor(id string) fakejira.Issue {
	w.t.Helper()
	property, err := json.Marshal(id)
	require.NoError(w.t, err)
	issue, err := w.jira.CreateIssue(fakejira.BotID, fakejira.NewIssue{
		Project: "TAR", Type: "Task", Summary: alice + " requested editor, dba", Labels: []string{"teleport-" + id},
		Properties: map[string]json.RawMessage{"teleportAccessRequestId": property},
	})
	require.NoError(w.t, err)
	return issue
}
