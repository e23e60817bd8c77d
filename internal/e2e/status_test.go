package e2e

import (
	"net/http"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
)

func TestRequestsSettledInTeleportMoveTheirIssues(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		settle func(w *world, id string) error
		status string
		says   []string
	}{
		"approved": {func(w *world, id string) error {
			return w.cluster.SetState("admin", id, types.RequestState_APPROVED, "go ahead")
		}, "Approved", []string{"has been approved", "Reason: go ahead"}},
		"denied": {func(w *world, id string) error {
			return w.cluster.SetState("admin", id, types.RequestState_DENIED, "not today")
		}, "Denied", []string{"has been denied", "Reason: not today"}},
		"promoted": {func(w *world, id string) error {
			return w.cluster.Promote("admin", id, "on-call")
		}, "Approved", []string{"has been promoted to the access list on-call"}},
		"removed": {func(w *world, id string) error {
			return w.cluster.Remove(id)
		}, "Expired", []string{"was removed in Teleport before it expired"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.start()
			id, issue := w.pending()
			require.NoError(t, tc.settle(w, id))
			w.inStatus(issue, tc.status)
			w.said(issue, tc.says...)
			require.Equal(t, 1, w.sayings(issue, "This Access Request"), "one resolution comment")
			require.Equal(t, fakejira.BotID, w.read(issue.ID).Moves()[0].Author)
		})
	}
}

func TestExpiredRequestMovesItsIssue(t *testing.T) {
	w := newWorld(t)
	w.start()
	id := w.request(faketeleport.RequestOptions{PendingTTL: 3 * time.Second})
	issue := w.issue(id)
	w.inStatus(issue, "Expired")
	w.said(issue, "has expired")
	require.Len(t, w.comments(issue), 1)
}

func TestAccessThatEndsLeavesItsIssueApproved(t *testing.T) {
	w := newWorld(t)
	w.start()
	id, issue := w.pending()
	w.review(id, bob, types.RequestState_APPROVED, "")
	w.inStatus(issue, "Approved")
	w.said(issue, "has been approved")
	require.NoError(t, w.cluster.Expire(id))
	w.quiet()
	require.Equal(t, "Approved", w.read(issue.ID).Status.Name)
	require.Equal(t, 1, w.sayings(issue, "has been"))
}

func TestSeveralRequestsGetAnIssueEach(t *testing.T) {
	w := newWorld(t)
	w.start()
	ids := make([]string, 20)
	for i := range ids {
		ids[i] = w.request(faketeleport.RequestOptions{})
	}
	for _, id := range ids {
		w.issue(id)
	}
	w.quiet()
	require.Len(t, w.jira.Issues(), len(ids))
}

// Workflows other than the simple board.

func TestIssueLandingInBacklogIsMovedToPending(t *testing.T) {
	w := newWorld(t, func(o *options) { o.jira.Projects[0].Workflow = fakejira.ServiceDeskWorkflow() })
	w.start()
	_, issue := w.pending()
	require.Equal(t, "Backlog", issue.Moves()[0].From)
}

func TestIssueIsClosedWithTheResolutionThatTheScreenDemands(t *testing.T) {
	w := newWorld(t, func(o *options) { o.jira.Projects[0].Workflow = fakejira.ServiceDeskWorkflow() })
	w.start()
	id, issue := w.pending()
	require.NoError(t, w.cluster.SetState("admin", id, types.RequestState_DENIED, "no"))
	w.inStatus(issue, "Denied")
	require.NotEmpty(t, w.read(issue.ID).Resolution)
}

func TestStepBetweenIsWalked(t *testing.T) {
	w := newWorld(t, func(o *options) {
		flow := &o.jira.Projects[0].Workflow
		flow.Statuses = append(flow.Statuses, fakejira.Status{ID: "10105", Name: "In Review", Category: fakejira.InProgress})
		flow.Transitions = []fakejira.Transition{
			{ID: "11", Name: "Start review", From: []string{"Pending"}, To: "In Review"},
			{ID: "21", Name: "Approve", From: []string{"In Review"}, To: "Approved"},
			{ID: "31", Name: "Deny", From: []string{"In Review"}, To: "Denied"},
			{ID: "41", Name: "Expire", From: []string{"In Review"}, To: "Expired"},
			{ID: "51", Name: "Back", From: []string{"In Review"}, To: "Pending"},
		}
	})
	w.start()
	id, issue := w.pending()
	w.review(id, bob, types.RequestState_APPROVED, "")
	w.inStatus(issue, "Approved")
	w.said(issue, "has been approved")
	moves := w.read(issue.ID).Moves()
	require.Equal(t, "In Review", moves[0].To)
	require.Equal(t, "Approved", moves[1].To)
}

func TestStatusesAreConfiguredByNameIDAndList(t *testing.T) {
	w := newWorld(t, func(o *options) {
		flow := &o.jira.Projects[0].Workflow
		for i, name := range []string{"To Do", "Granted", "Rejected", "Closed"} {
			flow.Statuses[i].Name = name
			flow.Transitions[i].To = name
		}
		flow.Initial = "To Do"
	})
	w.set("jira.statuses", "pending", "to do")
	w.set("jira.statuses", "approved", "10101")
	w.set("jira.statuses", "denied", []string{"Refused", "REJECTED"})
	w.set("jira.statuses", "expired", "Closed")
	w.set("jira.statuses", "promoted", "Granted")
	w.start()
	for end, settle := range map[string]func(id string) error{
		"Granted":  func(id string) error { return w.cluster.SetState("admin", id, types.RequestState_APPROVED, "") },
		"Rejected": func(id string) error { return w.cluster.SetState("admin", id, types.RequestState_DENIED, "") },
		"Closed":   func(id string) error { return w.cluster.Remove(id) },
	} {
		id := w.request(faketeleport.RequestOptions{})
		eventually(t, func(c *assert.CollectT) { require.Len(c, w.issues(id), 1) })
		issue := w.issues(id)[0]
		require.Equal(t, "To Do", issue.Status.Name)
		require.NoError(t, settle(id))
		w.inStatus(issue, end)
	}
}

func TestStatusThatCannotBeReachedIsSaidAndCommentedAnyway(t *testing.T) {
	w := newWorld(t, func(o *options) {
		flow := &o.jira.Projects[0].Workflow
		flow.Transitions[2].Allowed = []string{fakejira.BobID} // to Denied
	})
	w.start()
	id, issue := w.pending()
	require.NoError(t, w.cluster.SetState("admin", id, types.RequestState_DENIED, "no"))
	w.said(issue, "has been denied")
	require.Equal(t, "Pending", w.read(issue.ID).Status.Name)
	w.logged("level=WARN", "no transition", "request_id="+id)
	require.Equal(t, http.StatusOK, w.post(forgery(t, issue.ID, issue.Key, "Pending", "teleport-"+id)))
	eventually(t, func(c *assert.CollectT) {
		require.NotZero(c, w.logCount("level=DEBUG", "no transition", "request_id="+id), "it is tried again")
	})
	require.Equal(t, 1, w.logCount("level=WARN", "no transition", "request_id="+id), "and said once")
	require.Empty(t, w.read(issue.ID).Moves(), "a settled status is no way to another")
}

// expired = [] leaves the card where it is.
func TestStateWithoutAStatusLeavesItsIssueWhereItIs(t *testing.T) {
	w := newWorld(t)
	w.set("jira.statuses", "expired", []string{})
	w.start()
	check := w.run("check", "--config", w.confPath)
	require.Contains(t, check, "none configured: the issue stays where it is")
	require.NotContains(t, check, "jira.statuses.expired")
	id := w.request(faketeleport.RequestOptions{PendingTTL: 3 * time.Second})
	issue := w.issue(id)
	w.said(issue, "has expired")

	removed, other := w.pending()
	require.NoError(t, w.cluster.Remove(removed))
	w.said(other, "was removed in Teleport before it expired")
	w.quiet()
	for _, i := range []fakejira.Issue{issue, other} {
		require.Empty(t, w.read(i.ID).Moves())
		require.Len(t, w.comments(i), 1)
	}

	// The other states move their issues as ever.
	denied, third := w.pending()
	require.NoError(t, w.cluster.SetState("admin", denied, types.RequestState_DENIED, ""))
	w.inStatus(third, "Denied")
}
