package watchdog_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/watchdog"
)

func TestStalledAfterTheTimeWithoutProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w watchdog.Watchdog
		w.Progress("loop")
		<-time.After(time.Hour)
		require.NoError(t, w.Stalled(), "nothing is expected yet")
		w.Expect("loop", time.Minute)
		<-time.After(time.Minute)
		require.NoError(t, w.Stalled(), "it may take all its time")
		w.Progress("loop")
		<-time.After(time.Minute)
		require.NoError(t, w.Stalled(), "progress renews the time")
		<-time.After(time.Second)
		require.EqualError(t, w.Stalled(), "loop: no progress for 1m1s")
		w.Progress("loop")
		require.NoError(t, w.Stalled())
		<-time.After(time.Hour)
		w.Expect("loop", 2*time.Hour)
		<-time.After(2 * time.Hour)
		require.NoError(t, w.Stalled(), "the later time counts")
	})
}

func TestNothingIsExpectedOfAComponentThatIsDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w watchdog.Watchdog
		w.Done("loop")
		w.Expect("loop", time.Minute)
		w.Done("loop")
		w.Progress("loop")
		<-time.After(time.Hour)
		require.NoError(t, w.Stalled())
	})
}

func TestTheLongestSilentComponentIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w watchdog.Watchdog
		w.Expect("patient", time.Hour)
		w.Expect("first", time.Minute)
		<-time.After(time.Second)
		w.Expect("second", time.Minute)
		<-time.After(2 * time.Minute)
		require.EqualError(t, w.Stalled(), "first: no progress for 2m1s")
		w.Done("first")
		require.EqualError(t, w.Stalled(), "second: no progress for 2m0s")
		w.Done("second")
		require.NoError(t, w.Stalled())
	})
}

func TestAPoolIsStalledOnlyWhenAllItsWorkersAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w watchdog.Watchdog
		p := w.Pool("workers", 2, time.Minute)
		p.Progress()
		p.Begin()
		<-time.After(time.Hour)
		require.NoError(t, w.Stalled(), "one worker can still work")
		p.Begin()
		<-time.After(time.Minute)
		require.NoError(t, w.Stalled())
		<-time.After(time.Second)
		require.EqualError(t, w.Stalled(), "workers: no progress for 1m1s")
		p.Progress()
		require.NoError(t, w.Stalled(), "a long task that goes on")
		<-time.After(time.Hour)
		require.Error(t, w.Stalled())
		p.End()
		<-time.After(time.Hour)
		require.NoError(t, w.Stalled(), "a worker is free again")
		p.Begin()
		require.NoError(t, w.Stalled(), "the time begins anew")
		p.End()
		p.End()
	})
}

func TestConcurrentUse(t *testing.T) {
	var w watchdog.Watchdog
	p := w.Pool("workers", 4, time.Minute)
	var wg sync.WaitGroup
	for _, name := range []string{"a", "b", "a", "b"} {
		wg.Go(func() {
			for range 200 {
				p.Begin()
				w.Expect(name, time.Minute)
				p.Progress()
				w.Progress(name)
				_ = w.Stalled()
				w.Done(name)
				p.End()
			}
		})
	}
	wg.Wait()
	require.NoError(t, w.Stalled())
}
