package reconcile_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
	"teleport-jira/internal/reconcile"
)

const request access.RequestID = "0192-0001"

// world is both sides in memory, in fake time.
type world struct {
	*testing.T
	*calls
	cluster *cluster
	tracker *tracker
	policy  plan.Policy
	log     logBuffer
	metrics *prometheus.Registry // of the replica that was started last
}

// inWorld runs a test in a world with one pending request, unless the test
// changes it, and no replica yet.
func inWorld(t *testing.T, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := &calls{}
		w := &world{
			T: t, calls: c, policy: policy(),
			cluster: &cluster{
				calls: c, requests: map[access.RequestID]*access.Request{}, records: map[access.RequestID]access.Record{},
				traits: map[string][]string{},
			},
			tracker: &tracker{calls: c, start: pending, groups: map[string]bool{}, users: map[string]bool{}, accounts: map[string]string{}},
		}
		w.request(request)
		test(w)
	})
}

// request makes a pending request of alice's.
func (w *world) request(id access.RequestID) *access.Request {
	req := &access.Request{
		ID: id, User: "alice@example.com", Roles: []string{"root"}, State: access.Pending, Created: time.Now(), Expires: time.Now().Add(time.Hour),
	}
	w.cluster.requests[id] = req
	return req
}

// inStep makes the request's issue and a record that names it.
func (w *world) inStep() *issue {
	i := w.tracker.add(issue{createdFor: request, Issue: access.Issue{RequestID: request, Labels: []string{request.Label()}}})
	w.setRecord(func(rec *access.Record) {
		*rec = plan.Describe(*rec, w.cluster.requests[request])
		rec.IssueID, rec.IssueKey = i.Ref.ID, i.Ref.Key
	})
	return i
}

// setRecord changes the stored record as another replica could.
func (w *world) setRecord(change func(*access.Record)) {
	rec := w.cluster.records[request]
	change(&rec)
	w.cluster.records[request] = rec
}

// replicaWrites is setRecord while replicas are at work.
func (w *world) replicaWrites(change func(*access.Record)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.setRecord(change)
}

// issueCount is how many issues there are.
func (w *world) issueCount() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.tracker.issues)
}

func (w *world) record() access.Record {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cluster.records[request]
}

// start runs a replica without timers until the test ends. Its work goes on
// until everything waits for time to pass.
func (w *world) start() *reconcile.Reconciler {
	return w.startWith(reconcile.Options{ResyncInterval: 1000 * time.Hour})
}

func (w *world) startWith(opts reconcile.Options) *reconcile.Reconciler {
	w.Helper()
	r, stop, done := w.run(opts)
	w.Cleanup(func() {
		stop()
		require.NoError(w, <-done)
	})
	synctest.Wait()
	return r
}

// run runs a replica until stop; done has what Run returned.
func (w *world) run(opts reconcile.Options) (r *reconcile.Reconciler, stop func(), done <-chan error) {
	opts.Policy, opts.Workers = w.policy, 4
	w.metrics = prometheus.NewRegistry()
	r = reconcile.New(opts, reconcile.Deps{
		Cluster: w.cluster, ClusterName: "here", Tracker: w.tracker, Self: daemon, Reviewer: reviewer,
		Log: slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug})), Registerer: w.metrics,
	})
	ctx, stop := context.WithCancel(w.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	return r, stop, ended
}

// event tells a replica that the request changed, and lets it work.
func (w *world) event(r *reconcile.Reconciler) {
	r.OnRequest(access.RequestEvent{ID: request})
	synctest.Wait()
}

// move lets somebody change the issue's status, and a webhook tell of it.
func (w *world) move(r *reconcile.Reconciler, i *issue, by access.Actor, to access.Status) {
	w.mu.Lock()
	w.tracker.change(i, by, to)
	w.mu.Unlock()
	require.True(w, r.EnqueueIssue(access.IssueHint{ID: i.Ref.ID, Key: i.Ref.Key, RequestID: request, Status: to}))
	synctest.Wait()
}

// pass lets time pass, and the replicas work.
func (w *world) pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// inSync requires that the one issue shows the request's state and that the
// record names it and no claim.
func (w *world) inSync(status access.Status) *issue {
	w.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	require.Len(w, w.tracker.issues, 1)
	i, rec := w.tracker.issues[0], w.cluster.records[request]
	require.Equal(w, i.Ref, rec.Issue())
	require.Empty(w, rec.Claim)
	require.False(w, rec.Ambiguous.MayHaveEffect())
	require.Equal(w, status, i.Status)
	return i
}

func (w *world) keys(i *issue) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return i.keys
}

// metric returns the sum of the series of a metric of the last replica that have
// the label's value, if one is given.
func (w *world) metric(name, label string) (sum float64) {
	w.Helper()
	families, err := w.metrics.Gather()
	require.NoError(w, err)
	for _, family := range families {
		if family.GetName() != "teleport_jira_"+name {
			continue
		}
		for _, m := range family.GetMetric() {
			wanted := label == ""
			for _, l := range m.GetLabel() {
				wanted = wanted || l.GetValue() == label
			}
			if wanted {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}

// logBuffer is a log that may be written and read concurrently.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.buf.String(), text)
}
