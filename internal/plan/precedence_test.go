package plan_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
)

// TestDenialWinsOverALaterApproval: several people moved the card before the
// daemon looked. Changes are written newest first.
func TestDenialWinsOverALaterApproval(t *testing.T) {
	var (
		dave    = access.Actor{ID: "d1", Email: "dave@example.com", Type: access.AccountPerson, Active: true}
		granted = access.Status{ID: "6", Name: "Granted"}
	)
	type move struct {
		by       access.Actor
		from, to access.Status
	}
	for name, c := range map[string]struct {
		moves   []move
		handled string // the change of the number has been answered
		want    string
	}{
		"approval alone":                    {[]move{{bob, pending, approved}}, "", "approved by b1"},
		"denied by another before":          {[]move{{bob, denied, approved}, {carol, pending, denied}}, "", "denied by c1"},
		"denied, put back by another":       {[]move{{bob, pending, approved}, {bob, denied, pending}, {carol, pending, denied}}, "", "denied by c1"},
		"denied by the same before":         {[]move{{bob, denied, approved}, {bob, pending, denied}}, "", "approved by b1"},
		"denied and taken back":             {[]move{{bob, pending, approved}, {carol, denied, pending}, {carol, pending, denied}}, "", "approved by b1"},
		"denied by who may not":             {[]move{{bob, denied, approved}, {dave, pending, denied}}, "", "approved by b1"},
		"denials by who may not, and may":   {[]move{{bob, pending, approved}, {dave, denied, pending}, {dave, pending, denied}, {dave, denied, pending}, {carol, pending, denied}}, "", "denied by c1"},
		"denial answered":                   {[]move{{bob, denied, approved}, {carol, pending, denied}}, "2", "approved by b1"},
		"denied before the daemon's own":    {[]move{{bob, pending, approved}, {self, denied, pending}, {carol, pending, denied}}, "", "approved by b1"},
		"approval by who may not":           {[]move{{dave, denied, approved}, {carol, pending, denied}}, "", "denied by c1"},
		"approved, then denied":             {[]move{{carol, approved, denied}, {bob, pending, approved}}, "", "denied by c1"},
		"on to another approved status":     {[]move{{dave, granted, approved}, {bob, pending, granted}}, "", "approved by b1"},
		"on to another, the first answered": {[]move{{carol, granted, approved}, {bob, pending, granted}}, "2", "refuse same_state, move pending"},
		"on by who may, first by who not":   {[]move{{bob, granted, approved}, {dave, pending, granted}}, "", "refuse not_approver, move pending"},
	} {
		t.Run(name, func(t *testing.T) {
			s := settings()
			s.Statuses[access.Approved] = []string{"Approved", "Granted"}
			s.Review.Approvers = []string{bob.ID, carol.ID}
			v := changed(func(i *access.Issue) {
				i.Changes, i.Status = nil, c.moves[0].to
				for n, m := range c.moves {
					i.Changes = append(i.Changes, access.StatusChange{
						ID: string(rune('1' + n)), By: m.by, From: m.from, To: m.to, Project: "TAR",
						At: now.Add(-time.Duration(n+1) * time.Minute),
					})
				}
			})
			v.Record.HandledChange = c.handled
			v.Person = &plan.Person{}
			for _, change := range s.NeedsDeniers(v) {
				if v.Deniers == nil {
					v.Deniers = map[string]*plan.Person{}
				}
				v.Deniers[change.ID] = &plan.Person{}
			}
			steps := s.Plan(v)
			require.Equal(t, c.want, brief(steps))
			if d, ok := steps[0].Do.(plan.Decide); ok {
				after := *v.Request
				steps = s.AfterDecision(v, d.Decision, access.Outcome{Result: access.Submitted, Request: &after})
				require.Contains(t, texts(steps), d.Decision.By.Email)
			}
			v.Record = steps[len(steps)-1].Then
			require.Equal(t, "1", v.Record.HandledChange, "all of them are answered")
			require.False(t, answers(s.Plan(v)))
		})
	}
}
