package reconcile

import (
	"context"
	"errors"
	"fmt"
	"iter"
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
)

// crowd is both sides, with many requests that are in step with their issues.
// Requests that are named "bad…" can't be read.
type crowd struct {
	Cluster
	Tracker
	open, settled int
	took          time.Duration // by a call to the cluster

	mu      sync.Mutex
	records map[access.RequestID]time.Time // when each was read last
	calls   int                            // to Jira, a search being one
}

func (c *crowd) RequestURL(access.RequestID) string { return "" }

func (c *crowd) Request(_ context.Context, id access.RequestID) (*access.Request, error) {
	if c.took > 0 {
		<-time.After(c.took)
	}
	if strings.HasPrefix(string(id), "bad") {
		return nil, &access.Error{Op: "read", Class: access.Temporary, Err: errors.New("broken")}
	}
	return c.request(id), nil
}

func (c *crowd) request(id access.RequestID) *access.Request {
	req := &access.Request{ID: id, State: access.Pending, User: "alice"}
	if strings.HasPrefix(string(id), "settled") {
		req.State = access.Approved
	}
	return req
}

func (c *crowd) Record(_ context.Context, id access.RequestID) (access.Record, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.records[id] = time.Now()
	rec := plan.Describe(access.Record{}, c.request(id))
	rec.IssueID, rec.IssueKey = "1"+strings.TrimLeft(string(id), "abcdefghijklmnopqrstuvwxyz"), "TAR-1"
	if strings.HasPrefix(string(id), "settled") {
		rec.Resolution = access.Approved
	}
	return rec, nil
}

func (c *crowd) Requests(context.Context) iter.Seq2[*access.Request, error] {
	return func(yield func(*access.Request, error) bool) {
		for i := range c.open + c.settled {
			id := access.RequestID(fmt.Sprint("open", i))
			if i >= c.open {
				id = access.RequestID(fmt.Sprint("settled", i))
			}
			if !yield(c.request(id), nil) {
				return
			}
		}
	}
}

func (c *crowd) Search(_ context.Context, q access.IssueQuery) iter.Seq2[access.IssueSummary, error] {
	return func(yield func(access.IssueSummary, error) bool) {
		c.called()
		if q.UpdatedSince > 0 {
			return // nothing moved of late
		}
		for i := range c.open {
			id := access.RequestID(fmt.Sprint("open", i))
			ref := access.IssueRef{ID: fmt.Sprint("1", i), Key: fmt.Sprint("TAR-", i)}
			if !yield(access.IssueSummary{Ref: ref, RequestID: id, Status: access.Status{Name: "Pending"}}, nil) {
				return
			}
		}
	}
}

func (c *crowd) Issue(context.Context, string) (*access.Issue, error) {
	c.called()
	return nil, &access.Error{Op: "read", Class: access.Permanent, Err: access.ErrNotFound}
}

func (c *crowd) called() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
}

// readAt is when the record of a request was read last.
func (c *crowd) readAt(id access.RequestID) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.records[id]
}

func (c *crowd) reconciler(workers int) *Reconciler {
	c.records = map[access.RequestID]time.Time{}
	settings := plan.Policy{
		Statuses: plan.Statuses{
			access.Pending: {"Pending"}, access.Approved: {"Approved"}, access.Denied: {"Denied"},
			access.Expired: {"Expired"}, access.Promoted: {"Approved"},
		},
		Default: plan.Route{Project: "TAR", IssueType: "Task"},
	}
	return New(Options{Workers: workers, Policy: settings}, Deps{
		Cluster: c, Tracker: c, Log: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
	})
}

// during runs the reconciler while do does something.
func during(t *testing.T, r *Reconciler, do func()) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	do()
	stop()
	require.NoError(t, <-done)
}

func TestResyncOfManyRequestsCallsJiraForNoneOfThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &crowd{open: 10_000, settled: 100_000}
		r := c.reconciler(128)
		during(t, r, func() {
			r.OnSubscribed(false)
			<-time.After(time.Minute)
			synctest.Wait()
			require.Len(t, c.records, c.open+c.settled, "each was looked at")
			n, _ := r.hints.depth()
			require.Zero(t, n, "nothing is left over")
			first := c.calls
			require.LessOrEqual(t, first, 3, "searches for open and for moved issues")

			clear(c.records)
			r.OnSubscribed(false)
			<-time.After(time.Duration(c.open) * inStepPace)
			synctest.Wait()
			require.Len(t, c.records, c.open, "settled requests that are in step are not looked at again")
			require.LessOrEqual(t, c.calls-first, 2)
		})
	})
}

func TestNewRequestsDoNotWaitForManySettledOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const workers = 16
		c := &crowd{settled: 50_000, took: 10 * time.Millisecond}
		r := c.reconciler(workers)
		during(t, r, func() {
			r.OnSubscribed(false)
			for range 10 {
				<-time.After(time.Second)
				id, asked := access.RequestID(fmt.Sprint("open", time.Now().UnixNano())), time.Now()
				r.OnRequest(access.RequestEvent{ID: id})
				<-time.After((maxQueuedSettled/workers + 2) * c.took)
				synctest.Wait()
				require.Less(t, c.readAt(id).Sub(asked), time.Second)
				require.False(t, c.readAt(id).IsZero())
			}
			<-time.After(time.Minute)
			synctest.Wait()
			require.Len(t, c.records, c.settled+10, "all were looked at in the end")
		})
	})
}

func TestRequestsThatFailDoNotDelayOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const bad, workers = 2000, 4
		c := &crowd{took: 50 * time.Millisecond}
		r := c.reconciler(workers)
		during(t, r, func() {
			for i := range bad {
				r.OnRequest(access.RequestEvent{ID: access.RequestID(fmt.Sprint("bad", i))})
			}
			// Every minute of an outage that lasts for an hour: whoever comes now
			// waits for what is queued before, and for no retry that is not. Nobody
			// comes at the very moment at which retries do.
			<-time.After(c.took / 2)
			for minute := range 60 {
				<-time.After(time.Minute)
				id := access.RequestID(fmt.Sprint("settled", minute))
				before, asked := r.queue.Len(), time.Now()
				r.OnRequest(access.RequestEvent{ID: id})
				turns := before/workers + 2
				<-time.After(time.Duration(turns) * c.took)
				synctest.Wait()
				require.False(t, c.readAt(id).IsZero(), "minute %d, %d queued before", minute, before)
				require.Less(t, c.readAt(id).Sub(asked), 30*time.Second, "retries are spread out")
			}
		})
	})
}

func BenchmarkQueue(b *testing.B) {
	c := &crowd{}
	r := c.reconciler(4)
	ctx, stop := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		r.OnRequest(access.RequestEvent{ID: access.RequestID(fmt.Sprint("settled", i%100_000))})
		i++
	}
	stop()
	require.NoError(b, <-done)
}
