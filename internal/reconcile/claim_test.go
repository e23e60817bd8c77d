package reconcile_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/reconcile"
)

const (
	claimLife   = 30 * time.Second
	searchGrace = 65 * time.Second
)

// What another worker left in the record decides how long its request is left
// alone.
func TestWaitBeforeActing(t *testing.T) {
	for name, tc := range map[string]struct {
		issue  bool // the record names an issue
		change func(rec *access.Record)
		wait   time.Duration
	}{
		"nothing":                    {false, func(rec *access.Record) { *rec = access.Record{} }, 0},
		"a failed create":            {false, func(rec *access.Record) { rec.Ambiguous = access.AttemptFailed }, 0},
		"an ambiguous create":        {false, func(rec *access.Record) { rec.Ambiguous = "x" }, searchGrace},
		"the existing plugin's":      {false, func(rec *access.Record) { rec.Created = 0 }, searchGrace},
		"the existing plugin's, old": {false, func(rec *access.Record) { rec.Created -= 3600 }, 0},
		"a claim on a create": {
			false, func(rec *access.Record) { rec.Claim, rec.Ambiguous = "other/1", "x" },
			claimLife + searchGrace,
		},
		"a claim":              {true, func(rec *access.Record) { rec.Claim = "other/1" }, claimLife},
		"an ambiguous comment": {true, func(rec *access.Record) { rec.Ambiguous = "x" }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				status, effect := pending, "CreateIssue"
				if tc.issue {
					w.inStep()
					w.cluster.requests[request].State = access.Denied
					status, effect = denied, "Transition"
				} else {
					w.setRecord(func(rec *access.Record) { rec.User, rec.Created = "alice", access.UnixTimeOf(time.Now()) })
				}
				w.setRecord(tc.change)
				r := w.start()
				w.event(r)
				if tc.wait > 0 {
					w.pass(tc.wait - time.Second)
					require.Zero(t, w.count(effect), "too early")
					w.pass(2 * time.Second)
				}
				require.Equal(t, 1, w.count(effect))
				w.inSync(status)
			})
		})
	}
}

func TestClaimThatIsRenewedIsNeverTakenOver(t *testing.T) {
	inWorld(t, func(w *world) {
		release := make(chan struct{})
		w.next("CreateIssue", hanging(release))
		first, second := w.start(), w.start()
		w.event(first)
		holder, _, _ := strings.Cut(w.record().Claim, "/")
		w.event(second)
		claims := map[string]bool{}
		for range 60 {
			w.pass(5 * time.Second)
			claims[w.record().Claim] = true
			require.True(t, strings.HasPrefix(w.record().Claim, holder+"/"))
		}
		require.Greater(t, len(claims), 20, "each renewal has a new value")
		close(release)
		w.pass(2 * time.Minute)
		w.inSync(pending)
		require.Equal(t, 1, w.count("CreateIssue"))
	})
}

func TestLostRenewalEndsTheWork(t *testing.T) {
	for name, tc := range map[string]struct {
		fail func(w *world)
		says string
		by   time.Duration
		wait bool // somebody else has the claim
	}{
		"taken over": {
			func(w *world) {
				w.mu.Lock()
				defer w.mu.Unlock()
				w.setRecord(func(rec *access.Record) { rec.Claim = "other/1" })
			},
			"claim was taken over", claimLife/3 + time.Second, true,
		},
		"never renewed": {
			func(w *world) {
				w.next("SwapRecord", refused(access.Temporary), refused(access.Temporary), refused(access.Temporary))
			},
			"claim expired before the work was done", claimLife + time.Second, false,
		},
		"renewal hangs": {
			func(w *world) { w.next("SwapRecord", hanging(nil)) },
			"claim expired before the work was done", claimLife + time.Second, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				i := w.inStep()
				w.cluster.requests[request].State = access.Denied
				w.next("Transition", hanging(nil))
				r := w.start()
				w.event(r)
				tc.fail(w)
				w.pass(tc.by)
				require.Equal(t, 1, w.log.count(tc.says))
				if tc.wait {
					require.Empty(t, w.keys(i), "nothing is done without a claim")
				}
				w.pass(5 * time.Minute)
				require.Equal(t, 2, w.count("Transition"), "the first ended with the claim")
				w.inSync(denied)
				require.Equal(t, []string{"resolution/denied"}, w.keys(i))
			})
		})
	}
}

func TestOneFailedRenewalIsMadeUpFor(t *testing.T) {
	inWorld(t, func(w *world) {
		w.inStep()
		w.cluster.requests[request].State = access.Denied
		release := make(chan struct{})
		w.next("Transition", hanging(release))
		r := w.start()
		w.event(r)
		w.next("SwapRecord", refused(access.Temporary))
		w.pass(claimLife + time.Second)
		close(release)
		synctest.Wait()
		w.inSync(denied)
		require.Zero(t, w.log.count("will retry"))
	})
}

// What was done is noted although an answer was lost, or the next worker looks
// for it before it repeats it.
func TestCommit(t *testing.T) {
	for name, tc := range map[string]struct {
		faults    []fault
		wait      time.Duration
		retries   int
		lookedFor int
	}{
		"works":               {nil, 0, 0, 0},
		"answer is lost":      {[]fault{lost()}, 0, 0, 0},
		"fails":               {[]fault{refused(access.Temporary)}, time.Second, 1, 1},
		"fails, or maybe not": {[]fault{unsent()}, time.Second, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				i := w.inStep()
				w.cluster.review(w.cluster.requests[request], access.Review{Author: "rita", State: access.Approved})
				w.cluster.requests[request].State = access.Pending // more are needed
				w.next("SwapRecord", fault{})
				w.next("SwapRecord", tc.faults...)
				r := w.start()
				w.event(r)
				w.pass(tc.wait)
				w.inSync(pending)
				require.Equal(t, []string{"review/0"}, w.keys(i), "never twice")
				require.Equal(t, 1, w.record().ReviewsCount)
				require.Equal(t, tc.retries, w.log.count("reconcile failed, will retry"))
				require.Equal(t, tc.lookedFor, w.count("CommentKeys"))
			})
		})
	}
}

func TestRenewalWhoseAnswerIsLostDoesNotKeepTheClaim(t *testing.T) {
	inWorld(t, func(w *world) {
		i := w.inStep()
		w.cluster.requests[request].State = access.Denied
		release := make(chan struct{})
		w.next("Transition", hanging(release))
		r := w.start()
		w.event(r)
		// The renewal happens, its answer is lost, and so is the reading after it.
		w.next("SwapRecord", lost())
		w.next("Record", refused(access.Temporary))
		w.pass(claimLife/3 + time.Second)
		close(release)
		synctest.Wait()
		w.inSync(denied)
		require.Equal(t, []string{"resolution/denied"}, w.keys(i))
	})
}

func TestConflictIsPlannedAnew(t *testing.T) {
	inWorld(t, func(w *world) {
		w.inStep()
		w.cluster.requests[request].State = access.Denied
		w.next("SwapRecord", during(func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.setRecord(func(rec *access.Record) { rec.HandledChange = "7" })
		}))
		r := w.start()
		w.event(r)
		require.Zero(t, w.count("Transition"), "the plan was of another record")
		w.pass(time.Second)
		w.inSync(denied)
		require.Equal(t, "7", w.record().HandledChange)
		require.Zero(t, w.log.count("level=WARN"), "a race is nothing to warn about")
	})
}

func TestTwoReplicasMakeOneIssueAndOneCommentEach(t *testing.T) {
	inWorld(t, func(w *world) {
		replicas := []*reconcile.Reconciler{w.start(), w.start(), w.start()}
		all := func() {
			for _, r := range replicas {
				r.OnRequest(access.RequestEvent{ID: request})
			}
			synctest.Wait()
			w.pass(3 * time.Minute)
		}
		all()
		i := w.inSync(pending)
		require.Equal(t, 1, w.count("CreateIssue"))
		w.mu.Lock()
		w.cluster.review(w.cluster.requests[request], access.Review{Author: "rita", State: access.Approved})
		w.mu.Unlock()
		all()
		w.inSync(approved)
		require.Equal(t, []string{"resolution/approved"}, w.keys(i))
	})
}

func TestOrphan(t *testing.T) {
	orphan := func(w *world) *issue {
		delete(w.cluster.requests, request)
		return w.tracker.add(issue{createdFor: request, Issue: access.Issue{RequestID: request, Labels: []string{request.Label()}}})
	}
	t.Run("is reserved, then closed", func(t *testing.T) {
		inWorld(t, func(w *world) {
			i := orphan(w)
			r := w.start()
			r.Resync()
			w.pass(5 * time.Second)
			r.Resync()
			w.pass(4 * time.Second)
			require.Equal(t, 1, w.count("Reserve"))
			require.Empty(t, w.keys(i), "the reservation has to stand first")
			w.pass(2 * time.Second)
			require.Equal(t, []string{"resolution/expired"}, w.keys(i))
			require.Equal(t, expired, i.Status)
		})
	})
	t.Run("is closed by one of several", func(t *testing.T) {
		inWorld(t, func(w *world) {
			i := orphan(w)
			for range 3 {
				w.start().Resync()
			}
			w.pass(5 * time.Minute)
			require.Equal(t, []string{"resolution/expired"}, w.keys(i))
			require.Equal(t, expired, i.Status)
		})
	})
	t.Run("is left to another holder for a claim's life", func(t *testing.T) {
		inWorld(t, func(w *world) {
			i := orphan(w)
			i.Holder = "other"
			r := w.start()
			r.Resync()
			w.pass(claimLife - time.Second)
			require.Zero(t, w.count("Reserve"))
			w.pass(12 * time.Second)
			require.Equal(t, expired, i.Status)
		})
	})
	t.Run("is closed without a comment once it has been told", func(t *testing.T) {
		inWorld(t, func(w *world) {
			i := orphan(w)
			i.keys = []string{"resolution/denied"}
			r := w.start()
			r.Resync()
			w.pass(11 * time.Second)
			require.Equal(t, []string{"resolution/denied"}, w.keys(i))
			require.Equal(t, denied, i.Status)
		})
	})
	t.Run("ends its work with the reservation", func(t *testing.T) {
		inWorld(t, func(w *world) {
			i := orphan(w)
			w.next("Comment", hanging(nil))
			r := w.start()
			r.Resync()
			w.pass(16 * time.Second)
			require.Equal(t, 1, w.log.count("claim expired before the work was done"))
			w.pass(time.Minute)
			require.Equal(t, []string{"resolution/expired"}, w.keys(i))
		})
	})
	t.Run("of a record without an issue is put into it", func(t *testing.T) {
		inWorld(t, func(w *world) {
			i := orphan(w)
			w.cluster.records[request] = access.Record{User: "alice", Ambiguous: access.AttemptFailed}
			r := w.start()
			r.Resync()
			w.pass(time.Second)
			w.inSync(expired)
			require.Equal(t, []string{"resolution/expired"}, w.keys(i))
			require.Zero(t, w.count("Reserve"))
		})
	})
	t.Run("that names another request is left alone", func(t *testing.T) {
		inWorld(t, func(w *world) {
			i := orphan(w)
			i.RequestID = ""
			i.Labels = []string{request.Label()}
			w.next("Issue", during(func() {
				w.mu.Lock()
				defer w.mu.Unlock()
				i.RequestID = "another"
			}))
			r := w.start()
			r.Resync()
			w.pass(time.Minute)
			require.Zero(t, w.count("Reserve"))
			require.Equal(t, pending, i.Status)
		})
	})
}

// TestAClaimThatIsGivenBackIsNoticedSoon: another replica notes the new issue while
// a card is dragged, and no event tells that it is done.
func TestAClaimThatIsGivenBackIsNoticedSoon(t *testing.T) {
	inWorld(t, func(w *world) {
		i := w.inStep()
		r := w.start()
		w.replicaWrites(func(rec *access.Record) {
			rec.Claim, rec.ClaimUntil = "other/1", access.UnixTimeOf(time.Now().Add(30*time.Second))
		})
		w.move(r, i, bob, approved)
		w.pass(1500 * time.Millisecond)
		require.Zero(t, w.count("Decide"))
		w.replicaWrites(func(rec *access.Record) { rec.Claim, rec.ClaimUntil = "", 0 })
		w.pass(2 * time.Second)
		require.Equal(t, 1, w.count("Decide"))
		w.inSync(approved)
	})
}

// TestALiveClaimCostsFewLooks: its holder may work on it for long.
func TestALiveClaimCostsFewLooks(t *testing.T) {
	inWorld(t, func(w *world) {
		i := w.inStep()
		r := w.start()
		w.replicaWrites(func(rec *access.Record) {
			rec.Claim, rec.ClaimUntil = "other/1", access.UnixTimeOf(time.Now().Add(30*time.Second))
		})
		before := w.count("Record")
		w.move(r, i, bob, approved)
		w.pass(29 * time.Second)
		require.Zero(t, w.count("Decide"))
		require.LessOrEqual(t, w.count("Record")-before, 8)
	})
}
