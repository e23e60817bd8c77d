package reconcile

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
)

func TestHintsAreMerged(t *testing.T) {
	pending, approved := &access.Status{Name: "Pending"}, &access.Status{Name: "Approved"}
	at := func(h plan.Hint) hint { return hint{Hint: h} }
	for name, c := range map[string]struct{ a, b, want hint }{
		"nothing":           {hint{}, hint{}, hint{}},
		"always stays":      {at(plan.Hint{Always: true}), hint{}, at(plan.Hint{Always: true})},
		"always is added":   {hint{}, at(plan.Hint{Always: true}), at(plan.Hint{Always: true})},
		"one status":        {hint{}, at(plan.Hint{Observed: approved}), at(plan.Hint{Observed: approved})},
		"the same status":   {at(plan.Hint{Observed: approved}), at(plan.Hint{Observed: approved}), at(plan.Hint{Observed: approved})},
		"two statuses":      {at(plan.Hint{Observed: approved}), at(plan.Hint{Observed: pending}), at(plan.Hint{Observed: approved, Always: true})},
		"the same issue":    {at(plan.Hint{IssueID: "1"}), at(plan.Hint{IssueID: "1"}), at(plan.Hint{IssueID: "1"})},
		"different issues":  {at(plan.Hint{IssueID: "1"}), at(plan.Hint{IssueID: "2"}), hint{}},
		"resync and orphan": {hint{resync: true}, hint{orphan: "7"}, hint{resync: true, orphan: "7"}},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, c.a.merge(c.b)) })
	}
}

func TestAgeOfTheOldestHint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, k := newPendingHints(), key{request: "a"}
		n, oldest := w.depth()
		require.Zero(t, n)
		require.Zero(t, oldest)
		start := time.Now()
		w.put(k, pendingHint{since: start})
		<-time.After(time.Minute)
		w.put(k, pendingHint{since: time.Now()})
		w.put(key{request: "b"}, pendingHint{since: time.Now()})
		n, oldest = w.depth()
		require.Equal(t, 2, n)
		require.Equal(t, start, oldest, "asking again does not make it younger")
		w.put(k, w.take(k))
		_, oldest = w.depth()
		require.Equal(t, start, oldest, "neither does a retry")
	})
}

func TestAValueIsAgedFromWhenItWasFirstSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newObservations()
		require.Zero(t, o.age("a", "x"))
		<-time.After(time.Minute)
		require.Equal(t, time.Minute, o.age("a", "x"))
		require.Zero(t, o.age("a", "y"), "a renewal begins anew")
		o.forget("a")
		require.Zero(t, o.age("a", "y"))
	})
}

func newIdle(t *testing.T, reg *prometheus.Registry) *Reconciler {
	t.Helper()
	r := New(Options{}, Deps{Log: slog.New(slog.DiscardHandler), Registerer: reg})
	t.Cleanup(r.queue.ShutDown)
	return r
}

func TestTooManyHintsAreRefused(t *testing.T) {
	r := newIdle(t, prometheus.NewRegistry())
	hint := access.IssueHint{ID: "1", RequestID: "r"}
	require.True(t, r.EnqueueIssue(hint))
	require.True(t, r.EnqueueIssue(hint), "one more of the same takes no place")
	require.Equal(t, 1, r.queue.Len())
	for i := range MaxQueued {
		r.OnRequest(access.RequestEvent{ID: access.RequestID(time.Duration(i).String())})
	}
	require.False(t, r.EnqueueIssue(hint))
}

func TestUnknownIssueIsLookedUpOnlyWhenNothingNamesItsRequest(t *testing.T) {
	r := newIdle(t, prometheus.NewRegistry())
	r.cache.setRequestOf("1", "known")
	require.True(t, r.EnqueueIssue(access.IssueHint{ID: "1", RequestID: "forged"}))
	require.True(t, r.EnqueueIssue(access.IssueHint{ID: "2", RequestID: "labelled"}))
	require.True(t, r.EnqueueIssue(access.IssueHint{ID: "3"}))
	var got []key
	for range 3 {
		k, _ := r.queue.Get()
		got = append(got, k)
		r.queue.Done(k)
	}
	require.Equal(t, []key{{request: "known"}, {request: "labelled"}, {issue: "3"}}, got)
}

func TestMetricsFollowConventions(t *testing.T) {
	reg := prometheus.NewRegistry()
	newIdle(t, reg)
	families, err := reg.Gather()
	require.NoError(t, err)
	require.NotEmpty(t, families)
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	require.NoError(t, err)
	require.Empty(t, problems)
}
