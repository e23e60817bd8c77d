package e2e

import (
	"testing"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
)

// TestSecurityCommentThatCanNotBeInternalIsWrittenOnceAndTold: the issue was
// moved to where Jira makes every comment public.
func TestSecurityCommentThatCanNotBeInternalIsWrittenOnceAndTold(t *testing.T) {
	w := newWorld(t, func(o *options) {
		o.jira.Projects[0].Type = "service_desk"
		other := o.jira.Projects[0]
		other.ID, other.Key, other.Name, other.Type = "10010", "OPS", "Operations", "software"
		o.jira.Projects = append(o.jira.Projects, other)
	})
	w.set("jira.issue", "comment_visibility", "internal")
	w.start()
	id, issue := w.pending()
	require.NoError(t, w.jira.MoveToProject(issue.ID, fakejira.BobID, "OPS", "Pending"))
	w.review(id, bob, types.RequestState_DENIED, "no")
	w.inStatus(issue, "Denied")
	w.said(issue, "has been denied by "+bob)
	require.NotZero(t, w.logCount("level=ERROR", "the comment is not internal", "request_id="+id))
}

func TestInternalNotesOfAServiceDesk(t *testing.T) {
	w := newWorld(t, func(o *options) {
		o.jira.Projects[0].Type = "service_desk"
		o.jira.Projects[0].Workflow = fakejira.ServiceDeskWorkflow()
	})
	w.set("jira.issue", "comment_visibility", "internal")
	w.start()
	id, issue := w.pending()
	w.review(id, bob, types.RequestState_APPROVED, "between us")
	w.said(issue, "has been approved")
	for _, c := range w.read(issue.ID).Comments {
		require.True(t, c.Internal, c.Body)
	}
}

func TestReviewsInTeleportBecomeComments(t *testing.T) {
	w := newWorld(t)
	w.start()
	id := w.request(faketeleport.RequestOptions{
		Thresholds: []types.AccessReviewThreshold{{Approve: 2, Deny: 1}},
	})
	issue := w.issue(id)
	w.review(id, bob, types.RequestState_APPROVED, "first of two")
	w.said(issue, bob+" reviewed this request", "Resolution: approved", "first of two")
	require.Equal(t, "Pending", w.read(issue.ID).Status.Name, "one of two is not enough")

	w.review(id, carol, types.RequestState_APPROVED, "second of two")
	w.inStatus(issue, "Approved")
	w.said(issue, "has been approved by "+carol, "Reason: second of two")
	require.Len(t, w.comments(issue), 2)
}
