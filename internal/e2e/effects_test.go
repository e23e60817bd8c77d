package e2e

import (
	"net/http"
	"testing"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
)

// TestCommentThatJiraCannotStoreStopsNothing: Jira's database fails on a
// character of a review's reason, and the next person decides all the same.
func TestCommentThatJiraCannotStoreStopsNothing(t *testing.T) {
	w := newWorld(t, func(o *options) { o.jira.NarrowText = true })
	w.start()
	id := w.request(faketeleport.RequestOptions{Thresholds: []types.AccessReviewThreshold{{Approve: 2, Deny: 1}}})
	issue := w.issue(id)
	w.review(id, carol, types.RequestState_APPROVED, "go \U0001F44D")
	w.drag(issue, "Approved", fakejira.BobID)
	w.inState(id, types.RequestState_APPROVED)
	w.inStatus(issue, "Approved")
	w.said(issue, "has been approved by Bob Brown")
	w.said(issue, carol+" reviewed this request", "go \uFFFD")
	w.quiet()
	require.Equal(t, 1, w.sayings(issue, carol+" reviewed this request"), "once")
	require.Equal(t, 1, w.sayings(issue, "has been approved"), "once")
}

func TestCommentsCarryAnyCharacterThatJiraStores(t *testing.T) {
	w := newWorld(t)
	w.start()
	id, issue := w.pending()
	w.review(id, bob, types.RequestState_APPROVED, "go \U0001F44D")
	w.inStatus(issue, "Approved")
	w.said(issue, "has been approved by "+bob, "go \U0001F44D")
}

// TestTransitionScreenThatAsksForAFieldIsSaidOnTheIssue: what the screen asks
// for is not the daemon's to choose.
func TestTransitionScreenThatAsksForAFieldIsSaidOnTheIssue(t *testing.T) {
	w := newWorld(t, func(o *options) {
		o.jira.Projects[0].Workflow.Transitions[1].Required = []string{"assignee"} // to Approved
	})
	w.start()
	id, issue := w.pending()
	w.review(id, bob, types.RequestState_APPROVED, "fine")
	w.said(issue, "has been approved by "+bob, "could not be moved", "assignee")
	w.logged("level=WARN", "issue cannot be moved", "assignee", "request_id="+id)
	w.quiet()
	require.Equal(t, "Pending", w.read(issue.ID).Status.Name)
	require.Equal(t, 1, w.logCount("level=WARN", "issue cannot be moved"), "once")
}

// TestTransitionThatJiraOnlyClaimsIsSaidOnTheIssue: it is made anew, and where Jira
// goes on claiming it, the issue says so.
func TestTransitionThatJiraOnlyClaimsIsSaidOnTheIssue(t *testing.T) {
	w := newWorld(t)
	w.start()
	claims := func(times int) (stop func()) {
		return w.jira.Inject(fakejira.Fault{
			Method: http.MethodPost, Route: fakejira.RouteTransitions, Times: times, Effect: fakejira.Respond, Status: http.StatusNoContent,
		})
	}
	id, issue := w.pending()
	claims(1)
	w.review(id, bob, types.RequestState_APPROVED, "fine")
	w.inStatus(issue, "Approved")
	w.said(issue, "has been approved")

	id, issue = w.pending()
	stop := claims(1000)
	w.review(id, bob, types.RequestState_APPROVED, "fine")
	eventually(t, func(c *assert.CollectT) {
		require.Equal(c, 1, w.sayings(issue, "has been approved", "could not be moved", "and it was not"))
	})
	w.logged("level=WARN", "issue cannot be moved", "request_id="+id)
	require.Equal(t, "Pending", w.read(issue.ID).Status.Name)
	require.Zero(t, w.logCount("issue moved", "request_id="+id))
	stop()
	w.inStatus(issue, "Approved")
}

// TestCreateScreenWithoutDescription: what is requested is in the first comment,
// as check says.
func TestCreateScreenWithoutDescription(t *testing.T) {
	w := newWorld(t, func(o *options) { o.jira.Projects[0].OffScreen = []string{"description", "labels"} })
	w.start()
	id, issue := w.pending()
	w.said(issue, "*User:* ", id)
	w.review(id, bob, types.RequestState_APPROVED, "fine")
	w.inStatus(issue, "Approved")
	w.logged("level=WARN", "description in TAR", "goes into the first comment")
}

// TestIssueInvisibleForAMoment: the account's permission is lost and regained
// around a move, and while a request is settled.
func TestIssueInvisibleForAMoment(t *testing.T) {
	w := newWorld(t)
	w.start()
	id, issue := w.pending()
	show := w.jira.Inject(fakejira.Fault{Method: http.MethodGet, Route: fakejira.RouteIssue, Effect: fakejira.Respond, Status: http.StatusNotFound})
	w.drag(issue, "Approved", fakejira.BobID)
	w.logged("no longer visible", "request_id="+id)
	show()
	w.inState(id, types.RequestState_APPROVED)

	id, issue = w.pending()
	show = w.jira.Inject(fakejira.Fault{Method: http.MethodGet, Route: fakejira.RouteIssue, Effect: fakejira.Respond, Status: http.StatusNotFound})
	w.review(id, bob, types.RequestState_DENIED, "no")
	w.logged("no longer visible", "request_id="+id)
	show()
	w.says(issue, fakejira.BobID, "is anybody there?")
	w.inStatus(issue, "Denied")
	w.said(issue, "has been denied")
}
