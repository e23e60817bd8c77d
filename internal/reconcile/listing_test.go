package reconcile_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/reconcile"
)

// What no event and no webhook told is found by the next resync.
func TestResyncFinds(t *testing.T) {
	for name, tc := range map[string]struct {
		while  func(w *world, i *issue) // nobody is told
		status access.Status
	}{
		"a decision in Jira":     {func(w *world, i *issue) { w.tracker.change(i, bob, approved) }, approved},
		"a decision in Teleport": {func(w *world, _ *issue) { w.cluster.requests[request].State = access.Denied }, denied},
		"a deleted request":      {func(w *world, _ *issue) { delete(w.cluster.requests, request) }, expired},
		"a settled request whose issue was reopened": {func(w *world, i *issue) {
			w.cluster.requests[request].State = access.Denied
			w.setRecord(func(rec *access.Record) { rec.Resolution = access.Denied })
			w.tracker.change(i, bob, pending)
		}, denied},
		"nothing": {func(*world, *issue) {}, pending},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				i := w.inStep()
				r := w.startWith(reconcile.Options{ResyncInterval: 10 * time.Minute})
				w.event(r)
				w.mu.Lock()
				tc.while(w, i)
				w.mu.Unlock()
				w.pass(9 * time.Minute)
				w.pass(time.Minute)
				w.inSync(tc.status)
				require.Greater(t, w.metric("last_success_timestamp_seconds", "resync"), 0.0)
			})
		})
	}
}

func TestResyncMakesTheIssuesOfNewRequests(t *testing.T) {
	inWorld(t, func(w *world) {
		r := w.start()
		r.OnSubscribed(false)
		w.pass(time.Second)
		w.inSync(pending)
		require.InDelta(t, 1, w.metric("requests", "pending"), 0)
	})
}

// TestWhatALaggingListMissedIsFoundWithoutJira: the list that followed a subscription
// was older than it.
func TestWhatALaggingListMissedIsFoundWithoutJira(t *testing.T) {
	for name, tc := range map[string]struct {
		meanwhile func(w *world)
		status    access.Status
	}{
		"a request was denied":  {func(w *world) { w.cluster.requests[request].State = access.Denied }, denied},
		"a request was deleted": {func(w *world) { delete(w.cluster.requests, request) }, expired},
		"a request was made":    {func(w *world) { w.request("0192-0002") }, pending},
		"nothing":               {func(*world) {}, pending},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				r := w.start()
				r.OnSubscribed(false)
				w.pass(time.Second)
				w.inSync(pending)
				tc.meanwhile(w)
				searches, records := w.count("Search"), w.count("Record")
				r.OnSettled()
				w.pass(time.Minute)
				require.Equal(t, tc.status, w.tracker.issues[0].Status)
				require.Equal(t, searches, w.count("Search"))
				if name == "nothing" {
					require.Equal(t, records, w.count("Record"))
				}
				if name == "a request was made" {
					require.Equal(t, 2, w.issueCount())
				}
				w.pass(2 * reconcile.StalledAfter)
				require.NoError(t, r.Stalled(), "nothing more is expected of it")
			})
		})
	}
}

// A settled request that is in step is not read again by later resyncs; one that
// was deleted is closed also where its issue shows nothing to do.
func TestResyncOfSettledRequests(t *testing.T) {
	inWorld(t, func(w *world) {
		i := w.inStep()
		w.cluster.requests[request].State = access.Denied
		r := w.start()
		r.Resync()
		w.pass(time.Second)
		w.inSync(denied)
		reads := w.count("Record")
		r.Resync()
		w.pass(time.Second)
		require.Equal(t, reads, w.count("Record"))
		w.mu.Lock()
		delete(w.cluster.requests, request)
		w.mu.Unlock()
		r.Resync()
		w.pass(time.Second)
		require.Equal(t, reads+1, w.count("Record"))
		w.inSync(denied)
		require.Equal(t, []string{"resolution/denied"}, w.keys(i))
	})
}

func TestPollFindsMovedIssues(t *testing.T) {
	inWorld(t, func(w *world) {
		i := w.inStep()
		w.startWith(reconcile.Options{ResyncInterval: 1000 * time.Hour, PollInterval: time.Minute})
		w.pass(time.Minute)
		w.mu.Lock()
		w.tracker.change(i, bob, approved)
		w.mu.Unlock()
		w.pass(time.Minute)
		w.inSync(approved)
		require.Equal(t, []string{"resolution/approved"}, w.keys(i))
		w.pass(2 * time.Minute)
		reads := w.count("Record")
		w.pass(time.Hour)
		require.Equal(t, reads, w.count("Record"), "an issue that was seen is not worked on again")
	})
}

// The first poll goes back far enough for what happened while the daemon was
// down, and finds out which request an issue without label belongs to.
func TestFirstPollLooksBack(t *testing.T) {
	inWorld(t, func(w *world) {
		i := w.inStep()
		i.Labels, i.RequestID = nil, ""
		w.tracker.change(i, bob, approved)
		w.pass(47 * time.Hour)
		w.next("Issue", during(func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			i.RequestID = request // searches do not show the property
		}))
		w.startWith(reconcile.Options{ResyncInterval: 1000 * time.Hour, PollInterval: time.Minute})
		w.inSync(approved)
	})
}

// A listing that fails is retried until it succeeds, no sooner than the server
// asked.
func TestListingIsRetried(t *testing.T) {
	for call, listing := range map[string]string{"Search": "resync", "Requests": "resync"} {
		t.Run(call, func(t *testing.T) {
			inWorld(t, func(w *world) {
				slow := fault{before: func(context.Context) error {
					return &access.Error{Op: "list", Class: access.Limited, After: 5 * time.Minute, Err: errors.New("slow down")}
				}}
				w.next(call, slow, refused(access.Temporary))
				r := w.start()
				r.Resync()
				w.pass(4 * time.Minute)
				require.Equal(t, 1, w.log.count("listing failed, will retry"))
				require.Zero(t, w.issueCount())
				w.pass(2 * time.Minute)
				w.inSync(pending)
				require.Equal(t, 2, w.log.count("listing failed, will retry"))
				require.NoError(t, r.Stalled())
				require.Greater(t, w.metric("last_success_timestamp_seconds", listing), 0.0)
			})
		})
	}
	t.Run("poll", func(t *testing.T) {
		inWorld(t, func(w *world) {
			w.next("Search", refused(access.Temporary))
			w.startWith(reconcile.Options{ResyncInterval: 1000 * time.Hour, PollInterval: time.Hour})
			require.Equal(t, 1, w.log.count("listing failed, will retry"))
			w.pass(time.Minute)
			require.Greater(t, w.metric("last_success_timestamp_seconds", "poll"), 0.0)
		})
	})
}

// Work that is under way when the daemon stops is finished and noted within the
// drain time, and cut off after it.
func TestStopDrains(t *testing.T) {
	for name, tc := range map[string]struct {
		takes  time.Duration
		within time.Duration
		done   bool
	}{
		"in time": {3 * time.Second, 3 * time.Second, true},
		"cut off": {time.Hour, 10 * time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.inStep()
				w.cluster.requests[request].State = access.Denied
				release := make(chan struct{})
				time.AfterFunc(tc.takes, func() { close(release) })
				w.next("Transition", hanging(release))
				r, stop, done := w.run(reconcile.Options{})
				w.event(r)
				begin := time.Now()
				stop()
				synctest.Wait()
				taken := r.EnqueueIssue(access.IssueHint{ID: "1"})
				require.NoError(t, <-done)
				require.False(t, taken, "no new work is taken")
				require.Equal(t, tc.within, time.Since(begin))
				require.Empty(t, w.record().Claim, "the claim is given back")
				require.Equal(t, tc.done, w.record().Resolution == access.Denied)
			})
		})
	}
}
