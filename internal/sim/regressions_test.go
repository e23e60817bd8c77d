package sim_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
)

// The scenes below once broke a promise in TestSimulate.

// TestSearchThatFailsClearsNoAttempt: a create's answer is lost, and the search
// for its issue fails. The attempt was taken for cleared up, and a second issue
// was made.
func TestSearchThatFailsClearsNoAttempt(t *testing.T) {
	inWorld(t, 30*time.Second, func(_ *testing.T, w *world) []string {
		w.start("r0", newBody())
		pass(time.Second)
		w.jira.Inject(fakejira.Fault{Method: http.MethodPost, Route: fakejira.RouteIssues, Effect: fakejira.LoseAnswer, Times: 1})
		w.jira.Inject(fakejira.Fault{Route: fakejira.RouteSearchJQL, Effect: fakejira.Respond, Status: 503, Times: 8})
		return []string{w.request(requester, "x", faketeleport.RequestOptions{})}
	})
}

// TestPageInsteadOfTheOriginClearsNoAttempt: a create's answer is lost, and the
// last look at the issue that it made is answered by a gateway. The issue was
// taken for a stranger's, and a second one was made.
func TestPageInsteadOfTheOriginClearsNoAttempt(t *testing.T) {
	inWorld(t, time.Second, func(_ *testing.T, w *world) []string {
		w.start("r0", newBody())
		pass(time.Second)
		w.jira.Inject(fakejira.Fault{Method: http.MethodPost, Route: fakejira.RouteIssues, Effect: fakejira.LoseAnswer, Times: 1})
		end := w.jira.Inject(fakejira.Fault{
			Method: http.MethodGet, Route: fakejira.RouteIssue, Effect: fakejira.Respond, Status: 200, Body: fakejira.MaintenancePage,
		})
		id := w.request(requester, "x", faketeleport.RequestOptions{})
		pass(90 * time.Second)
		end()
		return []string{id}
	})
}

// TestLookThatFailsClearsNoSuspicion: a comment's answer is lost, and so is the
// look at the comments there are. It was written again.
func TestLookThatFailsClearsNoSuspicion(t *testing.T) {
	inWorld(t, 0, func(_ *testing.T, w *world) []string {
		w.start("r0", newBody())
		id := w.request(requester, "x", faketeleport.RequestOptions{})
		pass(time.Minute)
		w.jira.Inject(fakejira.Fault{Method: http.MethodPost, Route: fakejira.RouteComments, Effect: fakejira.LoseAnswer, Times: 1})
		w.jira.Inject(fakejira.Fault{Method: http.MethodGet, Route: fakejira.RouteComments, Effect: fakejira.Respond, Status: 500, Times: 4})
		w.review("rita", id, types.RequestState_APPROVED)
		return []string{id}
	})
}

// TestIssueReopenedAfterItsRequestIsGone: nobody looked at an issue that was
// dragged back to pending once its request had been removed.
func TestIssueReopenedAfterItsRequestIsGone(t *testing.T) {
	inWorld(t, 10*time.Second, func(t *testing.T, w *world) []string {
		w.start("r0", newBody())
		id := w.request(requester, "x", faketeleport.RequestOptions{})
		pass(time.Minute)
		require.NoError(t, w.cluster.Remove(id))
		pass(2 * time.Minute)
		w.drag(id, "Pending", fakejira.BobID, "")
		return []string{id}
	})
}

// TestMovedWhileNoDaemonRan: the first poll looked at what moved since the
// start only.
func TestMovedWhileNoDaemonRan(t *testing.T) {
	inWorld(t, 10*time.Second, func(_ *testing.T, w *world) []string {
		first := w.start("r0", newBody())
		id := w.request(requester, "x", faketeleport.RequestOptions{PendingTTL: 60 * time.Hour, AccessTTL: 60 * time.Hour})
		pass(time.Minute)
		w.review("rita", id, types.RequestState_DENIED)
		pass(time.Minute)
		first.retire()
		pass(10 * time.Hour)
		w.drag(id, "Approved", fakejira.BobID, "")
		pass(10 * time.Hour)
		w.start("r1", newBody())
		return []string{id}
	})
}

// TestDeadWorkersAnswerToAMoveIsNotRepeated: a worker died after it had written
// what came of a person's move. Whoever took over had not read the issue, noted
// the review alone, and the answer was written again.
func TestDeadWorkersAnswerToAMoveIsNotRepeated(t *testing.T) {
	inWorld(t, 0, func(_ *testing.T, w *world) []string {
		doomed := newBody()
		w.start("r0", doomed)
		pass(time.Second)
		id := w.request(requester, "x", faketeleport.RequestOptions{
			Thresholds: []types.AccessReviewThreshold{{Name: "two", Approve: 2, Deny: 1}},
		})
		pass(time.Second)
		w.poll = 0 // The other one does not find the move by itself.
		w.start("r1", newBody())
		pass(time.Second)
		doomed.mu.Lock()
		doomed.last, doomed.lastOf = "POST /rest/api/2/issue/"+w.issue(id).ID+"/comment", 2
		doomed.mu.Unlock()
		w.drag(id, "Approved", fakejira.BobID, "reason: one of two")
		return []string{id}
	})
}

// TestIssueOfALostCreateWhoseRequestIsGone: the issue stood where no search
// looked, in the backlog or where somebody had dragged it.
func TestIssueOfALostCreateWhoseRequestIsGone(t *testing.T) {
	for _, to := range []string{"", "Pending", "Denied", "Expired"} {
		t.Run("dragged to "+to, func(t *testing.T) {
			inWorldOf(t, fakejira.ServiceDeskWorkflow(), 10*time.Second, func(t *testing.T, w *world) []string {
				w.start("r0", newBody())
				pass(time.Second)
				w.jira.Inject(fakejira.Fault{Method: http.MethodPost, Route: fakejira.RouteIssues, Effect: fakejira.LoseAnswer, Times: 1})
				id := w.request(requester, "x", faketeleport.RequestOptions{})
				pass(2 * time.Second)
				if to != "" {
					w.drag(id, "Pending", fakejira.BobID, "")
				}
				if to != "" && to != "Pending" {
					w.drag(id, to, fakejira.BobID, "")
				}
				require.NoError(t, w.cluster.Remove(id))
				pass(12 * time.Minute) // The resync finds it at the latest.
				require.Equal(t, access.Expired, w.state(id))
				require.Equal(t, "Expired", w.issue(id).Status.Name)
				return []string{id}
			})
		})
	}
}

// TestExpiryAfterTheLastReplicaStopped: a request whose time is up after all
// replicas have stopped was held against them. One that expires while a replica
// runs is shown, whether Teleport tells of it or not.
func TestExpiryAfterTheLastReplicaStopped(t *testing.T) {
	for name, ttl := range map[string]time.Duration{"before": 10 * time.Minute, "as they stop": 16 * time.Minute, "after": 40 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 10*time.Second, func(_ *testing.T, w *world) []string {
				w.start("r0", newBody())
				return []string{w.request(requester, "x", faketeleport.RequestOptions{PendingTTL: ttl})}
			})
		})
	}
}

// TestExpiryThatNoEventTells: the Auth Service was down when the request's time
// was up, and its clean-up tells no watcher. The resync finds it.
func TestExpiryThatNoEventTells(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, fakejira.Cloud, func(_ *fakejira.Options, c *faketeleport.Config) { c.NoDeleteAtExpiry = true })
		defer w.close()
		w.start("r0", newBody())
		id := w.request(requester, "x", faketeleport.RequestOptions{PendingTTL: 5 * time.Minute})
		pass(4 * time.Minute)
		require.Equal(t, "Pending", w.issue(id).Status.Name)
		pass(12 * time.Minute)
		require.Equal(t, "Expired", w.issue(id).Status.Name)
		require.Empty(t, w.faultsOf([]string{id}, func(string) bool { return true }))
	})
}

// TestIssueLabelledForTwoRequests: somebody added another request's label to an
// issue. Data Center's search shows no property, the issue was taken for the
// other request's, and nobody brought it back when it was dragged after its own
// request had gone.
func TestIssueLabelledForTwoRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, fakejira.DataCenter, nil)
		defer w.close()
		w.start("r0", newBody())
		id := w.request(requester, "x", faketeleport.RequestOptions{})
		other := w.request(requester, "y", faketeleport.RequestOptions{})
		pass(time.Minute)
		own := w.issue(id)
		labels := append([]string{"teleport-" + other}, own.Labels...)
		require.NoError(t, w.jira.SetLabels(own.Key, fakejira.CarolID, labels))
		require.NoError(t, w.cluster.Remove(id))
		pass(2 * time.Minute)
		w.drag(id, "Approved", fakejira.BobID, "")
		pass(15 * time.Minute)
		require.Equal(t, "Expired", w.issue(id).Status.Name)
		require.Empty(t, w.faultsOf([]string{id, other}, func(string) bool { return true }))
	})
}
