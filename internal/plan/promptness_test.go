package plan_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
)

func TestMoveNeedsAReasonAndMayNotBeOld(t *testing.T) {
	const bobs = "approved by b1"
	noReason, tooOld := "refuse no_reason, move pending", "refuse too_old, move pending"
	said := func(by access.Actor, body string, after time.Duration) func(*plan.Policy, *plan.Snapshot) {
		return func(p *plan.Policy, v *plan.Snapshot) {
			p.Review.RequireReason = true
			v.Issue.Comments = append(v.Issue.Comments, access.Comment{Author: by, Body: body, Created: v.Issue.LastChange.At.Add(after)})
		}
	}
	aged := func(age, limit time.Duration) func(*plan.Policy, *plan.Snapshot) {
		return func(p *plan.Policy, v *plan.Snapshot) {
			p.Review.MaxDecisionAge, v.Now = limit, v.Issue.LastChange.At.Add(age)
		}
	}
	day := 24 * time.Hour
	for name, c := range map[string]struct {
		change func(*plan.Policy, *plan.Snapshot)
		want   string
	}{
		"nothing asked for":        {func(*plan.Policy, *plan.Snapshot) {}, bobs},
		"no reason":                {func(p *plan.Policy, _ *plan.Snapshot) { p.Review.RequireReason = true }, noReason},
		"reason after the move":    {said(bob, "reason: on call", time.Second), bobs},
		"long after the move":      {said(bob, "reason: on call", day), bobs},
		"reason with the move":     {said(bob, "reason: on call", 0), bobs},
		"shortly before the move":  {said(bob, "reason: on call", -plan.ReasonLead), bobs},
		"long before the move":     {said(bob, "reason: on call", -plan.ReasonLead-time.Second), noReason},
		"comment without a reason": {said(bob, "fine with me", time.Second), noReason},
		"empty reason":             {said(bob, "reason: \u200b", time.Second), noReason},
		"somebody else's reason":   {said(alice, "reason: on call", time.Second), noReason},
		"at an unknown time":       {said(bob, "reason: on call", -1000*1000*time.Hour), noReason},
		"put into the mover's mouth": {func(p *plan.Policy, v *plan.Snapshot) {
			said(bob, "reason: on call", time.Second)(p, v)
			v.Issue.Comments[0].EditedBy = alice
		}, noReason},
		"corrected by the mover": {func(p *plan.Policy, v *plan.Snapshot) {
			said(bob, "reason: on call", time.Second)(p, v)
			v.Issue.Comments[0].EditedBy = bob
		}, bobs},
		"old reason, then a new one": {func(p *plan.Policy, v *plan.Snapshot) {
			said(bob, "reason: first", -time.Hour)(p, v)
			said(bob, "reason: second", time.Second)(p, v)
		}, bobs},
		"Teleport has the decision already, without a reason": {func(p *plan.Policy, v *plan.Snapshot) {
			p.Review.RequireReason = true
			v.Request.Reviews = []access.Review{{Author: "bot", State: access.Approved, Reason: access.Decision{Issue: access.IssueRef{ID: "10001"}, ChangeID: "77"}.Token()}}
		}, "found approved by b1, comment review/0"},
		"young":                        {aged(day, day), bobs},
		"old, as far as clocks differ": {aged(day+2*time.Minute, day), bobs},
		"old":                          {aged(day+2*time.Minute+time.Second, day), tooOld},
		"old, no limit":                {aged(365*day, 0), bobs},
		"of a clock that is ahead":     {aged(-time.Hour, day), bobs},
		"old, and Teleport has the decision": {func(p *plan.Policy, v *plan.Snapshot) {
			aged(2*day, day)(p, v)
			v.Request.Reviews = []access.Review{{Author: "bot", State: access.Approved, Reason: access.Decision{Issue: access.IssueRef{ID: "10001"}, ChangeID: "77"}.Token()}}
		}, "found approved by b1, comment review/0"},
	} {
		t.Run(name, func(t *testing.T) {
			p, v := settings(), changed(func(*access.Issue) {})
			v.Person = &plan.Person{}
			c.change(&p, &v)
			steps := p.Plan(v)
			require.Equal(t, c.want, brief(steps))
			_, waits := plan.RefusesWithoutReason(steps)
			require.Equal(t, c.want == noReason, waits)
		})
	}
}

// TestOldDenialIsNotPassedOver: Bob denied two days ago, Carol has approved just
// now, and nobody has looked between. The approval does not count for that.
func TestOldDenialIsNotPassedOver(t *testing.T) {
	p := settings()
	p.Review.MaxDecisionAge = 24 * time.Hour
	v := changed(func(i *access.Issue) {
		i.Changes[0].From = denied
		i.Changes[0].By = carol
		i.Created = now.Add(-72 * time.Hour)
		i.Changes = append(i.Changes, access.StatusChange{ID: "76", By: bob, At: now.Add(-48 * time.Hour), From: pending, To: denied, Project: "TAR"})
	})
	v.Request.Created = now.Add(-72 * time.Hour)
	v.Person, v.Deniers = &plan.Person{}, map[string]*plan.Person{"76": {}}
	steps := p.Plan(v)
	require.Equal(t, "refuse too_old, move pending", brief(steps))
	require.Contains(t, texts(steps), "more than 24h before")
	require.Equal(t, "77", steps[0].Then.HandledChange)
}
