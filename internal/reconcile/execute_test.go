package reconcile_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
)

func TestDecisionInJira(t *testing.T) {
	for name, tc := range map[string]struct {
		to    access.Status
		state access.State
	}{
		"approved": {approved, access.Approved},
		"denied":   {denied, access.Denied},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				i := w.inStep()
				r := w.start()
				w.event(r)
				w.move(r, i, bob, tc.to)
				w.inSync(tc.to)
				require.Equal(t, tc.state, w.cluster.requests[request].State)
				require.Equal(t, []string{"resolution/" + string(tc.state)}, w.keys(i))
				require.Equal(t, 1, w.log.count("decision submitted"))
				require.InDelta(t, 1, w.metric("decisions_total", "submitted"), 0)
				w.move(r, i, bob, denied)
				w.pass(time.Minute)
				w.inSync(tc.to)
				require.Equal(t, tc.state, w.cluster.requests[request].State, "it is decided once")
			})
		})
	}
}

// A decision whose answer was lost is found in the request and not submitted
// again; one that never arrived is.
func TestDecisionOfUnknownOutcome(t *testing.T) {
	for name, tc := range map[string]struct {
		fault   fault
		approve int // reviews needed
		submits int
		status  access.Status
		keys    []string
	}{
		"lost, and settled":        {lost(), 1, 1, approved, []string{"resolution/approved"}},
		"lost, and more is needed": {lost(), 2, 1, pending, []string{"move/1"}},
		"without effect":           {unsent(), 1, 2, approved, []string{"resolution/approved"}},
		"refused for a while":      {refused(access.Limited), 1, 2, approved, []string{"resolution/approved"}},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				i := w.inStep()
				w.cluster.requests[request].Thresholds = []access.Threshold{{Approve: tc.approve, Deny: 1}}
				w.next("Decide", tc.fault)
				r := w.start()
				w.event(r)
				w.move(r, i, bob, approved)
				w.pass(time.Minute)
				w.inSync(tc.status)
				require.Equal(t, tc.submits, w.count("Decide"))
				require.Len(t, w.cluster.requests[request].Reviews, 1)
				require.Equal(t, tc.keys, w.keys(i))
				require.Equal(t, 1, w.log.count("decision submitted"))
				require.Equal(t, "1", w.record().HandledChange)
			})
		})
	}
}

// A change that was answered is answered once, whatever tells of it again.
func TestHandledChangeIsNotRepeated(t *testing.T) {
	inWorld(t, func(w *world) {
		w.tracker.unreachable = []string{"Pending"} // so that the issue stays where it is
		i := w.inStep()
		r := w.start()
		w.event(r)
		w.move(r, i, alice, approved)
		for range 5 {
			require.True(t, r.EnqueueIssue(access.IssueHint{ID: i.Ref.ID, RequestID: request}))
			w.pass(time.Minute)
			r.Resync()
			w.pass(time.Minute)
		}
		require.Equal(t, []string{"move/1"}, w.keys(i))
		require.Equal(t, access.Pending, w.cluster.requests[request].State)
		require.InDelta(t, 1, w.metric("refusals_total", string(plan.RefusedRequester)), 0)
		require.Equal(t, 1, w.log.count("decision refused"))
		w.move(r, i, bob, denied)
		require.Equal(t, access.Denied, w.cluster.requests[request].State, "another change counts")
	})
}

// Nothing is noted that has not happened, and what has happened is noted also
// when a later step fails.
func TestEffectComesBeforeItsNote(t *testing.T) {
	for name, f := range map[string]fault{"refused": refused(access.Temporary), "lost": lost(), "unsent": unsent()} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				i := w.inStep()
				req := w.cluster.requests[request]
				req.Thresholds = []access.Threshold{{Approve: 5, Deny: 5}}
				for _, name := range []string{"rita", "rolf", "ruth"} {
					w.cluster.review(req, access.Review{Author: name, State: access.Approved})
				}
				w.next("Comment", fault{}, f)
				r := w.start()
				w.event(r)
				require.Equal(t, 1, w.record().ReviewsCount)
				require.Equal(t, name != "refused", w.record().Ambiguous.MayHaveEffect())
				w.pass(time.Minute)
				w.inSync(pending)
				require.Equal(t, 3, w.record().ReviewsCount)
				require.Equal(t, []string{"review/0", "review/1", "review/2"}, w.keys(i), "each once")
			})
		})
	}
}

// While it is not cleared up what an earlier attempt did, the record says so.
func TestAmbiguityLastsUntilItIsClearedUp(t *testing.T) {
	inWorld(t, func(w *world) {
		i := w.inStep()
		req := w.cluster.requests[request]
		req.Thresholds = []access.Threshold{{Approve: 2, Deny: 1}}
		for _, name := range []string{"rita", "rolf"} {
			w.cluster.review(req, access.Review{Author: name, State: access.Approved})
		}
		w.next("Comment", lost(), refused(access.Temporary), refused(access.Temporary))
		r := w.start()
		w.event(r)
		require.True(t, w.record().Ambiguous.MayHaveEffect())
		w.pass(time.Second)
		require.True(t, w.record().Ambiguous.MayHaveEffect(), "the second attempt failed before its end")
		w.pass(time.Minute)
		w.inSync(approved)
		require.Equal(t, []string{"review/0", "resolution/approved"}, w.keys(i))
	})
}

// A worker that died after its last effect leaves only the note to be made.
func TestAbandonedRecordIsNoted(t *testing.T) {
	for name, change := range map[string]func(*access.Record){
		"a claim":    func(rec *access.Record) { rec.Claim = "other/1" },
		"an attempt": func(rec *access.Record) { rec.Ambiguous = "x" },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				i := w.inStep()
				w.setRecord(change)
				w.tracker.change(i, bob, approved) // which nobody told of
				r := w.start()
				r.Resync()
				w.pass(claimLife + time.Second)
				w.inSync(approved)
			})
		})
	}
	t.Run("when all of it was done", func(t *testing.T) {
		inWorld(t, func(w *world) {
			w.inStep()
			w.setRecord(func(rec *access.Record) { rec.Ambiguous = "x" })
			r := w.start()
			w.event(r)
			w.inSync(pending)
			require.Equal(t, 2, w.count("SwapRecord"), "a claim and its commit")
		})
	})
}

func TestNewIssueInAnotherStatusIsMoved(t *testing.T) {
	inWorld(t, func(w *world) {
		w.tracker.start = backlog
		r := w.start()
		w.event(r)
		w.inSync(pending)
	})
}

// Where new issues are known to start in the pending status they are not read
// again.
func TestNewIssueIsReadUntilItsStartIsKnown(t *testing.T) {
	inWorld(t, func(w *world) {
		r := w.start()
		w.event(r)
		w.inSync(pending)
		reads := w.count("Issue")
		require.Equal(t, 1, reads)
		w.mu.Lock()
		w.request("second")
		w.mu.Unlock()
		r.OnRequest(access.RequestEvent{ID: "second"})
		synctest.Wait()
		require.Len(t, w.tracker.issues, 2)
		require.Equal(t, reads, w.count("Issue"))
	})
}

func TestMissingIssueIsWarnedAboutOnce(t *testing.T) {
	inWorld(t, func(w *world) {
		i := w.inStep()
		i.deleted = true
		r := w.start()
		for range 5 {
			r.Resync()
			w.pass(time.Minute)
		}
		w.mu.Lock()
		w.cluster.review(w.cluster.requests[request], access.Review{Author: "rita", State: access.Approved})
		w.mu.Unlock()
		w.event(r)
		require.Equal(t, 1, w.log.count("issue is deleted or no longer visible"))
		require.InDelta(t, 1, w.metric("issues_gone_total", ""), 0)
		require.Len(t, w.tracker.issues, 1, "there is no second one")
		i.deleted = false
		w.move(r, i, bob, denied)
		r.Resync()
		w.pass(time.Minute)
		require.Equal(t, access.Approved, w.cluster.requests[request].State)
	})
}

func TestIssueDeletedUnderTheWork(t *testing.T) {
	inWorld(t, func(w *world) {
		i := w.inStep()
		w.cluster.review(w.cluster.requests[request], access.Review{Author: "rita", State: access.Approved})
		w.next("Comment", during(func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			i.deleted = true
		}))
		r := w.start()
		w.event(r)
		w.pass(time.Minute)
		require.Equal(t, 1, w.log.count("issue is deleted or no longer visible"))
		require.Zero(t, w.record().ReviewsCount)
		require.Empty(t, w.record().Claim)
	})
}

func TestUnreachableStatusIsWarnedAboutOnceAndStopsNothing(t *testing.T) {
	inWorld(t, func(w *world) {
		w.tracker.unreachable = []string{"Approved"}
		i := w.inStep()
		w.cluster.review(w.cluster.requests[request], access.Review{Author: "rita", State: access.Approved})
		r := w.start()
		for range 3 {
			w.event(r)
			r.Resync()
			w.pass(time.Minute)
		}
		require.Equal(t, []string{"resolution/approved"}, w.keys(i))
		require.Equal(t, 1, w.log.count("level=WARN msg=\"issue cannot be moved"))
		require.Greater(t, w.metric("transitions_unreachable_total", ""), 0.0)
	})
}

// Somebody who keeps undoing what the daemon does is met with backoff.
func TestRequestThatDoesNotConvergeIsRetriedLater(t *testing.T) {
	inWorld(t, func(w *world) {
		w.inStep()
		undo := fault{after: func(context.Context) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.setRecord(func(rec *access.Record) { rec.Expires = 1 })
			return nil
		}}
		w.setRecord(func(rec *access.Record) { rec.Expires = 1 })
		for range 6 {
			w.next("SwapRecord", fault{}, undo) // a claim and its commit
		}
		r := w.start()
		w.event(r)
		require.Equal(t, 12, w.count("SwapRecord"))
		require.Equal(t, 1, w.log.count("request and issue do not converge"))
		w.pass(time.Minute)
		w.inSync(pending)
		require.Equal(t, access.UnixTimeOf(w.cluster.requests[request].Expires), w.record().Expires)
	})
}

func TestRequestThatWasDeleted(t *testing.T) {
	inWorld(t, func(w *world) {
		i := w.inStep()
		r := w.start()
		w.event(r)
		w.mu.Lock()
		delete(w.cluster.requests, request)
		w.mu.Unlock()
		w.event(r)
		w.inSync(expired)
		require.Equal(t, []string{"resolution/expired"}, w.keys(i))
		require.Contains(t, i.Comments[0].Body, "removed")
	})
}
