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

// flood enqueues so many hints a second, each about another issue, and returns
// how many of them were taken.
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
				r.cache.setRequestOf("known", "mine")
				ctx, stop := context.WithCancel(t.Context())
				done := make(chan error)
				go func() { done <- r.Run(ctx) }()
				const seconds = 5
				flood(r, 10_000, seconds, hint)

				allowed := int64(unknownBurst + (seconds+1)*unknownPerSecond)
				require.LessOrEqual(t, tracker.asked.Load(), allowed)
				require.LessOrEqual(t, cluster.asked.Load(), allowed)
				waits, _ := r.hints.depth()
				require.LessOrEqual(t, waits, int(maxUnknownWait.Seconds())*unknownPerSecond+unknownBurst)

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

func TestUnrelatedIssueIsNotReadAgainForAWhile(t *testing.T) {
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
		<-time.After(unrelatedFor)
		require.True(t, r.EnqueueIssue(access.IssueHint{ID: "666"}))
		synctest.Wait()
		require.Equal(t, int64(2), tracker.asked.Load())
		stop()
		require.NoError(t, <-done)
	})
}

// TestFloodAboutAKnownIssueIsBoundedAndTheLastWebhookCounts: what arrives while
// the request may not be worked on again yet leads to one execution later.
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
			r.cache.setRequestOf("known", "mine") // no request is there, so it is forgotten
			require.True(t, r.EnqueueIssue(access.IssueHint{ID: "known"}))
		}
		before := cluster.asked.Load()
		require.LessOrEqual(t, before, int64(knownBurst+2*seconds*knownPerSecond))
		<-time.After(2 * time.Second)
		require.Greater(t, cluster.asked.Load(), before)
		stop()
		require.NoError(t, <-done)
	})
}

// TestFloodAboutAllKnownIssuesIsBounded: whoever has the secret, or a Jira in which
// a rule edits every card, does not make the daemon read more than Jira bears.
func TestFloodAboutAllKnownIssuesIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := &emptyCluster{}
		r := New(Options{Workers: 4, ResyncInterval: time.Hour}, Deps{
			Cluster: cluster, Tracker: &emptyTracker{}, Log: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
		})
		const known, seconds = 10_000, 5
		for i := range known {
			r.cache.setRequestOf(strconv.Itoa(i), access.RequestID("r"+strconv.Itoa(i)))
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- r.Run(ctx) }()
		taken := flood(r, known, seconds, func(i int) access.IssueHint { return access.IssueHint{ID: strconv.Itoa(i % known)} })
		require.LessOrEqual(t, cluster.asked.Load(), int64(allBurst+(seconds+1)*allPerSecond))
		waits, _ := r.hints.depth()
		require.LessOrEqual(t, waits, int(maxWebhookWait.Seconds())*allPerSecond)
		require.GreaterOrEqual(t, taken, allBurst)
		stop()
		require.NoError(t, <-done)
	})
}

func TestIsUnrelated(t *testing.T) {
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
			require.Equal(t, c.want, isUnrelated(snapshot{Snapshot: c.view, hint: hint{Hint: plan.Hint{IssueID: c.issue}}}))
		})
	}
}
