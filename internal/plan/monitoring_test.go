package plan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
)

func TestRecipients(t *testing.T) {
	for text, want := range map[string]plan.Recipient{
		"OPS":                 {Project: "OPS"},
		" ops ":               {Project: "OPS"},
		"OPS/Service Request": {Project: "OPS", IssueType: "Service Request"},
		"OPS/10001":           {Project: "OPS", IssueType: "10001"},
		"A_1/Bug / Other":     {Project: "A_1", IssueType: "Bug / Other"},
		"none":                {None: true},
		"None":                {None: true},
	} {
		got, err := plan.ParseRecipient(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
		again, err := plan.ParseRecipient(got.String())
		require.NoError(t, err, text)
		require.Equal(t, got, again, "what is noted reads back")
	}
	for _, text := range []string{
		"", " ", "/", "OPS/", "/Bug", "#channel", "bob@example.com", "1OPS", "O PS", "OPS\nX", "OPS/a\x00b", "OPS/a\nb", "none/Bug\x01",
		"OPS/" + strings.Repeat("x", 300), strings.Repeat("X", 300),
	} {
		_, err := plan.ParseRecipient(text)
		require.Error(t, err, "%q", text)
	}
}

func FuzzParseRecipient(f *testing.F) {
	for _, seed := range []string{"OPS", "OPS/Bug", "none", "a/b/c", "\x00", "ſ", "ops /ﬀ"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := plan.ParseRecipient(text)
		if err != nil {
			return
		}
		again, err := plan.ParseRecipient(r.String())
		require.NoError(t, err)
		require.Equal(t, r, again)
		require.NotContains(t, r.String(), "\n")
	})
}

func notifies(name, condition string, recipients ...string) access.MonitoringRule {
	return access.MonitoringRule{Name: name, Condition: condition, Notification: "jira", Recipients: recipients}
}

func TestWhichRuleRoutes(t *testing.T) {
	const yes = "true"
	over := notifies("a", yes, "OPS")
	over.Expires = now
	still := over
	still.Expires = now.Add(time.Second)
	unnamed := access.MonitoringRule{Name: "a", Condition: `plugin.spec.name == "jira"`, Recipients: []string{"OPS"}}
	both := unnamed
	both.Notification = "slack"
	wide := both
	wide.Condition = `plugin.spec.name == "jira" || true`
	named := unnamed
	named.Notification, named.Condition = "jira", `plugin.spec.name == "slack"`
	traits := notifies("a", `user.traits["team"].contains("sre")`, "SEC")
	for name, c := range map[string]struct {
		rules  []access.MonitoringRule
		traits plan.Traits
		want   string
		need   bool
	}{
		"none":                                {},
		"one":                                 {rules: []access.MonitoringRule{notifies("a", yes, "OPS")}, want: "a OPS"},
		"that does not match":                 {rules: []access.MonitoringRule{notifies("a", "false", "OPS")}},
		"the first by name":                   {rules: []access.MonitoringRule{notifies("b", yes, "OPS"), notifies("a", yes, "SEC")}, want: "a SEC"},
		"the next where the first errs":       {rules: []access.MonitoringRule{notifies("b", yes, "OPS"), notifies("a", "nonsense()", "SEC")}, want: "b OPS"},
		"without recipients":                  {rules: []access.MonitoringRule{notifies("a", yes), notifies("b", yes, "OPS")}, want: "b OPS"},
		"recipients that are none":            {rules: []access.MonitoringRule{notifies("a", yes, "#x", "OPS/Bug", "none")}, want: "a OPS/Bug none"},
		"all of them":                         {rules: []access.MonitoringRule{notifies("a", yes, "#x"), notifies("b", yes, "OPS")}, want: "a"},
		"over":                                {rules: []access.MonitoringRule{over}},
		"not over yet":                        {rules: []access.MonitoringRule{still}, want: "a OPS"},
		"by the condition's plugin":           {rules: []access.MonitoringRule{unnamed}, want: "a OPS"},
		"another's name, ours by condition":   {rules: []access.MonitoringRule{both}},
		"the same with an or":                 {rules: []access.MonitoringRule{wide}},
		"our name, another's by condition":    {rules: []access.MonitoringRule{named}},
		"no name anywhere":                    {rules: []access.MonitoringRule{{Name: "a", Condition: yes, Recipients: []string{"OPS"}}}},
		"traits that are not known":           {rules: []access.MonitoringRule{traits, notifies("b", yes, "OPS")}, want: "b OPS", need: true},
		"traits that are":                     {rules: []access.MonitoringRule{traits}, traits: plan.Traits{Values: map[string][]string{"team": {"sre"}}, Known: true}, want: "a SEC"},
		"traits that are, and do not fit":     {rules: []access.MonitoringRule{traits}, traits: plan.Traits{Known: true}},
		"traits of a rule after the matching": {rules: []access.MonitoringRule{notifies("0", yes, "OPS"), traits}, want: "0 OPS"},
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := plan.NewMonitoring("", c.rules)
			of, need := m.Routing(request(access.Pending), c.traits, now)
			require.Equal(t, c.need, need)
			got := ""
			if of != nil {
				got = of.Rule
				for _, r := range of.Recipients {
					got += " " + r.String()
				}
			}
			require.Equal(t, c.want, got)
		})
	}
	require.True(t, (*plan.Monitoring)(nil).IsEmpty())
}

func TestFaultsOfRules(t *testing.T) {
	other := notifies("slack", "nonsense()", "x")
	other.Notification = "slack"
	_, faults := plan.NewMonitoring("", []access.MonitoringRule{
		notifies("bad", `access_request.spec.resource_labels_union["a"].contains("b")`, "OPS"),
		notifies("channel", "true", "OPS", "#ops"), notifies("good", "true", "OPS"), other,
		{Name: "ours perhaps", Condition: `plugin.spec.name == jira`, Recipients: []string{"OPS"}},
		{Name: "reviews", Condition: "", Integration: "jira"},
	})
	names := ""
	for _, f := range faults {
		names += f.Rule + ", "
	}
	require.Equal(t, "bad, channel, ours perhaps, reviews, ", names)
}

// routed is a snapshot of a request whose issue a rule wants elsewhere.
func routed(to string) plan.Snapshot {
	recipient, err := plan.ParseRecipient(to)
	if err != nil {
		panic(err)
	}
	return plan.Snapshot{
		ID: "r1", Request: request(access.Pending), Self: self, Reviewer: "bot", Now: now,
		Routed: &plan.Routed{Rule: "a", Recipient: recipient},
	}
}

func TestRuleRoutesTheNewIssueOnly(t *testing.T) {
	p := settings()
	p.Routes = []plan.Route{{Project: "ROUTE", Labels: []string{"l"}, Skip: true}}
	draft := func(s plan.Snapshot) string {
		steps := p.Plan(s)
		if len(steps) == 0 {
			return "nothing"
		}
		create := steps[0].Do.(plan.CreateIssue)
		return create.Draft.Project + "/" + create.Draft.IssueType + " " + strings.Join(create.Draft.Labels, " ") + "|" + steps[0].Then.Route
	}
	require.Equal(t, "OPS/Task |OPS", draft(routed("OPS")), "before the routes, which would skip it")
	require.Equal(t, "OPS/Bug |OPS/Bug", draft(routed("OPS/Bug")))
	require.Equal(t, "nothing", draft(routed("none")))

	p.Routes[0].Skip = false
	s := routed("OPS")
	s.Record.Ambiguous, s.Record.Route = "attempt", "SEC/Bug"
	require.Equal(t, "SEC/Bug |SEC/Bug", draft(s), "an attempt that may have made it stays where it was")
	s.Record.Route = ""
	require.Equal(t, "ROUTE/Task l|", draft(s), "also one by the configuration")
	s.Record.Ambiguous, s.Record.Route = access.AttemptFailed, "SEC"
	require.Equal(t, "OPS/Task |OPS", draft(s), "one that failed for certain does not")
	s.Record = access.Record{User: "alice", Created: 1}
	require.Equal(t, "ROUTE/Task l|", draft(s), "the existing plugin's attempt was by the configuration")
	s.Record, s.Routed = access.Record{}, nil
	require.Equal(t, "ROUTE/Task l|", draft(s))
}

// TestWhereARoutedRequestIsDecided: a record names a project beside that of the
// configuration. It is believed only with another proof.
func TestWhereARoutedRequestIsDecided(t *testing.T) {
	for name, c := range map[string]struct {
		route   string
		now     string // what the rules say now; "": nothing
		origin  access.Origin
		project string // where the issue is
		decides bool
	}{
		"configured":                          {project: "TAR", decides: true},
		"configured, elsewhere":               {project: "OPS"},
		"a rule of now":                       {route: "OPS", now: "OPS", project: "OPS", decides: true},
		"of another type now":                 {route: "OPS", now: "OPS/Bug", project: "OPS", decides: true},
		"a rule of then, made there":          {route: "OPS", origin: access.Origin{Request: "r1", Project: "OPS"}, project: "OPS", decides: true},
		"another rule now, made there":        {route: "OPS", now: "SEC", origin: access.Origin{Request: "r1", Project: "OPS"}, project: "OPS", decides: true},
		"made there, is elsewhere":            {route: "OPS", now: "OPS", project: "TAR"},
		"a rule of then, proven by nothing":   {route: "OPS", project: "OPS"},
		"made there for another request":      {route: "OPS", origin: access.Origin{Request: "r2", Project: "OPS"}, project: "OPS"},
		"made elsewhere":                      {route: "OPS", origin: access.Origin{Request: "r1", Project: ""}, project: "OPS"},
		"made there, and the record says not": {now: "OPS", origin: access.Origin{Request: "r1", Project: "OPS"}, project: "OPS"},
		"a rule came after the issue":         {now: "OPS", project: "TAR", decides: true},
		"nonsense in the record":              {route: "#!", project: "TAR", decides: true},
		"none in the record":                  {route: "none", project: "TAR", decides: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := plan.Snapshot{
				ID: "r1", Request: request(access.Pending), Record: record(), Issue: issue(approved, &bob), Self: self, Reviewer: "bot", Now: now,
			}
			s.Record.Route, s.Issue.Origin, s.Issue.Project = c.route, c.origin, c.project
			s.Issue.LastChange.Project = c.project
			s.Issue.Changes[0].Project = c.project
			if c.now != "" {
				s.Routed = routed(c.now).Routed
			}
			got := brief(settings().Plan(s))
			if c.decides {
				require.Equal(t, "approved by "+bob.ID, got)
			} else {
				require.Contains(t, got, string(plan.RefusedOtherProject))
			}
		})
	}
}

// TestRulesOfTheClusterAreNoneOfThePolicy: replicas see a changed rule one after
// the other, and agree all the same.
func TestRulesOfTheClusterAreNoneOfThePolicy(t *testing.T) {
	p := settings()
	digest := p.Digest()
	p.Plugin = "jira-emea"
	require.NotEqual(t, digest, p.Digest())
	p.Plugin, p.IgnoreMonitoring = "", true
	require.NotEqual(t, digest, p.Digest())
}

// TestPropertyNoRuleMovesAnIssue: whatever the rules say, a request that has an
// issue, or may have one, never gets another, nor a draft for another place.
func TestPropertyNoRuleMovesAnIssue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := routed(rapid.SampledFrom([]string{"OPS", "SEC/Bug", "none", "TAR"}).Draw(t, "now"))
		s.Record.Route = rapid.SampledFrom([]string{"", "OPS", "SEC/Bug", "x y"}).Draw(t, "then")
		s.Record.Ambiguous = "attempt"
		if rapid.Bool().Draw(t, "made") {
			s.Record.IssueID, s.Record.IssueKey = "1", "OPS-1"
		}
		for _, step := range settings().Plan(s) {
			if create, ok := step.Do.(plan.CreateIssue); ok {
				require.Empty(t, s.Record.IssueID)
				want := "TAR"
				if then, err := plan.ParseRecipient(s.Record.Route); err == nil {
					want = then.Project
				}
				require.Equal(t, want, create.Draft.Project)
			}
			require.Equal(t, s.Record.Route, step.Then.Route)
		}
	})
}
