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

func settings() plan.Policy {
	return plan.Policy{
		Statuses: plan.Statuses{
			access.Pending:  {"Pending"},
			access.Approved: {"Approved"},
			access.Denied:   {"3"},
			access.Expired:  {"expired"},
			access.Promoted: {"Approved"},
		},
		Default: plan.Route{Project: "TAR", IssueType: "Task"},
		Review:  plan.ReviewRules{Mode: access.ModeReview},
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
	i := &access.Issue{Ref: access.IssueRef{ID: "10001", Key: "TAR-1"}, Project: "TAR", Status: status, Created: now.Add(-50 * time.Minute)}
	if by != nil {
		i.LastChange = &access.StatusChange{ID: "77", By: *by, From: pending, To: status, Project: "TAR", At: now.Add(-time.Minute)}
		i.Changes = []access.StatusChange{*i.LastChange}
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
			words = append(words, "comment "+do.Draft.DedupKey)
		case plan.Transition:
			words = append(words, "move "+string(do.To))
		case plan.Decide:
			found := map[bool]string{true: "found "}[do.Found]
			words = append(words, found+string(do.Decision.State)+" by "+do.Decision.By.ID)
		case plan.Refuse:
			words = append(words, "refuse "+string(do.Why))
		case plan.SaveRecord:
			words = append(words, "note")
		case plan.RestoreText:
			words = append(words, "restore "+do.Edit)
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
	handled.HandledChange = "77"

	for name, c := range map[string]struct {
		view plan.Snapshot
		want string
	}{
		"new request":                         {plan.Snapshot{Request: request(access.Pending)}, "create TAR"},
		"first seen settled":                  {plan.Snapshot{Request: request(access.Approved)}, ""},
		"gone and never seen":                 {plan.Snapshot{}, ""},
		"leftover without issue":              {plan.Snapshot{Request: request(access.Pending), Record: access.Record{User: "alice"}}, "create TAR"},
		"leftover, settled since":             {plan.Snapshot{Request: request(access.Denied), Record: access.Record{User: "alice"}}, "create TAR"},
		"leftover, gone since":                {plan.Snapshot{Record: access.Record{User: "alice"}}, ""},
		"in step":                             {plan.Snapshot{Request: request(access.Pending), Record: record(), Issue: issue(pending, nil)}, ""},
		"expiry has changed":                  {plan.Snapshot{Request: later, Record: record()}, "note"},
		"issue not read":                      {plan.Snapshot{Request: request(access.Pending), Record: record()}, ""},
		"issue gone":                          {plan.Snapshot{Request: request(access.Denied), Record: record(), IssueMissing: true}, ""},
		"born in the backlog":                 {plan.Snapshot{Request: request(access.Pending), Record: record(), Issue: issue(backlog, nil)}, "move pending"},
		"born approved":                       {plan.Snapshot{Request: request(access.Pending), Record: record(), Issue: issue(approved, nil)}, "refuse unseen_change, move pending"},
		"walk to pending cut short":           {plan.Snapshot{Request: request(access.Pending), Record: record(), Issue: issue(backlog, &self)}, "move pending"},
		"moved to an unknown status":          {plan.Snapshot{Request: request(access.Pending), Record: record(), Issue: issue(backlog, &bob)}, ""},
		"moved to expired by hand":            {plan.Snapshot{Request: request(access.Pending), Record: record(), Issue: issue(expired, &bob)}, "refuse not_a_decision, move pending"},
		"approved by a person":                {plan.Snapshot{Request: request(access.Pending), Record: record(), Issue: issue(approved, &bob)}, "approved by b1"},
		"denied by a person":                  {plan.Snapshot{Request: request(access.Pending), Record: record(), Issue: issue(denied, &bob)}, "denied by b1"},
		"approved by ourselves":               {plan.Snapshot{Request: request(access.Pending), Record: record(), Issue: issue(approved, &self)}, "refuse own_account, move pending"},
		"answered before":                     {plan.Snapshot{Request: request(access.Pending), Record: handled, Issue: issue(approved, &bob)}, "move pending"},
		"approved in teleport":                {plan.Snapshot{Request: reviewed, Record: record()}, "move approved, comment resolution/approved"},
		"approved, card already there":        {plan.Snapshot{Request: request(access.Approved), Record: record(), Issue: issue(approved, &bob)}, "comment resolution/approved"},
		"promoted":                            {plan.Snapshot{Request: request(access.Promoted), Record: record()}, "move promoted, comment resolution/promoted"},
		"denied after approval":               {plan.Snapshot{Request: request(access.Denied), Record: resolved}, "move denied, comment resolution/denied"},
		"approved here while denied there":    {plan.Snapshot{Request: request(access.Denied), Record: record(), Issue: issue(approved, &bob)}, "refuse already_settled, move denied, comment resolution/denied"},
		"moved after it was settled":          {plan.Snapshot{Request: request(access.Approved), Record: resolved, Issue: issue(denied, &bob)}, "refuse already_settled, move approved"},
		"moved back after it was settled":     {plan.Snapshot{Request: request(access.Approved), Record: resolved, Issue: issue(pending, &bob)}, "refuse already_settled, move approved"},
		"filed away after it was settled":     {plan.Snapshot{Request: request(access.Approved), Record: resolved, Issue: issue(backlog, &bob)}, ""},
		"expired":                             {plan.Snapshot{Record: record()}, "move expired, comment resolution/expired"},
		"access ended after it was approved":  {plan.Snapshot{Record: resolved}, ""},
		"moved after its access ended":        {plan.Snapshot{Record: resolved, Issue: issue(denied, &bob)}, "refuse already_settled, move approved"},
		"approved by hand when it is gone":    {plan.Snapshot{Record: record(), Issue: issue(approved, &bob)}, "refuse already_settled, move expired, comment resolution/expired"},
		"settled, and moved to pending early": {plan.Snapshot{Request: request(access.Approved), Record: record(), Issue: issue(pending, &bob)}, "move approved, comment resolution/approved"},
	} {
		t.Run(name, func(t *testing.T) {
			c.view.ID, c.view.Self, c.view.Reviewer, c.view.Now = "r1", self, "bot", now
			require.Equal(t, c.want, brief(settings().Plan(c.view)))
		})
	}
}

func TestPlanOrphan(t *testing.T) {
	for name, c := range map[string]struct {
		view plan.Snapshot
		want string
	}{
		"still open":             {plan.Snapshot{Issue: issue(pending, nil)}, "comment resolution/expired, move expired"},
		"record without issue":   {plan.Snapshot{Issue: issue(pending, nil), Record: access.Record{User: "alice"}}, "note"},
		"moved to pending":       {plan.Snapshot{Issue: issue(pending, &self)}, "comment resolution/expired, move expired"},
		"born in the backlog":    {plan.Snapshot{Issue: issue(backlog, nil)}, "comment resolution/expired, move expired"},
		"reopened by hand":       {plan.Snapshot{Issue: issue(pending, &bob), Reported: access.Denied}, "move denied"},
		"filed away":             {plan.Snapshot{Issue: issue(backlog, &bob)}, ""},
		"closed already":         {plan.Snapshot{Issue: issue(expired, &self)}, ""},
		"request is there again": {plan.Snapshot{Issue: issue(pending, nil), Request: request(access.Pending)}, ""},
		"issue is gone":          {plan.Snapshot{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c.view.ID, c.view.Self, c.view.Reviewer, c.view.Now = "r1", self, "bot", now
			require.Equal(t, c.want, brief(settings().PlanOrphan(c.view)))
		})
	}
}

func TestRemovedOrExpired(t *testing.T) {
	text := func(rec access.Record, at time.Time) string {
		steps := settings().Plan(plan.Snapshot{ID: "r1", Record: rec, Self: self, Now: at})
		return steps[len(steps)-1].Do.(plan.Comment).Draft.Text
	}
	rec := record()
	require.Contains(t, text(rec, rec.Expires.Time().Add(-3*time.Minute)), "removed")
	require.Contains(t, text(rec, rec.Expires.Time().Add(-time.Minute)), "expired. It", "clocks differ a little")
	require.Contains(t, text(rec, rec.Expires.Time().Add(time.Second)), "expired. It")
	rec.Expires = 0
	require.Contains(t, text(rec, now), "expired. It", "the existing plugin's record does not know")
}

func TestAfterDecision(t *testing.T) {
	view := plan.Snapshot{
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
		"settled it":       {access.Outcome{Result: access.Submitted, Request: settled}, "comment resolution/approved", ""},
		"more are needed":  {access.Outcome{Result: access.Submitted, Request: waiting}, "comment move/77, move pending", "1 of 2 approvals"},
		"unknown outcome":  {access.Outcome{Result: access.Submitted}, "note", ""},
		"settled likewise": {access.Outcome{Result: access.AlreadySettled, Request: request(access.Approved)}, "note", ""},
		"settled otherwise": {
			access.Outcome{Result: access.AlreadySettled, Request: request(access.Denied)}, "refuse already_settled", "is already denied",
		},
		"settled, or gone": {access.Outcome{Result: access.AlreadySettled}, "refuse already_settled", "at the same moment"},
		"already reviewed": {access.Outcome{Result: access.AlreadyReviewed}, "refuse already_reviewed, move pending", "has a review"},
		"role is missing":  {access.Outcome{Result: access.NotAllowed, Detail: "add allow.review_requests"}, "refuse not_allowed_in_teleport, move pending", "add allow.review_requests"},
	} {
		t.Run(name, func(t *testing.T) {
			steps := settings().AfterDecision(view, d, c.out)
			require.Equal(t, c.want, brief(steps))
			require.Equal(t, "77", steps[len(steps)-1].Then.HandledChange)
			require.Contains(t, texts(steps), c.says)
		})
	}

	t.Run("answer was lost", func(t *testing.T) {
		view.Request = waiting
		steps := settings().Plan(view)
		require.Equal(t, "found approved by b1, comment review/0", brief(steps))
		view.Record = steps[0].Then
		out := access.Outcome{Result: access.Submitted, Request: waiting}
		require.Equal(t, "comment move/77, move pending", brief(settings().AfterDecision(view, d, out)))
		view.Record = record()
	})
	t.Run("answer was lost and it settled the request", func(t *testing.T) {
		v := view
		v.Request = settled
		require.Equal(t, "found approved by b1", brief(settings().Plan(v)))
		v.Request = request(access.Approved)
		v.Request.ResolveReason = "fine " + d.Token()
		require.Equal(t, "found approved by b1", brief(settings().Plan(v)), "as a state")
		v.Record.HandledChange = "77"
		require.Equal(t, "comment resolution/approved", brief(settings().Plan(v)), "it was noted")
		v.Record.HandledChange, v.Request.ResolveReason = "", "fine "+d.Token()+" by eve"
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
			b.WriteString(do.Draft.Text)
		case plan.Refuse:
			b.WriteString(do.Comment.Text)
		}
	}
	return b.String()
}

// A state without a status leaves the issue where it is: what is said of it is
// said once, and a move that comes too late is answered all the same.
func TestStateWithoutAStatusMovesNothing(t *testing.T) {
	p := settings()
	p.Statuses[access.Expired], p.Statuses[access.Promoted] = nil, nil
	promoted := request(access.Promoted)
	resolved := func(state access.State) access.Record {
		r := record()
		r.Resolution = state
		return r
	}
	for name, c := range map[string]struct {
		view plan.Snapshot
		want string
	}{
		"deleted":           {plan.Snapshot{Record: record(), Issue: issue(pending, nil)}, "comment resolution/expired"},
		"promoted":          {plan.Snapshot{Request: promoted, Record: record(), Issue: issue(pending, nil)}, "comment resolution/promoted"},
		"said":              {plan.Snapshot{Record: resolved(access.Expired), Issue: issue(pending, nil)}, ""},
		"moved afterwards":  {plan.Snapshot{Record: resolved(access.Expired), Issue: issue(approved, &bob)}, "refuse already_settled"},
		"denied, as before": {plan.Snapshot{Request: request(access.Denied), Record: record(), Issue: issue(pending, nil)}, "move denied, comment resolution/denied"},
	} {
		c.view.Self, c.view.Now = self, now
		require.Equal(t, c.want, brief(p.Plan(c.view)), name)
	}
	orphan := plan.Snapshot{Issue: issue(pending, nil), Self: self, Now: now}
	require.Equal(t, "comment resolution/expired", brief(p.PlanOrphan(orphan)))
	orphan.Reported = access.Expired
	require.Empty(t, p.PlanOrphan(orphan))
}
