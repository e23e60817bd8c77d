package throttle

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// fill takes all places that are free.
func (c *concurrency) fill(t *testing.T) {
	t.Helper()
	for c.inFlight < int(c.limit) {
		require.NoError(t, c.acquire(t.Context(), false))
	}
}

func TestGivenUpWaitLeavesThePlaceToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConcurrency(1, func(int) {})
		require.NoError(t, c.acquire(t.Context(), false))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, c.acquire(ctx, false), context.DeadlineExceeded)
		got := make(chan error)
		go func() { got <- c.acquire(t.Context(), false) }()
		synctest.Wait()
		c.release()
		require.NoError(t, <-got)
		c.release()
		require.Zero(t, c.inFlight)
	})
}

// A burst of new issues must not hold up what a decision, or the next step of
// what has begun, needs to know.
func TestCallsThatYieldComeLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConcurrency(1, func(int) {})
		require.NoError(t, c.acquire(t.Context(), true))
		var order []string
		for _, call := range []struct {
			name   string
			yields bool
		}{{"create 1", true}, {"create 2", true}, {"read 1", false}, {"read 2", false}} {
			go func() {
				if c.acquire(t.Context(), call.yields) == nil {
					order = append(order, call.name)
					c.release()
				}
			}()
			synctest.Wait()
		}
		c.release()
		synctest.Wait()
		require.Equal(t, []string{"read 1", "read 2", "create 1", "create 2"}, order)
		require.Zero(t, c.inFlight)
	})
}

func TestSteadyButVariedLatencyIsNoOverload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConcurrency(50, func(int) {})
		for i := range 5000 {
			c.fill(t)
			<-time.After(10 * time.Millisecond)
			c.answered("search", time.Duration(20+i*37%300)*time.Millisecond)
		}
		require.Equal(t, 50, int(c.limit))
	})
}

func TestHangingCallsAreOverloadAndBrokenOnesAreNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConcurrency(50, func(int) {})
		for range 40 {
			c.fill(t)
			c.answered("create", 100*time.Millisecond)
		}
		limit := c.limit
		require.Greater(t, int(limit), firstLimit)
		c.unanswered("create", time.Millisecond)
		require.InDelta(t, limit, c.limit, 0)
		c.unanswered("create", time.Minute)
		require.Less(t, c.limit, limit)
	})
}

func TestOneOverloadIsAnsweredByOneCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConcurrency(50, func(int) {})
		for range 36 {
			c.fill(t)
			c.answered("create", 100*time.Millisecond)
		}
		require.InDelta(t, 40, c.limit, 0)
		c.fill(t)
		for range 10 {
			c.refused()
		}
		require.InDelta(t, 30, c.limit, 0)
		<-time.After(cutEvery)
		c.refused()
		require.InDelta(t, 22.5, c.limit, 0)
	})
}

// TestTheLimitGrowsFast: what Jira bears is reached in a few round trips, at the
// start, a quiet hour after an overload, and after an outage, but not right after
// an overload.
func TestTheLimitGrowsFast(t *testing.T) {
	const bears, latency = 128, 50 * time.Millisecond
	// load keeps more calls waiting than Jira bears until so many are in flight.
	load := func(t *testing.T, c *concurrency) (roundTrips int) {
		ctx, stop := context.WithCancel(t.Context())
		begin := time.Now()
		c.changed = func(limit int) {
			if limit == bears {
				stop()
			}
		}
		var calls sync.WaitGroup
		for range 2 * bears {
			calls.Go(func() {
				for ctx.Err() == nil && c.acquire(ctx, false) == nil {
					<-time.After(latency)
					c.answered("create", latency)
				}
			})
		}
		calls.Wait()
		require.Zero(t, c.inFlight)
		return int(time.Since(begin) / latency)
	}
	overload := func(t *testing.T, c *concurrency, seconds int) {
		for range seconds {
			<-time.After(cutEvery)
			require.NoError(t, c.acquire(t.Context(), false))
			c.refused()
		}
	}
	for name, tc := range map[string]struct {
		before func(t *testing.T, c *concurrency)
		most   int
		least  int
	}{
		"at the start": {func(*testing.T, *concurrency) {}, 6, 1},
		"a quiet hour after an overload": {func(t *testing.T, c *concurrency) {
			overload(t, c, 10)
			<-time.After(time.Hour)
		}, 6, 1},
		"after an outage": {func(t *testing.T, c *concurrency) {
			overload(t, c, 75)
			c.recovered()
		}, 6, 1},
		"right after an overload": {func(t *testing.T, c *concurrency) { overload(t, c, 3) }, 100, 30},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newConcurrency(bears, func(int) {})
				if name != "at the start" {
					load(t, c)
				}
				tc.before(t, c)
				n := load(t, c)
				require.LessOrEqual(t, n, tc.most)
				require.GreaterOrEqual(t, n, tc.least)
			})
		})
	}
}
