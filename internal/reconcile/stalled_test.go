package reconcile_test

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/reconcile"
)

// hangingSides are a pair of sides that answer nothing until they are let go.
type hangingSides struct {
	reconcile.Cluster
	reconcile.Tracker
	requests, listing chan struct{} // closed: let go
}

func (h *hangingSides) RequestURL(access.RequestID) string { return "" }

func (h *hangingSides) Request(context.Context, access.RequestID) (*access.Request, error) {
	<-h.requests
	return nil, &access.Error{Op: "read", Class: access.Permanent, Err: access.ErrNotFound}
}

func (h *hangingSides) Record(context.Context, access.RequestID) (access.Record, error) {
	return access.Record{}, nil
}

func (h *hangingSides) Requests(context.Context) iter.Seq2[*access.Request, error] {
	return func(func(*access.Request, error) bool) {}
}

func (h *hangingSides) Search(context.Context, access.IssueQuery) iter.Seq2[access.IssueSummary, error] {
	<-h.listing
	return func(func(access.IssueSummary, error) bool) {}
}

// released is a channel that is closed already.
func released() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

func run(t *testing.T, h *hangingSides, opts reconcile.Options) *reconcile.Reconciler {
	t.Helper()
	r := reconcile.New(opts, reconcile.Deps{
		Cluster: h, Tracker: h, Log: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
	})
	require.NoError(t, r.Stalled(), "before it runs")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
		pass(time.Hour)
		require.NoError(t, r.Stalled(), "after it ran")
	})
	return r
}

func pass(d time.Duration) { <-time.After(d) }

func TestStalledWhenAllWorkersAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hangingSides{requests: make(chan struct{}), listing: released()}
		r := run(t, h, reconcile.Options{Workers: 3})
		pass(time.Hour)
		require.NoError(t, r.Stalled(), "nothing to do")
		for i := range 2 {
			r.OnRequest(access.RequestEvent{ID: access.RequestID(fmt.Sprintf("0192-000%d", i))})
		}
		pass(2 * reconcile.StalledAfter)
		require.NoError(t, r.Stalled(), "one worker can still work")
		for i := range 10 {
			r.OnRequest(access.RequestEvent{ID: access.RequestID(fmt.Sprintf("0192-100%d", i))})
		}
		pass(reconcile.StalledAfter)
		require.NoError(t, r.Stalled())
		pass(time.Second)
		require.EqualError(t, r.Stalled(), "workers: no progress for 5m1s")
		close(h.requests)
		synctest.Wait()
		require.NoError(t, r.Stalled())
	})
}

func TestStalledWhenAListingIs(t *testing.T) {
	for name, opts := range map[string]reconcile.Options{
		"poll":   {PollInterval: time.Minute},
		"resync": {ResyncInterval: time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := &hangingSides{requests: released(), listing: make(chan struct{})}
				r := run(t, h, opts)
				pass(time.Minute + reconcile.StalledAfter - time.Second)
				if opts.PollInterval == 0 {
					require.NoError(t, r.Stalled())
				}
				pass(2 * time.Second)
				require.ErrorContains(t, r.Stalled(), name+": no progress for")
				close(h.listing)
				synctest.Wait()
				require.NoError(t, r.Stalled())
				pass(24 * time.Hour)
				require.NoError(t, r.Stalled(), "it turns")
			})
		})
	}
}
