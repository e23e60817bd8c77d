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

// What is decided in Jira becomes a decision in Teleport.

func TestCardDraggedBecomesAReview(t *testing.T) {
	t.Parallel()
	for status, state := range map[string]types.RequestState{
		"Approved": types.RequestState_APPROVED,
		"Denied":   types.RequestState_DENIED,
	} {
		t.Run(status, func(t *testing.T) {
			onEach(t, func(t *testing.T, kind func(*options)) {
				w := newWorld(t, kind)
				w.start()
				id, issue := w.pending()
				w.says(issue, fakejira.BobID, "reason: talked to the team")
				w.drag(issue, status, fakejira.BobID)
				w.inState(id, state)
				w.said(issue, "This Access Request has been", "talked to the team")

				reviews := w.reviews(id)
				require.Len(t, reviews, 1)
				require.Equal(t, botUser, reviews[0].Author)
				require.Equal(t, state, reviews[0].ProposedState)
				require.Contains(t, reviews[0].Reason, "talked to the team")
				require.Contains(t, reviews[0].Reason, "Bob Brown <bob@example.com>")
				require.Equal(t, status, w.read(issue.ID).Status.Name, "the card stays where it was put")
				require.Equal(t, 1, w.logCount("decision submitted", "request_id="+id, "bob@example.com"))
			})
		})
	}
}

func TestReasonOfAnotherPersonIsNotUsed(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, kind func(*options)) {
		w := newWorld(t, kind)
		w.start()
		id, issue := w.pending()
		w.says(issue, fakejira.CarolID, "reason: forged by carol")
		w.drag(issue, "Denied", fakejira.BobID)
		w.inState(id, types.RequestState_DENIED)
		w.said(issue, "has been denied")
		require.NotContains(t, w.reviews(id)[0].Reason, "forged")
	})
}

func TestReasonMayBeUnderItsHeadingAndTheNewestCounts(t *testing.T) {
	w := newWorld(t)
	w.start()
	id, issue := w.pending()
	w.says(issue, fakejira.BobID, "reason: an older one")
	w.says(issue, fakejira.BobID, "Resolution:\nall is well")
	w.drag(issue, "Approved", fakejira.BobID)
	w.inState(id, types.RequestState_APPROVED)
	require.Contains(t, w.reviews(id)[0].Reason, "all is well")
	require.NotContains(t, w.reviews(id)[0].Reason, "an older one")
}

func TestThresholdOfTwoLeavesTheRequestPending(t *testing.T) {
	w := newWorld(t)
	w.start()
	id, issue := w.halfApproved()
	w.inState(id, types.RequestState_PENDING)
	require.Len(t, w.reviews(id), 1)

	w.review(id, carol, types.RequestState_APPROVED, "")
	w.inState(id, types.RequestState_APPROVED)
	w.inStatus(issue, "Approved")
}

func TestOnBehalfThePersonIsTheReviewer(t *testing.T) {
	w := newWorld(t, func(o *options) { o.cluster.OnBehalf = true })
	w.set("review", "mode", "on_behalf")
	w.set("review.users", fakejira.BobID, bob)
	w.start()
	id, issue := w.pending()

	w.drag(issue, "Approved", fakejira.CarolID)
	w.said(issue, "no Teleport user is known")
	w.inStatus(issue, "Pending")

	w.drag(issue, "Approved", fakejira.BobID)
	w.inState(id, types.RequestState_APPROVED)
	reviews := w.reviews(id)
	require.Len(t, reviews, 1)
	require.Equal(t, bob, reviews[0].Author)
	require.Equal(t, botUser, faketeleport.SubmittedBy(reviews[0]))
}

func TestWithoutAdvancedWorkflowsTheStateIsSetInThePersonsName(t *testing.T) {
	w := newWorld(t, func(o *options) {
		o.cluster.Community = true
		o.roles = []string{faketeleport.RoleAccessPluginWithUpdate}
	})
	w.start()
	id, issue := w.pending()
	w.says(issue, fakejira.BobID, "reason: because")
	w.drag(issue, "Approved", fakejira.BobID)
	req := w.inState(id, types.RequestState_APPROVED)
	require.Contains(t, req.GetResolveReason(), "because")
	w.said(issue, "has been approved")
	var delegators []string
	for _, e := range w.cluster.Audit() {
		if e.Type == faketeleport.AuditUpdate {
			delegators = append(delegators, e.Delegator)
		}
	}
	require.Equal(t, []string{"jira:bob@example.com (account bob)"}, delegators)
	require.Equal(t, 1, w.logCount("review mode chosen", "mode=state"))
}

func TestMoveAfterTheDecisionIsTakenBack(t *testing.T) {
	w := newWorld(t)
	w.start()
	id, issue := w.pending()
	w.review(id, carol, types.RequestState_DENIED, "no")
	w.inStatus(issue, "Denied")
	w.said(issue, "has been denied")
	w.drag(issue, "Approved", fakejira.BobID)
	w.inStatus(issue, "Denied")
	w.said(issue, "already denied")
	w.inState(id, types.RequestState_DENIED)
	require.Len(t, w.reviews(id), 1)
}

func TestExpiredIsNoDecision(t *testing.T) {
	w := newWorld(t)
	w.start()
	id, issue := w.pending()
	w.drag(issue, "Expired", fakejira.BobID)
	w.said(issue, "cannot be asked for")
	w.inStatus(issue, "Pending")
	w.inState(id, types.RequestState_PENDING)
}

func TestLongTermRequestIsApprovedInTeleportOnly(t *testing.T) {
	w := newWorld(t)
	w.start()
	id := w.request(faketeleport.RequestOptions{LongTerm: true})
	issue := w.issue(id)
	w.drag(issue, "Approved", fakejira.BobID)
	w.said(issue, "can be approved in Teleport only, by promoting")
	w.inStatus(issue, "Pending")
	require.NoError(t, w.cluster.Promote(bob, id, "on-call"))
	w.inStatus(issue, "Approved")
}

func TestLongTermRequestIsDeniedInJira(t *testing.T) {
	w := newWorld(t)
	w.start()
	id := w.request(faketeleport.RequestOptions{LongTerm: true})
	issue := w.issue(id)
	w.drag(issue, "Denied", fakejira.BobID)
	w.inState(id, types.RequestState_DENIED)
	w.said(issue, "has been denied")
}

func TestIssueInAnotherProjectDecidesNothing(t *testing.T) {
	w := newWorld(t, func(o *options) {
		other := o.jira.Projects[0]
		other.ID, other.Key, other.Name = "10010", "OPS", "Operations"
		o.jira.Projects = append(o.jira.Projects, other)
	})
	w.start()
	id, issue := w.pending()
	require.NoError(t, w.jira.MoveToProject(issue.ID, fakejira.BobID, "OPS", "Pending"))
	w.drag(issue, "Approved", fakejira.BobID)
	w.said(issue, "OPS is not the one in which this request may be decided, TAR")
	w.inState(id, types.RequestState_PENDING)
}

func TestForeignIssueThatNamesTheRequestDecidesNothing(t *testing.T) {
	w := newWorld(t)
	w.start()
	id, issue := w.pending()
	forged, err := w.jira.CreateIssue(fakejira.CarolID, fakejira.NewIssue{
		Project: "TAR", Summary: "forged", Labels: issue.Labels, Properties: issue.Properties,
	})
	require.NoError(t, err)
	w.drag(forged, "Approved", fakejira.BobID)
	require.NoError(t, w.jira.Settle(t.Context()))
	w.quiet()
	w.inState(id, types.RequestState_PENDING)
	require.Equal(t, "Pending", w.read(issue.ID).Status.Name)
}

func TestDeletedIssueIsSaidOnceAndLeavesTheRequestToTeleport(t *testing.T) {
	w := newWorld(t)
	w.start()
	id, issue := w.pending()
	require.NoError(t, w.jira.Delete(issue.ID, fakejira.BobID))
	w.review(id, bob, types.RequestState_APPROVED, "")
	w.logged("level=WARN", "deleted or no longer visible", "request_id="+id)
	missing := len(w.jira.Calls())
	eventually(t, func(c *assert.CollectT) { // it is read again after seconds: permissions come and go
		reads := 0
		for _, call := range w.jira.Calls()[missing:] {
			if call.Status == http.StatusNotFound {
				reads++
			}
		}
		require.GreaterOrEqual(c, reads, 2)
	})
	require.Len(t, w.jira.Issues(), 1, "no second issue")
	require.Equal(t, 1, w.logCount("deleted or no longer visible"))
	w.ready()
}
