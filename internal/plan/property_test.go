package plan_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
)

// TestApplyingAPlanLeavesNone: whatever is found, doing what the plan says
// leads to a state in which nothing is left to do, and no decision is
// submitted twice.
func TestApplyingAPlanLeavesNone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := settings()
		v := drawView(t)
		decided := map[string]bool{}
		for round := range 5 {
			steps := s.Plan(v)
			if len(steps) == 0 {
				return
			}
			for len(steps) > 0 {
				step := steps[0]
				steps = steps[1:]
				if d, ok := step.Do.(plan.Decide); ok {
					require.False(t, decided[d.Decision.ChangeID], "decided twice")
					decided[d.Decision.ChangeID] = true
					out := drawOutcome(t, &v, d.Decision)
					v.Record = step.Then
					steps = s.AfterDecision(v, d.Decision, out)
					continue
				}
				act(&v, step)
			}
			require.Less(t, round, 4, "does not come to rest: %s", brief(s.Plan(v)))
		}
	})
}

func act(v *plan.Snapshot, step plan.Step) {
	switch do := step.Do.(type) {
	case plan.CreateIssue:
		v.Issue = issue(backlog, nil)
		step.Then.IssueID, step.Then.IssueKey = "10001", "TAR-1"
	case plan.Transition:
		to := map[access.State]access.Status{
			access.Pending: pending, access.Approved: approved, access.Denied: denied,
			access.Expired: expired, access.Promoted: approved,
		}[do.To]
		if v.Issue == nil {
			v.Issue = issue(backlog, nil)
		}
		v.Issue.Status, v.Issue.LastChange = to, &access.StatusChange{ID: "own", By: self, To: to, Project: "TAR"}
	}
	if restore, ok := step.Do.(plan.RestoreText); ok {
		v.TextLeft = restore.Edit
	}
	v.Record = step.Then
}

func drawView(t *rapid.T) plan.Snapshot {
	v := plan.Snapshot{ID: "r1", Self: self, Reviewer: "bot", Now: now, Person: &plan.Person{}}
	states := []access.State{access.Pending, access.Approved, access.Denied, access.Promoted}
	if rapid.Bool().Draw(t, "there") {
		v.Request = request(rapid.SampledFrom(states).Draw(t, "state"))
		v.Request.LongTerm = rapid.Bool().Draw(t, "long-term")
		for range rapid.IntRange(0, 3).Draw(t, "reviews") {
			v.Request.Reviews = append(v.Request.Reviews, access.Review{Author: "x", State: access.Approved})
		}
	}
	if rapid.Bool().Draw(t, "recorded") {
		v.Record = record()
		v.Record.ReviewsCount = rapid.IntRange(0, 3).Draw(t, "commented")
		v.Record.Resolution = rapid.SampledFrom(append(states[1:], "", access.Expired)).Draw(t, "resolution")
		v.Record.HandledChange = rapid.SampledFrom([]string{"", "77"}).Draw(t, "handled")
		status := rapid.SampledFrom([]access.Status{pending, approved, denied, expired, backlog}).Draw(t, "status")
		by := rapid.SampledFrom([]*access.Actor{nil, &self, &alice, &bob, {ID: "app", Type: access.AccountApp}}).Draw(t, "by")
		v.Issue = issue(status, by)
		v.Issue.Project = rapid.SampledFrom([]string{"TAR", "ELSE"}).Draw(t, "project")
		v.Record.Refusals = rapid.SampledFrom([]int{0, 4, 5, 6, 30}).Draw(t, "refusals")
		if rapid.Bool().Draw(t, "edited") {
			v.Issue.TextEdits = []access.TextEdit{{ID: "50", By: alice}}
			v.Record.TextConfirmed = rapid.SampledFrom([]string{"", "50"}).Draw(t, "explained")
		}
	}
	return v
}

func drawOutcome(t *rapid.T, v *plan.Snapshot, d access.Decision) access.Outcome {
	out := access.Outcome{Result: rapid.SampledFrom([]access.Result{
		access.Submitted, access.AlreadyReviewed, access.AlreadySettled, access.NotAllowed,
	}).Draw(t, "verdict")}
	req := *v.Request
	switch out.Result {
	case access.Submitted:
		req.Reviews = append(req.Reviews[:len(req.Reviews):len(req.Reviews)], access.Review{Author: "bot", State: d.State, Reason: d.Token()})
		if rapid.Bool().Draw(t, "settles") {
			req.State = d.State
		}
		out.Request = &req
	case access.AlreadySettled:
		req.State = access.Denied
	}
	v.Request = &req
	return out
}
