package jira_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/jira"
)

const latency = 50 * time.Millisecond

// burst makes n issues with so many workers, each trying again when limited,
// and tells how long it took.
func burst(t *testing.T, b *bench, n, workers int) time.Duration {
	t.Helper()
	begin := time.Now()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for {
				i := next.Add(1)
				if i > int64(n) {
					return
				}
				d := draft()
				d.Request.ID = access.RequestID(fmt.Sprint("r", i))
				for {
					_, err := b.c.CreateIssue(t.Context(), d)
					if err == nil {
						break
					}
					if access.ClassOf(err) != access.Limited {
						t.Errorf("create: %v", err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	return time.Since(begin)
}

func TestBurstIsWorkedOffAsFastAsJiraAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, fakejira.Cloud, faulty, func(s *settings) { s.double.Latency = latency })
		took := burst(t, b, 1000, 128)
		require.Less(t, took, 1200*time.Millisecond)
	})
}

func TestConcurrencyStartsLow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, fakejira.Cloud, faulty, func(s *settings) { s.double.Latency = latency })
		burst(t, b, 100, 100)
		early := 0
		first := b.Calls()[0].At
		for _, call := range b.Calls() {
			if call.At.Sub(first) < latency {
				early++
			}
		}
		require.LessOrEqual(t, early, 4)
	})
}

func TestNineTenthsOfThePermittedRateAreUsedWithoutHammering(t *testing.T) {
	for name, limits := range map[string]fakejira.Limits{
		"with Retry-After":    fakejira.CloudLimits(),
		"without Retry-After": {Get: 100, Post: 100, Put: 50, NoRetryAfter: true},
	} {
		t.Run(name, func(t *testing.T) {
			for _, flavour := range flavours {
				synctest.Test(t, func(t *testing.T) {
					const workers = 128
					b := start(t, flavour, func(s *settings) { s.double.Latency, s.double.Limits = latency, limits }, faulty)
					require.NoError(t, b.c.Connect(t.Context()))
					b.ResetCalls()
					took := burst(t, b, 1000, workers)
					require.Greater(t, 1000/took.Seconds(), 0.9*100)

					var pauseEnds time.Time
					refused := 0
					for _, call := range b.Calls() {
						if call.Status != http.StatusTooManyRequests {
							continue
						}
						if call.At.After(pauseEnds) {
							pauseEnds, refused = call.At.Add(time.Second), 0
						}
						refused++
						require.Less(t, refused, workers)
					}
				})
			}
		})
	}
}

func TestNoCallIsMadeDuringAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, fakejira.Cloud, faulty)
		b.Inject(fakejira.Fault{
			Route: fakejira.RouteIssues, Times: 1, Effect: fakejira.Respond, Status: 429, Header: http.Header{"Retry-After": {"10"}},
		})
		_, err := b.c.CreateIssue(t.Context(), draft())
		wantError(t, err, access.Limited, false)
		began := time.Now()
		burst(t, b, 20, 20)
		require.Equal(t, 10*time.Second, time.Since(began))
		require.Equal(t, 21, b.Count(http.MethodPost, fakejira.RouteIssues))
	})
}

func TestOneLimitPausesWhatItCoversAndNoMore(t *testing.T) {
	for name, tc := range map[string]struct {
		flavour                      fakejira.Flavour
		status                       int
		reason                       string
		comment, other, create, read bool // paused after a comment was refused
	}{
		"per issue":        {fakejira.Cloud, 429, "jira-per-issue-on-write", true, false, false, false},
		"burst":            {fakejira.Cloud, 429, "jira-burst-based", true, true, false, false},
		"unnamed on cloud": {fakejira.Cloud, 429, "", true, true, false, false},
		"quota":            {fakejira.Cloud, 429, "jira-quota-tenant-based", true, true, true, true},
		"unnamed on dc":    {fakejira.DataCenter, 429, "", true, true, true, true},
		"overload":         {fakejira.Cloud, 503, "", true, true, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := start(t, tc.flavour, faulty)
				require.NoError(t, b.c.Connect(t.Context()))
				ref, _ := b.issue(t)
				d := draft()
				d.Request.ID = "other"
				other, err := b.c.CreateIssue(t.Context(), d)
				require.NoError(t, err)
				header := http.Header{"Retry-After": {"20"}}
				if tc.reason != "" {
					header.Set("RateLimit-Reason", tc.reason)
				}
				b.Inject(fakejira.Fault{Method: http.MethodPost, Route: fakejira.RouteComments, Times: 1, Effect: fakejira.Respond, Status: tc.status, Header: header})
				note := access.CommentDraft{DedupKey: "m", Text: "t"}
				wantError(t, b.c.Comment(t.Context(), ref, note), access.Limited, false)

				waits := func(f func() error) bool {
					began := time.Now()
					require.NoError(t, f())
					return time.Since(began) > time.Second
				}
				require.Equal(t, tc.read, waits(func() error { _, err := b.c.Issue(t.Context(), ref.ID); return err }), "read")
				if tc.read {
					return // everything waited, and the pause is over now
				}
				require.Equal(t, tc.create, waits(func() error { _, err := b.c.CreateIssue(t.Context(), draft()); return err }), "create")
				require.Equal(t, tc.other, waits(func() error { return b.c.Comment(t.Context(), other, note) }), "other issue")
				if !tc.other {
					require.Equal(t, tc.comment, waits(func() error { return b.c.Comment(t.Context(), ref, note) }), "same issue")
				}
			})
		})
	}
}

func TestPauseLongerThanTheDeadlineFailsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, fakejira.Cloud, faulty)
		b.Inject(fakejira.Fault{Times: 1, Effect: fakejira.Respond, Status: 503, Header: http.Header{"Retry-After": {"300"}}})
		_, err := b.c.CreateIssue(t.Context(), draft())
		require.Equal(t, 300*time.Second, access.RetryAfter(err))
		began := time.Now()
		_, err = b.c.CreateIssue(t.Context(), draft())
		e := wantError(t, err, access.Limited, false)
		require.Equal(t, 300*time.Second, e.After)
		require.Equal(t, began, time.Now())
		require.Len(t, b.Calls(), 1)
	})
}

func TestPausesWithoutATimeDouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, fakejira.Cloud, faulty)
		b.Inject(fakejira.Fault{Effect: fakejira.Respond, Status: 429, Times: 4})
		began := time.Now()
		var waits []time.Duration
		for range 5 {
			_, err := b.c.CreateIssue(t.Context(), draft())
			waits = append(waits, time.Since(began))
			if err == nil {
				break
			}
		}
		require.Equal(t, []time.Duration{0, 1e9, 3e9, 7e9, 15e9}, waits)
	})
}

func TestOwnCeilingHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, fakejira.Cloud, faulty, func(s *settings) { s.config.RequestsPerSecond = 20 })
		took := burst(t, b, 101, 50)
		require.InDelta(t, 5, took.Seconds(), 0.2)
	})
}

func TestConcurrencyAdapts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := prometheus.NewRegistry()
		metrics, err := jira.NewMetrics(registry)
		require.NoError(t, err)
		double, err := fakejira.New(fakejira.Board(fakejira.Cloud))
		require.NoError(t, err)
		double.SetLatency(latency)
		b := &bench{Server: double}
		b.c, err = jira.New(jira.Config{
			URL: "https://jira.example.com", Username: fakejira.BotEmail, Token: func() string { return fakejira.BotToken },
			Projects: []string{"TAR"}, Concurrency: 64,
		}, jira.Deps{Metrics: metrics, Transport: double.RoundTripper()})
		require.NoError(t, err)
		limit := func() float64 { return gauge(t, registry, "teleport_jira_concurrency_limit") }

		require.InDelta(t, 4, limit(), 0)
		burst(t, b, 500, 200)
		require.InDelta(t, 64, limit(), 0, "grows to the configured most")
		double.SetLatency(4 * latency)
		burst(t, b, 1000, 200)
		slow := limit()
		require.Less(t, slow, 64.0, "shrinks when answers take longer")
		remove := double.Inject(fakejira.Fault{Effect: fakejira.Respond, Status: 503, Times: 1})
		_, err = b.c.CreateIssue(t.Context(), draft())
		require.Error(t, err)
		remove()
		require.LessOrEqual(t, limit(), slow, "shrinks when refused")
		require.Zero(t, gauge(t, registry, "teleport_jira_calls_in_flight"))

		families, err := registry.Gather()
		require.NoError(t, err)
		problems, err := promlint.NewWithMetricFamilies(families).Lint()
		require.NoError(t, err)
		require.Empty(t, problems)
	})
}

func gauge(t *testing.T, registry *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := registry.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	require.Fail(t, "no metric "+name)
	return 0
}

func TestMetricsNameEndpointsNeverPaths(t *testing.T) {
	registry := prometheus.NewRegistry()
	metrics, err := jira.NewMetrics(registry)
	require.NoError(t, err)
	_, err = jira.NewMetrics(registry)
	require.Error(t, err)
	b := start(t, fakejira.Cloud, faulty)
	b.c, err = jira.New(jira.Config{
		URL: "https://jira.example.com", Username: fakejira.BotEmail, Token: func() string { return fakejira.BotToken }, Projects: []string{"TAR"},
	}, jira.Deps{Metrics: metrics, Transport: b.RoundTripper()})
	require.NoError(t, err)
	ref, _ := b.issue(t)
	_, err = b.c.Issue(t.Context(), ref.ID)
	require.NoError(t, err)
	families, err := registry.Gather()
	require.NoError(t, err)
	var all strings.Builder
	for _, f := range families {
		all.WriteString(f.String())
	}
	require.Contains(t, all.String(), "/issue/{issue}")
	require.NotContains(t, all.String(), ref.ID)
}
