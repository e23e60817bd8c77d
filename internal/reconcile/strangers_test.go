package reconcile

import (
	"context"
	"iter"
	"log/slog"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
)

// emptyCluster has no requests, and counts how often it is asked.
type emptyCluster struct {
	Cluster
	asked atomic.Int64
}

func (c *emptyCluster) Request(context.Context, access.RequestID) (*access.Request, error) {
	c.asked.Add(1)
	return nil, access.ErrNotFound
}

func (c *emptyCluster) Record(context.Context, access.RequestID) (access.Record, error) {
	return access.Record{}, nil
}

func (c *emptyCluster) Requests(context.Context) iter.Seq2[*access.Request, error] {
	return func(func(*access.Request, error) bool) {}
}

func (c *emptyCluster) RequestURL(access.RequestID) string { return "" }

// emptyTracker has no issues, and counts how often it is asked.
type emptyTracker struct {
	Tracker
	asked atomic.Int64
}

func (e *emptyTracker) Issue(context.Context, string) (*access.Issue, error) {
	e.asked.Add(1)
	return nil, access.ErrNotFound
}

func (e *emptyTracker) Search(context.Context, access.IssueQuery) iter.Seq2[access.IssueSummary, error] {
	return func(func(access.IssueSummary, error) bool) {}
}

// flood rings the doorbell so often a second, each time about another issue,
// and gives how many of the hints were taken.
func flood(r *Reconciler, perSecond int, seconds int, hint func(i int) access.IssueHint) (taken int) {
	for i := range perSecond * seconds {
		if i%perSecond == 0 {
			<-time.After(time.Second)
		}
		if r.EnqueueIssue(hint(i)) {
			taken++
		}
	}
	return taken
}

// TestFloodOfUnknownIssuesIsBounded: 10,000 made-up issues a second cost few
// calls, little memory, and nothing of the time of those that are known.
func TestFloodOfUnknownIssuesIsBounded(t *testing.T) {
	for name, hint := range map[string]func(i int) access.IssueHint{
		"of no request": func(i int) access.IssueHint { return access.IssueHint{ID: strconv.Itoa(i)} },
		"with made-up labels": func(i int) access.IssueHint {
			return access.IssueHint{ID: strconv.Itoa(i), RequestID: access.RequestID("r" + strconv.Itoa(i))}
		},
		"of a request that is there": func(i int) access.IssueHint { return access.IssueHint{ID: strconv.Itoa(i), RequestID: "real"} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cluster, tracker := &emptyCluster{}, &emptyTracker{}
				r := New(Options{Workers: 4, ResyncInterval: time.Hour}, Deps{
					Cluster: cluster, Tracker: tracker, Log: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
				})
				r.memory.with(func(m *memory) { m.requests["known"] = "mine" })
				ctx, stop := context.WithCancel(t.Context())
				done := make(chan error)
				go func() { done <- r.Run(ctx) }()
				const seconds = 5
				flood(r, 10_000, seconds, hint)

				allowed := int64(strangersAtOnce + (seconds+1)*strangersPerSecond)
				require.LessOrEqual(t, tracker.asked.Load(), allowed)
				require.LessOrEqual(t, cluster.asked.Load(), allowed)
				waits, _ := r.waiting.depth()
				require.LessOrEqual(t, waits, int(strangersWait.Seconds())*strangersPerSecond+strangersAtOnce)

				before := cluster.asked.Load()
				require.True(t, r.EnqueueIssue(access.IssueHint{ID: "known"}), "a real webhook is taken")
				synctest.Wait()
				require.Greater(t, cluster.asked.Load(), before, "and worked on at once")
				stop()
				require.NoError(t, <-done)
			})
		})
	}
}

func TestIssueThatIsNobodysIsNotAskedForAgainForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker := &emptyTracker{}
		r := New(Options{Workers: 1, ResyncInterval: time.Hour}, Deps{
			Cluster: &emptyCluster{}, Tracker: tracker, Log: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
		})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- r.Run(ctx) }()
		for range 100 {
			require.True(t, r.EnqueueIssue(access.IssueHint{ID: "666"}))
			synctest.Wait()
		}
		require.Equal(t, int64(1), tracker.asked.Load())
		<-time.After(foreignFor)
		require.True(t, r.EnqueueIssue(access.IssueHint{ID: "666"}))
		synctest.Wait()
		require.Equal(t, int64(2), tracker.asked.Load())
		stop()
		require.NoError(t, <-done)
	})
}

// TestFloodAboutAKnownIssueIsBoundedAndTheLastWebhookCounts: what arrives
// while the request may not be looked at is looked at later, once.
func TestFloodAboutAKnownIssueIsBoundedAndTheLastWebhookCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := &emptyCluster{}
		r := New(Options{Workers: 4, ResyncInterval: time.Hour}, Deps{
			Cluster: cluster, Tracker: &emptyTracker{}, Log: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
		})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- r.Run(ctx) }()
		const seconds = 10
		for range seconds * 1000 {
			<-time.After(time.Millisecond)
			r.memory.with(func(m *memory) { m.requests["known"] = "mine" }) // no request is there, so it is forgotten
			require.True(t, r.EnqueueIssue(access.IssueHint{ID: "known"}))
		}
		before := cluster.asked.Load()
		require.LessOrEqual(t, before, int64(looksAtOnce+2*seconds*looksPerSecond))
		<-time.After(2 * time.Second)
		require.Greater(t, cluster.asked.Load(), before)
		stop()
		require.NoError(t, <-done)
	})
}

func TestForeign(t *testing.T) {
	mine, request := access.Record{IssueID: "1"}, &access.Request{ID: "r"}
	for name, c := range map[string]struct {
		view  plan.Snapshot
		issue string
		want  bool
	}{
		"the request's own":              {plan.Snapshot{Record: mine, Request: request}, "1", false},
		"another than the record names":  {plan.Snapshot{Record: mine, Request: request}, "2", true},
		"the same, of a settled request": {plan.Snapshot{Record: mine}, "2", true},
		"of no request":                  {plan.Snapshot{}, "2", true},
		"perhaps being made right now":   {plan.Snapshot{Request: request}, "2", false},
		"of a record without an issue":   {plan.Snapshot{Record: access.Record{User: "alice"}}, "2", false},
		"not said":                       {plan.Snapshot{Record: mine}, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.want, foreign(c.view, look{Hint: plan.Hint{IssueID: c.issue}}))
		})
	}
}

func TestMemoryOfForeignIssuesIsBounded(t *testing.T) {
	s := newStrangers()
	for i := range 2 * mostForeign {
		s.found(strconv.Itoa(i))
	}
	require.LessOrEqual(t, len(s.foreign), mostForeign)
}
