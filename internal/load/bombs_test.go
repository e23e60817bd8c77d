package load

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
)

// Bounds under what people may pile up on cards.
const (
	bombedMemory = 200 // MiB at most
	bombedDelay  = time.Minute
)

// filledCards fills a hundred cards with comments, each longer than what is read
// of an issue in one call, and has all of them decided at once.
func filledCards(t *testing.T, out *table) {
	const cards, comments = 100, 60
	w := newWorld(t, cloudWith(0), func(o *options) { o.poll = "1s" })
	w.replicas[0].start()
	w.burst(cards, patience)
	long := "reason: mine " + strings.Repeat("x", 32_000)
	for _, issue := range w.jira.Issues() {
		for range comments {
			_, err := w.jira.AddComment(issue.ID, fakejira.CarolID, long)
			require.NoError(t, err)
		}
	}
	begin := time.Now()
	for _, issue := range w.jira.Issues() {
		require.NoError(t, w.jira.Drag(issue.ID, "Denied", fakejira.BobID))
	}
	w.await(5*time.Minute, seldom, "all decisions", func() bool {
		for _, req := range w.cluster.Requests() {
			if req.GetState() != types.RequestState_DENIED {
				return false
			}
		}
		return true
	})
	w.bounded(out, fmt.Sprintf("%d cards with %d comments of 32 kB each, all decided at once", cards, comments), time.Since(begin))
}

// filledLabels fills one card with more labels than an answer may hold, and makes
// a request while the open issues are listed.
func filledLabels(t *testing.T, out *table) {
	w := newWorld(t, cloudWith(0))
	w.replicas[0].start()
	w.burst(20, patience)
	w.replicas[0].stop()
	labels := make([]string, 60_000)
	for i := range labels {
		labels[i] = fmt.Sprintf("%0200d", i)
	}
	require.NoError(t, w.jira.SetLabels(w.jira.Issues()[10].ID, fakejira.BobID, labels))
	begin, before := time.Now(), w.created()
	w.replicas[0].start()
	w.request(faketeleport.RequestOptions{})
	w.await(patience, often, "an issue", func() bool { return w.created() > before })
	took := time.Since(begin)
	w.replicas[0].settle(patience)
	w.bounded(out, "60,000 labels on an open card: start to the issue of a new request", took)
}

// slowBodies has many connections each send most of a webhook of the largest size
// that is taken, and wait, while a webhook of Jira's comes.
func slowBodies(t *testing.T, out *table) {
	const senders = 256
	w := newWorld(t, cloudWith(0), func(o *options) { o.webhooks = true })
	w.replicas[0].start()
	w.burst(1, patience)
	before := w.replicas[0].status("VmRSS")
	beginning := fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nX-Hub-Signature: sha256=%064d\r\nContent-Length: %d\r\n\r\n", 0, 25<<20)
	body := strings.Repeat(" ", 24<<20)
	var sent sync.WaitGroup
	for range senders {
		conn, err := net.Dial("tcp", w.replicas[0].hookAddr)
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close() })
		sent.Go(func() {
			_ = conn.SetWriteDeadline(time.Now().Add(3 * time.Second))
			_, _ = conn.Write([]byte(beginning + body)) // Most are cut off.
		})
	}
	begin := time.Now()
	require.NoError(t, w.jira.Drag(w.jira.Issues()[0].ID, "Approved", fakejira.BobID))
	w.await(patience, often, "the decision", func() bool { return w.inState(types.RequestState_APPROVED) == 1 })
	took := time.Since(begin)
	sent.Wait()
	out.add(fmt.Sprintf("%d slow webhooks of 25 MB: a decision meanwhile", senders), took.Round(time.Millisecond).String(),
		"<= 2 s", took <= 2*time.Second)
	peak := w.replicas[0].status("VmHWM")
	out.add("… peak of resident memory", fmt.Sprintf("%.0f MiB (before %.0f)", peak, before),
		fmt.Sprintf("<= %d MiB", bombedMemory), peak <= bombedMemory)
}

// bounded adds what it took, and the most memory that the daemon needed.
func (w *world) bounded(out *table, what string, took time.Duration) {
	out.add(what, took.Round(time.Millisecond).String(), "<= "+bombedDelay.String(), took <= bombedDelay)
	peak := w.replicas[0].status("VmHWM")
	out.add("… peak of resident memory", fmt.Sprintf("%.0f MiB", peak), fmt.Sprintf("<= %d MiB", bombedMemory), peak <= bombedMemory)
}
