package plan_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
)

func reviews(name, condition string, decision access.State) access.MonitoringRule {
	return access.MonitoringRule{Name: name, Condition: condition, Integration: "jira", Decision: decision, DesiredState: "reviewed"}
}

func with(rule access.MonitoringRule, change func(*access.MonitoringRule)) access.MonitoringRule {
	change(&rule)
	return rule
}

func night(r *access.MonitoringRule) { r.UnknownFields = true }

const byTeam = `user.traits["team"].contains("sre")`

// outcomeOf says in a word what rules propose.
func outcomeOf(all []plan.Proposal) string {
	switch {
	case len(all) == 0:
		return "nothing"
	case all[0].Doubt != "":
		return "doubt"
	}
	return string(all[0].State) + " by " + strings.TrimPrefix(all[0].By, "access monitoring rule ")
}

func TestWhatRulesPropose(t *testing.T) {
	approve, deny := reviews("a", "true", access.Approved), reviews("d", "true", access.Denied)
	sre := plan.Traits{Values: map[string][]string{"team": {"sre"}}, Known: true}
	for name, c := range map[string]struct {
		rules  []access.MonitoringRule
		traits plan.Traits
		want   string
	}{
		"none":                          {want: "nothing"},
		"one":                           {rules: []access.MonitoringRule{approve}, want: "approved by a"},
		"one that denies":               {rules: []access.MonitoringRule{deny}, want: "denied by d"},
		"none that matches":             {rules: []access.MonitoringRule{reviews("a", "false", access.Approved)}, want: "nothing"},
		"two that agree":                {rules: []access.MonitoringRule{reviews("b", "true", access.Approved), approve}, want: "approved by a"},
		"two that disagree":             {rules: []access.MonitoringRule{approve, deny}, want: "doubt"},
		"the other does not match":      {rules: []access.MonitoringRule{approve, reviews("d", "false", access.Denied)}, want: "approved by a"},
		"without a desired state":       {rules: []access.MonitoringRule{with(approve, func(r *access.MonitoringRule) { r.DesiredState = "" })}, want: "approved by a"},
		"another desired state":         {rules: []access.MonitoringRule{with(approve, func(r *access.MonitoringRule) { r.DesiredState = "watched" })}, want: "nothing"},
		"another integration":           {rules: []access.MonitoringRule{with(approve, func(r *access.MonitoringRule) { r.Integration = "builtin" })}, want: "nothing"},
		"no integration":                {rules: []access.MonitoringRule{with(approve, func(r *access.MonitoringRule) { r.Integration, r.Notification = "", "jira" })}, want: "nothing"},
		"no decision":                   {rules: []access.MonitoringRule{reviews("a", "true", "")}, want: "nothing"},
		"over":                          {rules: []access.MonitoringRule{with(approve, func(r *access.MonitoringRule) { r.Expires = now })}, want: "nothing"},
		"unknown fields":                {rules: []access.MonitoringRule{with(approve, night)}, want: "nothing"},
		"unknown fields beside another": {rules: []access.MonitoringRule{with(approve, night), reviews("b", "true", access.Approved)}, want: "approved by b"},
		"a condition that is broken":    {rules: []access.MonitoringRule{reviews("a", "nonsense()", access.Approved)}, want: "nothing"},
		"a denial by night":             {rules: []access.MonitoringRule{with(deny, night)}, want: "nothing"},
		"… that may concern it":         {rules: []access.MonitoringRule{approve, with(deny, night)}, want: "doubt"},
		"… that does not concern it":    {rules: []access.MonitoringRule{approve, with(reviews("d", "false", access.Denied), night)}, want: "approved by a"},
		"a denial that is broken":       {rules: []access.MonitoringRule{approve, reviews("d", "nonsense()", access.Denied)}, want: "doubt"},
		"a denial by traits, not known": {rules: []access.MonitoringRule{approve, reviews("d", byTeam, access.Denied)}, want: "doubt"},
		"a denial by traits that fit":   {rules: []access.MonitoringRule{approve, reviews("d", byTeam, access.Denied)}, traits: sre, want: "doubt"},
		"a denial by traits that don't": {rules: []access.MonitoringRule{approve, reviews("d", byTeam, access.Denied)}, traits: plan.Traits{Known: true}, want: "approved by a"},
		"by traits, not known":          {rules: []access.MonitoringRule{reviews("a", byTeam, access.Approved)}, want: "nothing"},
		"by traits":                     {rules: []access.MonitoringRule{reviews("a", byTeam, access.Approved)}, traits: sre, want: "approved by a"},
		"another's denial":              {rules: []access.MonitoringRule{approve, with(deny, func(r *access.MonitoringRule) { r.Integration = "builtin" })}, want: "approved by a"},
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := plan.NewMonitoring("", c.rules)
			all, need := m.Proposals(request(access.Pending), c.traits, now)
			require.Equal(t, c.want, outcomeOf(all))
			asks := strings.Contains(name, "by traits")
			require.Equal(t, asks && !c.traits.Known, need)
		})
	}
}

// TestPropertyNoApprovalWithoutProof: whatever rules there are, an approval means
// that one of them is understood in full, holds, and asks for it now, and that no
// rule that could deny the request may.
func TestPropertyNoApprovalWithoutProof(t *testing.T) {
	type truth struct {
		condition   string
		holds, open bool // open: can't be told
	}
	rapid.Check(t, func(t *rapid.T) {
		traits := rapid.SampledFrom([]plan.Traits{{}, {Known: true}, {Known: true, Values: map[string][]string{"team": {"sre"}}}}).Draw(t, "traits")
		sre := len(traits.Values) > 0
		conditions := []truth{
			{"true", true, false},
			{"false", false, false},
			{"nonsense(1)", false, true},
			{"", false, true},
			{byTeam, sre, !traits.Known},
			{"!" + byTeam, traits.Known && !sre, !traits.Known},
			{"false && " + byTeam, false, false},
			{`access_request.spec.user == "` + request(access.Pending).User + `"`, true, false},
			{`access_request.spec.creation_time.in_schedule("x")`, false, true},
		}
		proven, against := false, false
		var rules []access.MonitoringRule
		for range rapid.IntRange(0, 5).Draw(t, "rules") {
			c := rapid.SampledFrom(conditions).Draw(t, "condition")
			rule := access.MonitoringRule{
				Name:          rapid.StringMatching(`[a-z]{1,3}`).Draw(t, "name"),
				Condition:     c.condition,
				Integration:   rapid.SampledFrom([]string{"jira", "jira", "builtin", ""}).Draw(t, "integration"),
				Notification:  rapid.SampledFrom([]string{"jira", "", "slack"}).Draw(t, "notification"),
				Decision:      rapid.SampledFrom([]access.State{access.Approved, access.Approved, access.Denied, ""}).Draw(t, "decision"),
				DesiredState:  rapid.SampledFrom([]string{"reviewed", "", "other"}).Draw(t, "desired"),
				UnknownFields: rapid.Bool().Draw(t, "unknown"),
			}
			if rapid.IntRange(0, 5).Draw(t, "over") == 0 {
				rule.Expires = now
			}
			rules = append(rules, rule)
			asks := rule.Integration == "jira" && rule.DesiredState != "other" && rule.Expires.IsZero()
			proven = proven || asks && rule.Decision == access.Approved && c.holds && !c.open && !rule.UnknownFields
			against = against || asks && rule.Decision == access.Denied && (c.holds || c.open)
		}
		m, _ := plan.NewMonitoring("", rules)
		all, _ := m.Proposals(request(access.Pending), traits, now)
		if got := outcomeOf(all); strings.HasPrefix(got, "approved") {
			require.True(t, proven && !against, "%s by %+v", got, rules)
		} else if proven && !against {
			require.Fail(t, "an approval that is proven is missing", "%+v", rules)
		}
	})
}

// proposed is a snapshot of a pending request with an issue that a rule reviews.
func proposed(state access.State) plan.Snapshot {
	return plan.Snapshot{
		ID: "r1", Request: request(access.Pending), Record: record(), Issue: issue(pending, nil), Self: self, Reviewer: "bot", Now: now,
		Proposals: []plan.Proposal{{Source: plan.SourceRule, By: "access monitoring rule a", State: state}},
	}
}

func TestProposalIsDecidedOnce(t *testing.T) {
	p := settings()
	s := proposed(access.Approved)
	steps := p.Plan(s)
	require.Len(t, steps, 1)
	d := steps[0].Do.(plan.Decide).Decision
	require.Equal(t, access.Decision{
		RequestID: "r1", State: access.Approved, Issue: s.Record.Issue(), ChangeID: "rule", Automatic: "access monitoring rule a",
	}, d)
	require.True(t, plan.Proposes(s.Proposals, d))
	require.False(t, plan.Proposes(proposed(access.Denied).Proposals, d))
	require.False(t, plan.Proposes(nil, d))
	require.Equal(t, access.Automatic("rule"), steps[0].Then.Automatic)

	s.Record.Automatic = "rule"
	require.Empty(t, p.Plan(s), "noted")
	s = proposed(access.Approved)
	s.Issue = nil
	require.Empty(t, p.Plan(s), "the issue has to be read")
	require.True(t, p.NeedsIssue(s, plan.Hint{}))
	s.Record.Automatic = "rule-doubt"
	require.True(t, p.NeedsIssue(s, plan.Hint{}))
	s.Record.Automatic = "rule"
	require.False(t, p.NeedsIssue(s, plan.Hint{}))

	// An attempt whose answer was lost is found by its token, and only if it is the
	// daemon's own.
	s = proposed(access.Approved)
	s.Request.Reviews = []access.Review{{Author: "bot", State: access.Approved, Reason: d.ReasonAs("", d.Automatic)}}
	require.True(t, p.Plan(s)[0].Do.(plan.Decide).Found)
	s.Request.Reviews[0].Author = "mallory"
	require.False(t, p.Plan(s)[0].Do.(plan.Decide).Found)
}

func TestPersonsMoveGoesBeforeAProposal(t *testing.T) {
	p := settings()
	for name, c := range map[string]struct {
		status access.Status
		want   string
	}{
		"denied":   {denied, "denied by " + bob.ID},
		"approved": {approved, "approved by " + bob.ID},
	} {
		s := proposed(access.Approved)
		s.Issue = issue(c.status, &bob)
		require.Equal(t, c.want, brief(p.Plan(s)), name)
	}
	s := proposed(access.Approved)
	s.Issue.RequestID = "r2"
	require.NotContains(t, brief(p.Plan(s)), "approved", "an issue that names another request")
}

func TestAfterAProposalWasSubmitted(t *testing.T) {
	p := settings()
	d := p.Plan(proposed(access.Approved))[0].Do.(plan.Decide).Decision
	reason := d.ReasonAs("", d.Automatic)
	for name, c := range map[string]struct {
		out  access.Outcome
		want string // of all steps
		says string // of the first comment
	}{
		"approved": {
			access.Outcome{Result: access.Submitted, Request: reviewed(access.Approved, reason)},
			"move approved, comment resolution/approved", "approved by access monitoring rule a",
		},
		"more are needed": {
			access.Outcome{Result: access.Submitted, Request: reviewed(access.Pending, reason)},
			"comment review/0", "access monitoring rule a reviewed this request",
		},
		"not allowed": {
			access.Outcome{Result: access.NotAllowed, Detail: "cannot submit reviews"},
			"comment automatic/rule", "cannot submit reviews",
		},
		"already reviewed": {access.Outcome{Result: access.AlreadyReviewed}, "note", ""},
		"already settled":  {access.Outcome{Result: access.AlreadySettled}, "note", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := proposed(access.Approved)
			s.Record.Automatic = "rule"
			steps := p.AfterDecision(s, d, c.out)
			require.Equal(t, c.want, brief(steps))
			for _, step := range steps {
				require.Equal(t, access.Automatic("rule"), step.Then.Automatic)
				require.Empty(t, step.Then.HandledChange, "no move was answered")
				if comment, ok := step.Do.(plan.Comment); ok {
					require.Contains(t, comment.Draft.Text, c.says)
				}
			}
		})
	}
}

// reviewed is the request with one review by the daemon's user.
func reviewed(state access.State, reason string) *access.Request {
	req := request(state)
	req.Reviews = []access.Review{{Author: "bot", State: access.Approved, Reason: reason, Created: now}}
	return req
}

func TestDoubtIsToldOnce(t *testing.T) {
	p := settings()
	s := proposed("")
	s.Proposals[0] = plan.Proposal{Source: plan.SourceRule, Doubt: "They disagree."}
	steps := p.Plan(s)
	require.Equal(t, "comment automatic/rule-doubt", brief(steps))
	require.Equal(t, access.Automatic("rule-doubt"), steps[0].Then.Automatic)
	s.Record.Automatic = "rule-doubt"
	require.Empty(t, p.Plan(s))
	s = proposed(access.Approved)
	s.Record.Automatic = "rule-doubt"
	require.Len(t, p.Plan(s), 1, "it is decided once the doubt is over")
}

func TestWayOfARule(t *testing.T) {
	d := access.Decision{Issue: record().Issue(), ChangeID: "rule", Automatic: "access monitoring rule a"}
	s := proposed(access.Approved)
	s.Request = reviewed(access.Approved, d.ReasonAs("", d.Automatic))
	of, ok := plan.SettlementOf(s)
	require.True(t, ok)
	require.Equal(t, plan.WayRule, of.Way)
}

func TestFaultsOfReviews(t *testing.T) {
	_, faults := plan.NewMonitoring("", []access.MonitoringRule{
		reviews("a", "true", ""), with(reviews("b", "true", access.Approved), night), reviews("c", "true", access.Denied),
		with(reviews("d", "true", access.Approved), func(r *access.MonitoringRule) { r.DesiredState = "other" }),
	})
	names := ""
	for _, f := range faults {
		names += f.Rule
	}
	require.Equal(t, "abd", names)
}
