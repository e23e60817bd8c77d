package plan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
)

// changed is the snapshot of a pending request whose issue Bob has approved.
func changed(change func(*access.Issue)) plan.Snapshot {
	i := issue(approved, &bob)
	i.RequestID = "r1"
	change(i)
	if len(i.Changes) > 0 {
		i.LastChange = &i.Changes[0]
	}
	return plan.Snapshot{ID: "r1", Request: request(access.Pending), Record: record(), Issue: i, Self: self, Reviewer: "bot", Now: now}
}

func TestHistoryHasToProveADecision(t *testing.T) {
	made := request(access.Pending).Created
	at := func(when time.Time) func(*access.Issue) {
		return func(i *access.Issue) { i.Created, i.Changes[0].At = made.Add(-time.Hour), when }
	}
	const bobs = "approved by b1"
	for name, c := range map[string]struct {
		change func(*access.Issue)
		want   string
	}{
		"as usual":                   {func(*access.Issue) {}, bobs},
		"long before the request":    {at(made.Add(-time.Hour)), "refuse before_request, move pending"},
		"just before, by more":       {at(made.Add(-2*time.Minute - time.Second)), "refuse before_request, move pending"},
		"just before, clocks differ": {at(made.Add(-2 * time.Minute)), bobs},
		"before its issue":           {func(i *access.Issue) { i.Created = i.Changes[0].At.Add(1) }, "refuse before_request, move pending"},
		"with its issue":             {func(i *access.Issue) { i.Created = i.Changes[0].At }, bobs},
		"another request's":          {func(i *access.Issue) { i.RequestID = "r2" }, "refuse other_request"},
		"of no request":              {func(i *access.Issue) { i.RequestID, i.RequestIDInvalid = "", true }, "refuse other_request, move pending"},
		"property absent":            {func(i *access.Issue) { i.RequestID = "" }, bobs},
	} {
		t.Run(name, func(t *testing.T) {
			v := changed(c.change)
			steps := settings().Plan(v)
			require.Equal(t, c.want, brief(steps))
			v.Record = steps[len(steps)-1].Then
			if c.want != bobs {
				require.False(t, answers(settings().Plan(v)), "it is explained once")
				require.Equal(t, strings.Contains(c.want, "move"), len(settings().Plan(v)) > 0, "the card goes back")
			}
		})
	}
}
