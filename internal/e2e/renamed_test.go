package e2e

import (
	"testing"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
)

// What administrators rename keeps its id, and goes on meaning what it did.

func TestProjectWithAnotherKeyGoesOnBeingUsed(t *testing.T) {
	w := newWorld(t)
	w.conf.Drop("log", "severity")
	w.start()
	id, issue := w.pending()
	require.NoError(t, w.jira.RenameProject("TAR", "OPS"))
	w.drag(issue, "Approved", fakejira.BobID)
	w.inState(id, types.RequestState_APPROVED)
	_, later := w.pending()
	require.Equal(t, "OPS", w.read(later.ID).Project)
	w.logged("project has another key now", "new_key=OPS")
	require.Equal(t, 1, w.logCount("project has another key now"))
}

// TestIssueTypeWithAnotherNameGoesOnBeingUsed: new issues are made of it, those
// that there are go on being decided, and a restart says what to change.
func TestIssueTypeWithAnotherNameGoesOnBeingUsed(t *testing.T) {
	w := newWorld(t)
	w.start()
	id, issue := w.pending()
	require.NoError(t, w.jira.RenameIssueType(issue.Type.ID, "Access"))
	_, later := w.pending()
	require.Equal(t, "Access", w.read(later.ID).Type.Name)
	w.drag(issue, "Approved", fakejira.BobID)
	w.inState(id, types.RequestState_APPROVED)
	require.Zero(t, w.logCount("level=ERROR"))
	w.stop()
	w.launch()
	require.Equal(t, 1, w.exit())
	w.logged("issue type", "not among those that can be created", "Access", "jira.issue_type")
}

// TestProjectThatTookAConfiguredKeyDecidesNothing: the key alone says nothing.
func TestProjectThatTookAConfiguredKeyDecidesNothing(t *testing.T) {
	w := newWorld(t, func(o *options) {
		other := o.jira.Projects[0]
		other.ID, other.Key, other.Name = "10010", "EVIL", "Somebody else's"
		o.jira.Projects = append(o.jira.Projects, other)
	})
	w.start()
	id, issue := w.pending()
	require.NoError(t, w.jira.RenameProject("TAR", "OPS"))
	require.NoError(t, w.jira.RenameProject("EVIL", "TAR"))
	require.NoError(t, w.jira.MoveToProject(issue.ID, fakejira.BobID, "TAR", "Pending"))
	w.drag(issue, "Approved", fakejira.BobID)
	w.said(issue, "is not the one in which this request may be decided")
	w.inState(id, types.RequestState_PENDING)
}

func TestRenamedStatusesGoOnMeaningWhatTheyDid(t *testing.T) {
	w := newWorld(t)
	w.conf.Drop("log", "severity")
	w.start()
	id, issue := w.pending()
	later, other := w.pending()
	require.NoError(t, w.jira.RenameStatus("Approved", "Freigegeben"))
	require.NoError(t, w.jira.RenameStatus("Pending", "Wartet"))
	w.drag(issue, "Freigegeben", fakejira.BobID)
	w.inState(id, types.RequestState_APPROVED)
	w.logged("status has another name now", "name=Approved", "new_name=Freigegeben")
	w.drag(other, "Expired", fakejira.BobID)
	w.said(other, "cannot be asked for")
	w.inStatus(other, "Wartet")
	w.review(later, bob, types.RequestState_APPROVED, "")
	w.inStatus(other, "Freigegeben")
}

// TestStatusThatTookADecisiveNameDecidesNothing: the name of Approved is given to
// the status that people drag cards into to look at them.
func TestStatusThatTookADecisiveNameDecidesNothing(t *testing.T) {
	w := newWorld(t, func(o *options) {
		flow := &o.jira.Projects[0].Workflow
		flow.Statuses = append(flow.Statuses, fakejira.Status{ID: "10105", Name: "In Review", Category: fakejira.InProgress})
		flow.Transitions = append(flow.Transitions, fakejira.Transition{ID: "51", Name: "Look at it", To: "In Review"})
	})
	w.start()
	id, issue := w.pending()
	require.NoError(t, w.jira.RenameStatus("Approved", "Done"))
	require.NoError(t, w.jira.RenameStatus("In Review", "Approved"))
	w.drag(issue, "Approved", fakejira.BobID)
	w.quiet()
	w.inState(id, types.RequestState_PENDING)
	w.drag(issue, "Done", fakejira.BobID)
	w.inState(id, types.RequestState_APPROVED)
}
