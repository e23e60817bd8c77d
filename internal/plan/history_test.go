package plan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
)

var carol = access.Actor{ID: "c1", Email: "carol@example.com", DisplayName: "Carol", Type: access.AccountPerson, Active: true}

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
	more := func(changes ...access.StatusChange) func(*access.Issue) {
		return func(i *access.Issue) { i.Changes = append(i.Changes, changes...) }
	}
	earlier := func(id string, by access.Actor, from, to access.Status) access.StatusChange {
		return access.StatusChange{ID: id, By: by, At: now.Add(-2 * time.Minute), From: from, To: to, Project: "TAR"}
	}
	named := func(then string, since time.Duration) func(*access.Issue) {
		return func(i *access.Issue) {
			i.Changes[0].To.Name = then
			if since != 0 {
				i.StatusNameSince = i.Changes[0].At.Add(-since)
			}
		}
	}
	untimed := earlier("76", carol, pending, denied)
	untimed.At = time.Time{}
	const bobs = "approved by b1"
	for name, c := range map[string]struct {
		change func(*access.Issue)
		want   string
	}{
		"as usual":                       {func(*access.Issue) {}, bobs},
		"long before the request":        {at(made.Add(-time.Hour)), "refuse before_request, move pending"},
		"just before, by more":           {at(made.Add(-2*time.Minute - time.Second)), "refuse before_request, move pending"},
		"just before, clocks differ":     {at(made.Add(-2 * time.Minute)), bobs},
		"before its issue":               {func(i *access.Issue) { i.Created = i.Changes[0].At.Add(1) }, "refuse before_request, move pending"},
		"with its issue":                 {func(i *access.Issue) { i.Created = i.Changes[0].At }, bobs},
		"another request's":              {func(i *access.Issue) { i.RequestID = "r2" }, "refuse other_request"},
		"of no request":                  {func(i *access.Issue) { i.RequestID, i.RequestIDInvalid = "", true }, "refuse other_request, move pending"},
		"type changed as well":           {func(i *access.Issue) { i.Changes[0].TypeChanged = true }, "refuse type_changed, move pending"},
		"renamed since":                  {named("In Review", 0), "refuse status_renamed, move pending"},
		"renamed, seen only after":       {named("In Review", -time.Second), "refuse status_renamed, move pending"},
		"renamed, seen when clocks vary": {named("In Review", 2*time.Minute), "refuse status_renamed, move pending"},
		"translated, seen long before":   {named("Genehmigt", time.Hour), bobs},
		"another state's name then":      {named("expired", time.Hour), "refuse status_renamed, move pending"},
		"in other letters":               {named("APPROVED", 0), bobs},
		"chain":                          {more(earlier("76", carol, denied, pending), earlier("75", carol, pending, denied)), bobs},
		"gap":                            {more(earlier("76", carol, pending, denied)), "refuse history_unclear, move pending"},
		"gap before the daemon's own":    {more(earlier("76", self, denied, pending), earlier("75", carol, pending, approved)), bobs},
		"gap beside the daemon's own":    {more(earlier("76", self, pending, denied)), "refuse history_unclear, move pending"},
		"change without a time":          {more(untimed), "refuse history_unclear, move pending"},
		"own without a time":             {func(i *access.Issue) { i.Changes[0].At = time.Time{} }, "refuse before_request, move pending"},
		"old change without a time":      {more(earlier("760", self, denied, pending), untimed), bobs},
		"cut":                            {func(i *access.Issue) { i.HistoryFault = access.HistoryCut }, "refuse history_unclear, move pending"},
		"cut before the daemon's own": {func(i *access.Issue) {
			i.HistoryFault = access.HistoryCut
			more(earlier("76", self, denied, pending))(i)
		}, bobs},
		"property absent": {func(i *access.Issue) { i.RequestID = "" }, bobs},
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
