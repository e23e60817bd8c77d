package jira_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/fakejira"
)

// limitedTo is a Cloud Jira with those limits and the usual latency.
func limitedTo(l fakejira.Limits) func(*settings) {
	return func(s *settings) { s.double.Latency, s.double.Limits, s.double.CallLog = latency, l, 100_000 }
}

// persistently repeats a call for as long as it is refused for its rate.
func persistently(t *testing.T, call func() error) {
	for {
		err := call()
		if err == nil {
			return
		}
		if access.ClassOf(err) != access.Limited {
			t.Errorf("call: %v", err)
			return
		}
	}
}

// each calls do with 0 to n-1, from so many workers.
func each(n, workers int, do func(i int)) {
	next := make(chan int)
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	all.Wait()
}

// TestNineTenthsOfEveryPermittedRateAreUsed with limits that fill continuously
// and limits by the second, with and without Retry-After.
func TestNineTenthsOfEveryPermittedRateAreUsed(t *testing.T) {
	for _, permitted := range []int{20, 100, 400} {
		for _, windowed := range []bool{false, true} {
			for _, silent := range []bool{false, true} {
				limits := fakejira.Limits{Post: permitted, Windowed: windowed, NoRetryAfter: silent}
				name := fmt.Sprintf("%d a second, windowed %v, no Retry-After %v", permitted, windowed, silent)
				t.Run(name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { useOf(t, limits) })
				})
			}
		}
	}
}

func useOf(t *testing.T, limits fakejira.Limits) {
	b := start(t, fakejira.Cloud, faulty, limitedTo(limits))
	n := 12 * limits.Post
	burst(t, b, n, 128)
	var made []time.Time
	for _, issue := range b.Issues() {
		made = append(made, issue.Created)
	}
	// The bucket is full to begin with: what counts is the rest.
	took := made[n-1].Sub(made[limits.Post-1]).Seconds()
	use := float64(n-limits.Post) / took / float64(limits.Post)
	require.Greater(t, use, 0.9)
}

// refusals counts the calls that the double answered with 429.
func refusals(b *bench) (n int) {
	for _, call := range b.Calls() {
		if call.Status == http.StatusTooManyRequests {
			n++
		}
	}
	return n
}

// TestAResetIsWaitedForWhereRetryAfterIsMissing, and not longer: gateways send it
// alone.
func TestAResetIsWaitedForWhereRetryAfterIsMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, fakejira.Cloud, faulty, limitedTo(fakejira.Limits{}))
		began := time.Now()
		b.Inject(fakejira.Fault{
			Route: fakejira.RouteIssues, Times: 1, Effect: fakejira.Respond, Status: http.StatusTooManyRequests,
			Header: http.Header{"X-Ratelimit-Reset": {began.Add(20 * time.Second).UTC().Format(time.RFC3339)}},
		})
		_, err := b.c.CreateIssue(t.Context(), draft())
		e := wantError(t, err, access.Limited, false)
		require.InDelta(t, 20, e.After.Seconds(), 1)
		_, err = b.c.CreateIssue(t.Context(), draft())
		require.NoError(t, err)
		require.InDelta(t, 20, time.Since(began).Seconds(), 1)
	})
}

func TestARateThatJiraShowedIsKeptTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const workers = 128
		b := start(t, fakejira.Cloud, faulty, limitedTo(fakejira.Limits{Post: 100, Windowed: true}))
		burst(t, b, 1000, workers)
		require.Positive(t, refusals(b))
		require.Less(t, refusals(b), 2*workers, "what was under way is refused, ever more seldom")
	})
}

// TestALimitThatIsLiftedIsNoticed: somebody else used up the tenant's calls of a
// second, and no more.
func TestALimitThatIsLiftedIsNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, fakejira.Cloud, faulty, limitedTo(fakejira.Limits{Post: 20, Windowed: true}))
		burst(t, b, 30, 32)
		b.SetLimits(fakejira.Limits{})
		took := burst(t, b, 1000, 128)
		require.Less(t, took, 8*time.Second, "at 20 a second it would take fifty")
	})
}

func TestOneRefusalIsNoRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, fakejira.Cloud, faulty, limitedTo(fakejira.Limits{}))
		burst(t, b, 5, 1)
		b.Inject(fakejira.Fault{
			Route: fakejira.RouteIssues, Times: 1, Effect: fakejira.Respond,
			Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"1"}},
		})
		require.Less(t, burst(t, b, 200, 32), 3*time.Second, "the pause, and no slower afterwards")
	})
}

func TestAPauseTakesBackTheTurnsGivenOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, fakejira.Cloud, faulty, limitedTo(fakejira.Limits{Post: 20, Windowed: true}))
		burst(t, b, 30, 32) // shows the rate
		b.Inject(fakejira.Fault{
			Route: fakejira.RouteIssues, Skip: 30, Times: 1, Effect: fakejira.Respond,
			Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"10"}},
		})
		var all sync.WaitGroup
		all.Go(func() { burst(t, b, 100, 64) }) // most of the 64 wait for turns within the pause
		<-time.After(3 * time.Second)
		calls := len(b.Calls())
		<-time.After(8 * time.Second)
		require.Len(t, b.Calls(), calls, "nothing goes out during the pause")
		all.Wait()
		require.Len(t, b.Issues(), 130)
	})
}

func TestNothingGoesOutInAPauseBelowACeiling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, fakejira.Cloud, faulty, limitedTo(fakejira.Limits{}), func(s *settings) { s.config.RequestsPerSecond = 1 })
		require.NoError(t, b.c.Connect(t.Context()))
		b.Inject(fakejira.Fault{
			Route: fakejira.RouteIssues, Times: 1, Effect: fakejira.Respond,
			Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"30"}},
		})
		var all sync.WaitGroup
		all.Go(func() { burst(t, b, 8, 8) })
		<-time.After(5 * time.Second)
		calls := len(b.Calls())
		<-time.After(25 * time.Second)
		require.Len(t, b.Calls(), calls)
		all.Wait()
	})
}

func TestCallsUnderWayDoNotLengthenAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, fakejira.Cloud, faulty)
		header := http.Header{"Retry-After": {"10"}}
		// The first refusal comes after a second, the other after eight.
		refusal := fakejira.Fault{
			Route: fakejira.RouteIssues, Times: 1, Effect: fakejira.Respond, Status: 429, Header: header, Delay: time.Second,
		}
		b.Inject(refusal)
		refusal.Delay = 8 * time.Second
		b.Inject(refusal)
		began := time.Now()
		var both sync.WaitGroup
		for i := range 2 {
			both.Go(func() {
				d := draft()
				d.Request.ID = access.RequestID(fmt.Sprint("r", i))
				_, err := b.c.CreateIssue(t.Context(), d)
				wantError(t, err, access.Limited, false)
			})
		}
		both.Wait()
		_, err := b.c.CreateIssue(t.Context(), draft())
		require.NoError(t, err)
		require.Equal(t, 11*time.Second, time.Since(began))
	})
}

func TestReadsAndWritesAreLimitedApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, fakejira.Cloud, faulty, limitedTo(fakejira.Limits{Get: 10, Post: 1000}))
		require.NoError(t, b.c.Connect(t.Context()))
		ref, _ := b.issue(t)
		var both sync.WaitGroup
		both.Go(func() {
			each(100, 32, func(int) {
				persistently(t, func() error { _, err := b.c.Issue(t.Context(), ref.ID); return err })
			})
		})
		began := time.Now()
		took := burst(t, b, 200, 32)
		both.Wait()
		require.Less(t, took, 2*time.Second, "creates did not wait for the reads")
		require.Greater(t, time.Since(began), 8*time.Second, "reads waited for their own limit")
	})
}

func TestWritesToOneIssueWaitForItAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, fakejira.Cloud, faulty, limitedTo(fakejira.Limits{PerIssue: true}))
		require.NoError(t, b.c.Connect(t.Context()))
		busy, _ := b.issue(t)
		comment := func(ref access.IssueRef, i int) {
			n := access.CommentDraft{DedupKey: fmt.Sprint("m", i), Text: "t"}
			persistently(t, func() error { return b.c.Comment(t.Context(), ref, n) })
		}
		var all sync.WaitGroup
		began := time.Now()
		all.Go(func() { each(300, 16, func(i int) { comment(busy, i) }) })
		for i := range 20 {
			all.Go(func() {
				d := draft()
				d.Request.ID = access.RequestID(fmt.Sprint("quiet", i))
				ref, err := b.c.CreateIssue(t.Context(), d)
				if err != nil {
					t.Errorf("create: %v", err)
					return
				}
				comment(ref, 0)
				if took := time.Since(began); took > time.Second {
					t.Errorf("an issue that nobody else writes to took %s", took)
				}
			})
		}
		all.Wait()
		issue, err := b.Issue(busy.ID)
		require.NoError(t, err)
		require.Len(t, issue.Comments, 300)
		// 100 in 30 s are permitted: the third hundred begins after a minute.
		require.Less(t, time.Since(began), 75*time.Second)
	})
}

func TestPutsHaveALimitOfTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, fakejira.Cloud, faulty, limitedTo(fakejira.Limits{Put: 50}))
		require.NoError(t, b.c.Connect(t.Context()))
		ref, _ := b.issue(t)
		began := time.Now()
		each(1000, 64, func(i int) {
			persistently(t, func() error { return b.c.Reserve(t.Context(), ref, fmt.Sprint("holder", i)) })
		})
		require.Less(t, time.Since(began).Seconds(), 950/(0.9*50))
	})
}
