package reconcile_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/reconcile"
)

// freshRequest makes a request beside the first one and returns its event.
func (w *world) freshRequest() access.RequestEvent {
	w.mu.Lock()
	defer w.mu.Unlock()
	req := *w.request("0192-0002")
	return access.RequestEvent{ID: req.ID, User: req.User, New: &req}
}

// toTeleport counts the calls to Teleport.
func (w *world) toTeleport() map[string]int {
	made := map[string]int{}
	for _, name := range []string{"Request", "Record", "SwapRecord", "Requests"} {
		if n := w.count(name); n > 0 {
			made[name] = n
		}
	}
	return made
}

// inStart runs a test with a replica that has made the issue of a first request,
// which shows where issues land, and no calls counted.
func inStart(t *testing.T, test func(w *world, r *reconcile.Reconciler)) {
	t.Helper()
	inWorld(t, func(w *world) {
		r := w.start()
		w.event(r)
		w.inSync(pending)
		w.mu.Lock()
		w.made = nil
		w.mu.Unlock()
		test(w, r)
	})
}

// TestANewRequestTakesTwoCallsToTeleport: its event says what it is, and the claim
// proves that nobody has begun.
func TestANewRequestTakesTwoCallsToTeleport(t *testing.T) {
	inStart(t, func(w *world, r *reconcile.Reconciler) {
		e := w.freshRequest()
		r.OnRequest(e)
		synctest.Wait()
		require.Equal(t, map[string]int{"SwapRecord": 2}, w.toTeleport())
		require.Equal(t, 1, w.count("CreateIssue"))
		rec := w.cluster.records[e.ID]
		require.NotEmpty(t, rec.IssueID)
		require.Empty(t, rec.Claim)
		require.Empty(t, rec.Ambiguous)

		r.OnRequest(e) // the same once more, of a request that has its issue
		synctest.Wait()
		require.Equal(t, map[string]int{"SwapRecord": 2, "Request": 1, "Record": 1}, w.toTeleport())
		w.pass(time.Hour)
		require.Equal(t, 2, w.issueCount())
	})
}

// TestAnEventIsNotTrustedBeyondTheClaim: whatever became of the request since its
// event was sent, the issue is made once and ends as the request is.
func TestAnEventIsNotTrustedBeyondTheClaim(t *testing.T) {
	for name, tc := range map[string]struct {
		meanwhile func(w *world, e access.RequestEvent)
		then      func(r *reconcile.Reconciler, e access.RequestEvent)
		creates   int
		status    access.Status
	}{
		"another replica has made the issue": {
			meanwhile: func(w *world, e access.RequestEvent) {
				i := w.tracker.add(issue{createdFor: e.ID, Issue: access.Issue{RequestID: e.ID, Labels: []string{e.ID.Label()}}})
				w.cluster.records[e.ID] = access.Record{IssueID: i.Ref.ID, IssueKey: i.Ref.Key}
			},
			status: pending,
		},
		"another replica makes the issue and dies": {
			meanwhile: func(w *world, e access.RequestEvent) {
				w.cluster.records[e.ID] = access.Record{Claim: "other/1", Ambiguous: "other"}
			},
			creates: 1, status: pending,
		},
		"it was denied, and the event of that comes before the work": {
			meanwhile: func(w *world, e access.RequestEvent) { w.cluster.requests[e.ID].State = access.Denied },
			then: func(r *reconcile.Reconciler, e access.RequestEvent) {
				r.OnRequest(access.RequestEvent{ID: e.ID, User: e.User, Decided: true})
			},
		},
		"it was denied, and the event of that comes after the work": {
			meanwhile: func(w *world, e access.RequestEvent) { w.cluster.requests[e.ID].State = access.Denied },
			then: func(r *reconcile.Reconciler, e access.RequestEvent) {
				synctest.Wait()
				r.OnRequest(access.RequestEvent{ID: e.ID, User: e.User, Decided: true})
			},
			creates: 1, status: denied,
		},
		"it was denied, and the watch broke": {
			meanwhile: func(w *world, e access.RequestEvent) { w.cluster.requests[e.ID].State = access.Denied },
			then:      func(r *reconcile.Reconciler, _ access.RequestEvent) { synctest.Wait(); r.OnSubscribed(false) },
			creates:   1, status: denied,
		},
	} {
		t.Run(name, func(t *testing.T) {
			inStart(t, func(w *world, r *reconcile.Reconciler) {
				e := w.freshRequest()
				tc.meanwhile(w, e)
				r.OnRequest(e)
				if tc.then != nil {
					tc.then(r, e)
				}
				w.pass(10 * time.Minute)
				require.Equal(t, tc.creates, w.count("CreateIssue"))
				if tc.status == (access.Status{}) {
					require.Equal(t, 1, w.issueCount())
					return
				}
				require.Equal(t, 2, w.issueCount())
				made := w.tracker.issues[1]
				require.Equal(t, tc.status, made.Status)
				require.Equal(t, made.Ref.ID, w.cluster.records[e.ID].IssueID)
			})
		})
	}
}

// TestADeletedRequestGetsNoIssue: nothing can be claimed of it.
func TestADeletedRequestGetsNoIssue(t *testing.T) {
	inStart(t, func(w *world, r *reconcile.Reconciler) {
		e := w.freshRequest()
		delete(w.cluster.requests, e.ID)
		r.OnRequest(e)
		w.pass(10 * time.Minute)
		require.Zero(t, w.count("CreateIssue"))
		require.Equal(t, 1, w.issueCount())
	})
}

// TestResourcesOfANewRequestAreNamed: the event has their ids only.
func TestResourcesOfANewRequestAreNamed(t *testing.T) {
	inStart(t, func(w *world, r *reconcile.Reconciler) {
		e := w.freshRequest()
		e.New.Resources = []access.Resource{{ID: "/here/node/1", Kind: "node"}}
		r.OnRequest(e)
		synctest.Wait()
		require.Equal(t, "node one", w.tracker.issues[1].resources[0].Name)
		require.Empty(t, e.New.Resources[0].Name, "the event is not changed")
	})
}

// TestALostClaimOfANewRequestIsLookedFor: the answer to the claim is lost.
func TestALostClaimOfANewRequestIsLookedFor(t *testing.T) {
	for name, f := range map[string]fault{"made": lost(), "not made": unsent()} {
		t.Run(name, func(t *testing.T) {
			inStart(t, func(w *world, r *reconcile.Reconciler) {
				w.next("SwapRecord", f)
				r.OnRequest(w.freshRequest())
				w.pass(10 * time.Minute)
				require.Equal(t, 1, w.count("CreateIssue"))
				require.Equal(t, 2, w.issueCount())
			})
		})
	}
}

// TestWebhookOfTheOwnIssueCostsNothing: Jira sends one for each issue that the
// daemon makes. One that says more, or comes while something is missing, is
// followed.
func TestWebhookOfTheOwnIssueCostsNothing(t *testing.T) {
	for name, tc := range map[string]struct {
		prepare  func(w *world)
		hint     func(ref access.IssueRef) access.IssueHint
		followed bool
	}{
		"it was created": {
			hint: func(ref access.IssueRef) access.IssueHint { return access.IssueHint{ID: ref.ID, Status: pending} },
		},
		"it was moved": {
			hint:     func(ref access.IssueRef) access.IssueHint { return access.IssueHint{ID: ref.ID, Status: approved} },
			followed: true,
		},
		"a webhook without a status": {
			hint: func(ref access.IssueRef) access.IssueHint { return access.IssueHint{ID: ref.ID} }, followed: true,
		},
		"the request was decided, and nobody has said so": {
			prepare: func(w *world) { w.cluster.requests[request].State = access.Approved },
			hint:    func(ref access.IssueRef) access.IssueHint { return access.IssueHint{ID: ref.ID, Status: pending} },
		},
		"another issue says that it is the request's": {
			hint: func(access.IssueRef) access.IssueHint {
				return access.IssueHint{ID: "666", RequestID: request, Status: pending}
			},
			followed: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			inStart(t, func(w *world, r *reconcile.Reconciler) {
				if tc.prepare != nil {
					tc.prepare(w)
				}
				require.True(t, r.EnqueueIssue(tc.hint(w.tracker.issues[0].Ref)))
				synctest.Wait()
				if tc.followed {
					require.Positive(t, w.count("Request"))
				} else {
					require.Empty(t, w.toTeleport())
				}
				w.event(r)
				want := pending
				if w.cluster.requests[request].State == access.Approved {
					want = approved
				}
				w.inSync(want)
			})
		})
	}
}

// TestRequestsInStepAreLookedAtOneAfterTheOther: a resync of thousands is no burst
// of calls to Teleport, and what is not in step does not wait for them.
func TestRequestsInStepAreLookedAtOneAfterTheOther(t *testing.T) {
	inStart(t, func(w *world, r *reconcile.Reconciler) {
		const n = 300
		for i := range n {
			id := access.RequestID(fmt.Sprint("0192-1", i))
			w.mu.Lock()
			req := *w.request(id)
			w.mu.Unlock()
			r.OnRequest(access.RequestEvent{ID: id, User: req.User, New: &req})
		}
		synctest.Wait()
		require.Equal(t, n+1, w.issueCount())
		w.cluster.requests["0192-17"].State = access.Denied
		before := w.count("Record")
		r.Resync()
		synctest.Wait()
		require.LessOrEqual(t, w.count("Record")-before, 4)
		for _, i := range w.tracker.issues {
			if i.createdFor == "0192-17" {
				require.Equal(t, denied, i.Status)
			}
		}
		w.pass(time.Second)
		require.InDelta(t, 200, w.count("Record")-before, 10)
		w.pass(3 * time.Second)
		require.GreaterOrEqual(t, w.count("Record")-before, n)
	})
}
