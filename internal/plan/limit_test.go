package plan_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
)

// TestRuleThatAlwaysDragsBackIsLeftAlone: five refusals, one comment that the
// issue stays, and then nothing until a person moves it.
func TestRuleThatAlwaysDragsBackIsLeftAlone(t *testing.T) {
	rule := access.Actor{ID: "rule", Type: access.AccountApp, Active: true}
	v := edited()
	s := settings()
	s.Review.Approvers = []string{"b1"}
	move := func(n int, by access.Actor) string {
		if len(v.Issue.Changes) > 0 { // by whoever brought it back
			back := access.StatusChange{ID: fmt.Sprint(100 + 2*n), By: self, At: now, From: approved, To: pending, Project: "TAR"}
			v.Issue.Changes = append([]access.StatusChange{back}, v.Issue.Changes...)
		}
		change := access.StatusChange{ID: fmt.Sprint(101 + 2*n), By: by, At: now, From: pending, To: approved, Project: "TAR"}
		v.Issue.Status, v.Issue.LastChange = approved, &change
		v.Issue.Changes = append([]access.StatusChange{change}, v.Issue.Changes...)
		steps := s.Plan(v)
		did, said := brief(steps), texts(steps)
		if len(steps) > 0 {
			v.Record = steps[len(steps)-1].Then
		}
		require.Equal(t, n == 6, len(said) > 0 && v.Record.Refusals == 6 && did == "refuse app_account", "%d: %s", n, said)
		return did
	}
	for n := 1; n <= 5; n++ {
		require.Equal(t, "refuse app_account, move pending", move(n, rule), n)
	}
	require.Equal(t, "refuse app_account", move(6, rule), "it stays, and is told")
	require.Empty(t, brief(s.Plan(v)), "nothing more")
	for n := 7; n < 10; n++ {
		require.Equal(t, "note", move(n, rule), n)
	}
	carol := access.Actor{ID: "c1", Type: access.AccountPerson, Active: true}
	require.Equal(t, "refuse not_approver, move pending", move(10, carol), "a person is answered")
	require.Equal(t, "note", move(11, rule))
	require.Equal(t, "approved by b1", move(12, bob), "and who may decide decides")
	d := s.Plan(v)[0].Do.(plan.Decide).Decision
	steps := s.AfterDecision(v, d, access.Outcome{Result: access.Submitted, Request: request(access.Pending)})
	require.Zero(t, steps[len(steps)-1].Then.Refusals, "it starts anew")
}
