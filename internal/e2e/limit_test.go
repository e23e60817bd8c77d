package e2e

import (
	"testing"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
)

// TestSecurityRuleThatAlwaysDragsBackIsLeftAlone: an automation rule moves the
// card whenever it is brought back. A person decides all the same.
func TestSecurityRuleThatAlwaysDragsBackIsLeftAlone(t *testing.T) {
	w := newWorld(t)
	w.start()
	id, issue := w.pending()
	for range 5 {
		w.inStatus(issue, "Pending")
		w.drag(issue, "Approved", fakejira.RobotID)
		w.inStatus(issue, "Pending")
	}
	w.drag(issue, "Approved", fakejira.RobotID)
	w.said(issue, "app and automation accounts", "left where it is")
	require.Equal(t, "Approved", w.read(issue.ID).Status.Name)
	w.drag(issue, "Denied", fakejira.RobotID)
	w.drag(issue, "Approved", fakejira.RobotID)
	require.NoError(t, w.jira.Settle(t.Context()))
	w.quiet()
	require.Equal(t, 6, w.sayings(issue, "decided nothing"))
	w.inState(id, types.RequestState_PENDING)

	w.drag(issue, "Pending", fakejira.BobID)
	w.drag(issue, "Approved", fakejira.BobID)
	w.inState(id, types.RequestState_APPROVED)
}
