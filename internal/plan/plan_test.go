package plan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
)

var (
	self  = access.Actor{ID: "bot", DisplayName: "Bot", Type: access.AccountPerson, Active: true}
	alice = access.Actor{ID: "a1", Email: "alice@example.com", DisplayName: "Alice", Type: access.AccountPerson, Active: true}
	bob   = access.Actor{ID: "b1", Email: "bob@example.com", DisplayName: "Bob", Type: access.AccountPerson, Active: true}

	now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

	pending  = access.Status{ID: "1", Name: "Pending"}
	approved = access.Status{ID: "2", Name: "Approved"}
	denied   = access.Status{ID: "3", Name: "Denied"}
	expired  = access.Status{ID: "4", Name: "Expired"}
	backlog  = access.Status{ID: "5", Name: "Backlog"}
)

func settings() plan.Settings {
	return plan.Settings{
		Statuses: plan.Statuses{
			access.Pending:  {"Pending"},
			access.Approved: {"Approved"},
			access.Denied:   {"3"},
			access.Expired:  {"expired"},
			access.Promoted: {"Approved"},
		},
		Default: plan.Route{Project: "TAR", IssueType: "Task"},
		Rules:   plan.Rules{Mode: access.ModeReview},
	}
}

func request(state access.State) *access.Request {
	return &access.Request{
		ID: "r1", User: "alice@example.com", Roles: []string{"editor"}, State: state,
		Created: now.Add(-time.Hour), Expires: now.Add(time.Hour),
		Thresholds: []access.Threshold{{Approve: 1, Deny: 1}},
	}
}

func record() access.Record {
	rec := plan.Describe(access.Record{}, request(access.Pending))
	rec.IssueID, rec.IssueKey = "10001", "TAR-1"
	return rec
}

func issue(status access.Status, by *access.Actor) *access.Issue {
	i := &access.Issue{Ref: access.IssueRef{ID: "10001", Key: "TAR-1"}, Project: "TAR", Status: status}
	if by != nil {
		i.LastMove = &access.Move{ID: "77", By: *by, From: pending, To: status, Project: "TAR"}
	}
	return i
}

// brief tells the steps in a few words, for tables.
func brief(steps []plan.Step) string {
	var words []string
	for _, s := range steps {
		switch do := s.Do.(type) {
		case plan.CreateIssue:
			words = append(words, "create "+do.Draft.Project)
		case plan.Comment:
			words = append(words, "comment "+do.Notice.Mark)
		case plan.Move:
			words = append(words, "move "+string(do.To))
		case plan.Decide:
			found := map[bool]string{true: "found "}[do.Found]
			words = append(words, found+string(do.Decision.Verdict)+" by "+do.Decision.By.ID)
		case plan.Refuse:
			words = append(words, "refuse "+string(do.Why))
		case plan.Note:
			words = append(words, "note")
		}
	}
	return strings.Join(words, ", ")
}

func TestPlan(t *testing.T) {
	reviewed := request(access.Approved)
	reviewed.Reviews = []access.Review{{Author: "bob", State: access.Approved}}
	resolved := record()
	resolved.Resolution = access.Approved
	later := request(access.Pending)
	later.Expires = later.Expires.Add(time.Hour)
	handled := record()
	handled.HandledMove = "77"

	for name, c := range map[string]struct {
		view plan.View
		want string
	}{
		"new request":                         {plan.View{Request: request(access.Pending)}, "create TAR"},
		"first seen settled":                  {plan.View{Request: request(access.Approved)}, ""},
		"gone and never seen":                 {plan.View{}, ""},
		"leftover without issue":              {plan.View{Request: request(access.Pending), Record: access.Record{User: "alice"}}, "create TAR"},
		"leftover, settled since":             {plan.View{Request: request(access.Denied), Record: access.Record{User: "alice"}}, "create TAR"},
		"leftover, gone since":                {plan.View{Record: access.Record{User: "alice"}}, ""},
		"in step":                             {plan.View{Request: request(access.Pending), Record: record(), Issue: issue(pending, nil)}, ""},
		"expiry has changed":                  {plan.View{Request: later, Record: record()}, "note"},
		"issue not read":                      {plan.View{Request: request(access.Pending), Record: record()}, ""},
		"issue gone":                          {plan.View{Request: request(access.Denied), Record: record(), IssueGone: true}, ""},
		"born in the backlog":                 {plan.View{Request: request(access.Pending), Record: record(), Issue: issue(backlog, nil)}, "move pending"},
		"born approved":                       {plan.View{Request: request(access.Pending), Record: record(), Issue: issue(approved, nil)}, "refuse unseen_change, move pending"},
		"walk to pending cut short":           {plan.View{Request: request(access.Pending), Record: record(), Issue: issue(backlog, &self)}, "move pending"},
		"moved to an unknown status":          {plan.View{Request: request(access.Pending), Record: record(), Issue: issue(backlog, &bob)}, ""},
		"moved to expired by hand":            {plan.View{Request: request(access.Pending), Record: record(), Issue: issue(expired, &bob)}, "refuse not_a_decision, move pending"},
		"approved by a person":                {plan.View{Request: request(access.Pending), Record: record(), Issue: issue(approved, &bob)}, "approved by b1"},
		"denied by a person":                  {plan.View{Request: request(access.Pending), Record: record(), Issue: issue(denied, &bob)}, "denied by b1"},
		"approved by ourselves":               {plan.View{Request: request(access.Pending), Record: record(), Issue: issue(approved, &self)}, ""},
		"answered before":                     {plan.View{Request: request(access.Pending), Record: handled, Issue: issue(approved, &bob)}, "move pending"},
		"approved in teleport":                {plan.View{Request: reviewed, Record: record()}, "comment review/0, move approved, comment resolution/approved"},
		"approved, card already there":        {plan.View{Request: request(access.Approved), Record: record(), Issue: issue(approved, &bob)}, "comment resolution/approved"},
		"promoted":                            {plan.View{Request: request(access.Promoted), Record: record()}, "move promoted, comment resolution/promoted"},
		"denied after approval":               {plan.View{Request: request(access.Denied), Record: resolved}, "move denied, comment resolution/denied"},
		"approved here while denied there":    {plan.View{Request: request(access.Denied), Record: record(), Issue: issue(approved, &bob)}, "refuse already_settled, move denied, comment resolution/denied"},
		"moved after it was settled":          {plan.View{Request: request(access.Approved), Record: resolved, Issue: issue(denied, &bob)}, "refuse already_settled, move approved"},
		"moved back after it was settled":     {plan.View{Request: request(access.Approved), Record: resolved, Issue: issue(pending, &bob)}, "refuse already_settled, move approved"},
		"filed away after it was settled":     {plan.View{Request: request(access.Approved), Record: resolved, Issue: issue(backlog, &bob)}, ""},
		"expired":                             {plan.View{Record: record()}, "move expired, comment resolution/expired"},
		"access ended after it was approved":  {plan.View{Record: resolved}, ""},
		"moved after its access ended":        {plan.View{Record: resolved, Issue: issue(denied, &bob)}, "refuse already_settled, move approved"},
		"approved by hand when it is gone":    {plan.View{Record: record(), Issue: issue(approved, &bob)}, "refuse already_settled, move expired, comment resolution/expired"},
		"settled, and moved to pending early": {plan.View{Request: request(access.Approved), Record: record(), Issue: issue(pending, &bob)}, "move approved, comment resolution/approved"},
	} {
		t.Run(name, func(t *testing.T) {
			c.view.ID, c.view.Self, c.view.Reviewer, c.view.Now = "r1", self, "bot", now
			require.Equal(t, c.want, brief(settings().Plan(c.view)))
		})
	}
}

func TestPlanOrphan(t *testing.T) {
	for name, c := range map[string]struct {
		view plan.View
		want string
	}{
		"still open":             {plan.View{Issue: issue(pending, nil)}, "comment resolution/expired, move expired"},
		"record without issue":   {plan.View{Issue: issue(pending, nil), Record: access.Record{User: "alice"}}, "note"},
		"moved to pending":       {plan.View{Issue: issue(pending, &self)}, "comment resolution/expired, move expired"},
		"born in the backlog":    {plan.View{Issue: issue(backlog, nil)}, "comment resolution/expired, move expired"},
		"reopened by hand":       {plan.View{Issue: issue(pending, &bob), Reported: access.Denied}, "move denied"},
		"filed away":             {plan.View{Issue: issue(backlog, &bob)}, ""},
		"closed already":         {plan.View{Issue: issue(expired, &self)}, ""},
		"request is there again": {plan.View{Issue: issue(pending, nil), Request: request(access.Pending)}, ""},
		"issue is gone":          {plan.View{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c.view.ID, c.view.Self, c.view.Reviewer, c.view.Now = "r1", self, "bot", now
			require.Equal(t, c.want, brief(settings().PlanOrphan(c.view)))
		})
	}
}

func TestRemovedOrExpired(t *testing.T) {
	text := func(rec access.Record, at time.Time) string {
		steps := settings().Plan(plan.View{ID: "r1", Record: rec, Self: self, Now: at})
		return steps[len(steps)-1].Do.(plan.Comment).Notice.Text
	}
	rec := record()
	require.Contains(t, text(rec, rec.Expires.Add(-3*time.Minute)), "removed")
	require.Contains(t, text(rec, rec.Expires.Add(-time.Minute)), "expired. It", "clocks differ a little")
	require.Contains(t, text(rec, rec.Expires.Add(time.Second)), "expired. It")
	rec.Expires = time.Time{}
	require.Contains(t, text(rec, now), "expired. It", "the existing plugin's record does not know")
}

func TestAfterDecision(t *testing.T) {
	view := plan.View{
		ID: "r1", Request: request(access.Pending), Record: record(), Issue: issue(approved, &bob), Self: self, Now: now,
		Reviewer: "bot",
	}
	d := settings().Plan(view)[0].Do.(plan.Decide).Decision
	settled := request(access.Approved)
	settled.Reviews = []access.Review{{Author: "bot", State: access.Approved, Reason: "fine " + d.Token()}}
	waiting := request(access.Pending)
	waiting.Thresholds[0].Approve = 2
	waiting.Reviews = settled.Reviews

	for name, c := range map[string]struct {
		out  access.Outcome
		want string
		says string
	}{
		"settled it":       {access.Outcome{Verdict: access.Submitted, Request: settled}, "comment review/0, comment resolution/approved", ""},
		"more are needed":  {access.Outcome{Verdict: access.Submitted, Request: waiting}, "comment review/0, comment move/77, move pending", "1 of 2 approvals"},
		"unknown outcome":  {access.Outcome{Verdict: access.Submitted}, "note", ""},
		"settled likewise": {access.Outcome{Verdict: access.AlreadySettled, Request: request(access.Approved)}, "note", ""},
		"settled otherwise": {
			access.Outcome{Verdict: access.AlreadySettled, Request: request(access.Denied)}, "refuse already_settled", "is already denied",
		},
		"settled, or gone": {access.Outcome{Verdict: access.AlreadySettled}, "refuse already_settled", "at the same moment"},
		"already reviewed": {access.Outcome{Verdict: access.AlreadyReviewed}, "refuse already_reviewed, move pending", "has a review"},
		"role is missing":  {access.Outcome{Verdict: access.NotAllowed, Detail: "add allow.review_requests"}, "refuse not_allowed_in_teleport, move pending", "add allow.review_requests"},
	} {
		t.Run(name, func(t *testing.T) {
			steps := settings().AfterDecision(view, d, c.out)
			require.Equal(t, c.want, brief(steps))
			require.Equal(t, "77", steps[len(steps)-1].Then.HandledMove)
			require.Contains(t, texts(steps), c.says)
		})
	}

	t.Run("answer was lost", func(t *testing.T) {
		view.Request = waiting
		steps := settings().Plan(view)
		require.Equal(t, "comment review/0, found approved by b1", brief(steps))
		view.Record = steps[0].Then
		out := access.Outcome{Verdict: access.Submitted, Request: waiting}
		require.Equal(t, "comment move/77, move pending", brief(settings().AfterDecision(view, d, out)))
		view.Record = record()
	})
	t.Run("answer was lost and it settled the request", func(t *testing.T) {
		v := view
		v.Request = settled
		require.Equal(t, "comment review/0, found approved by b1", brief(settings().Plan(v)))
		v.Request = request(access.Approved)
		v.Request.ResolveReason = "fine " + d.Token()
		require.Equal(t, "found approved by b1", brief(settings().Plan(v)), "as a state")
		v.Record.HandledMove = "77"
		require.Equal(t, "comment resolution/approved", brief(settings().Plan(v)), "it was noted")
		v.Record.HandledMove, v.Request.ResolveReason = "", "fine "+d.Token()+" by eve"
		require.Equal(t, "comment resolution/approved", brief(settings().Plan(v)), "not the daemon's")
	})
	t.Run("somebody else's token is none", func(t *testing.T) {
		view.Request = request(access.Pending)
		view.Request.Reviews = []access.Review{{Author: "eve", State: access.Denied, Reason: d.Token()}}
		view.Record.ReviewsCount = 1
		require.Equal(t, "approved by b1", brief(settings().Plan(view)))
	})
	t.Run("a person's text is no token", func(t *testing.T) {
		view.Request = request(access.Pending)
		view.Request.Reviews = []access.Review{{Author: "bot", State: access.Denied, Reason: d.Token() + " [jira 1/2]"}}
		view.Record.ReviewsCount = 1
		require.Equal(t, "approved by b1", brief(settings().Plan(view)))
	})
}

func texts(steps []plan.Step) string {
	var b strings.Builder
	for _, s := range steps {
		switch do := s.Do.(type) {
		case plan.Comment:
			b.WriteString(do.Notice.Text)
		case plan.Refuse:
			b.WriteString(do.Notice.Text)
		}
	}
	return b.String()
}
