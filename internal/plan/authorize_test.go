package plan_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
)

// TestWhoMayDecide is the matrix of people and rules: what is planned when the
// person moves a pending request's issue to approved.
func TestWhoMayDecide(t *testing.T) {
	app := access.Actor{ID: "robot", DisplayName: "Automation", Type: access.AccountApp, Active: true}
	customer := access.Actor{ID: "c1", Type: access.AccountCustomer, Active: true}
	inactive := bob
	inactive.Active = false
	hidden := access.Actor{ID: "h1", Name: "hugo", DisplayName: "Hidden", Type: access.AccountPerson, Active: true}
	named := access.Actor{ID: "JIRAUSER1", Name: "Alice@Example.com", Type: access.AccountPerson, Active: true}

	center := access.Actor{ID: "JIRAUSER2", Name: "hugo", Email: "hugo@example.com", Type: access.AccountPerson, Active: true}

	for name, c := range map[string]struct {
		who    access.Actor
		change func(*plan.Policy, *plan.Snapshot)
		want   string
	}{
		"anybody":              {bob, nil, "approved by b1"},
		"requester by e-mail":  {alice, nil, "refuse requester, move pending"},
		"requester by name":    {named, nil, "refuse requester, move pending"},
		"requester by mapping": {hidden, func(s *plan.Policy, _ *plan.Snapshot) { s.Review.Users = map[string]string{"h1": "alice@example.com"} }, "refuse requester, move pending"},
		"requester by trait":   {hidden, func(_ *plan.Policy, v *plan.Snapshot) { v.Person = &plan.Person{TraitUser: "alice@example.com"} }, "refuse requester, move pending"},
		"requester by look-up": {hidden, func(_ *plan.Policy, v *plan.Snapshot) { v.Person = &plan.Person{IsRequester: true} }, "refuse requester, move pending"},
		"requester, mapped to another user": {alice, func(s *plan.Policy, _ *plan.Snapshot) {
			s.Review.Users = map[string]string{"alice@example.com": "root"}
		}, "refuse requester, move pending"},
		"requester by another key of the list": {hidden, func(s *plan.Policy, _ *plan.Snapshot) {
			s.Review.Users = map[string]string{"h1": "root", "hugo": "alice@example.com"}
		}, "refuse requester, move pending"},
		"requester by trait, listed as another": {hidden, func(s *plan.Policy, v *plan.Snapshot) {
			s.Review.Users = map[string]string{"h1": "root"}
			v.Person = &plan.Person{TraitUser: "alice@example.com"}
		}, "refuse requester, move pending"},
		"perhaps the requester, by the address": {alice, func(_ *plan.Policy, v *plan.Snapshot) {
			v.Request.User = "alice"
		}, "refuse identity_unclear, move pending"},
		"the requester's account, as the record has it": {bob, func(_ *plan.Policy, v *plan.Snapshot) {
			v.Record.RequesterAccount = "b1"
		}, "refuse requester, move pending"},
		"another than the requester's account": {bob, func(_ *plan.Policy, v *plan.Snapshot) {
			v.Record.RequesterAccount = "a1"
		}, "approved by b1"},
		"the requester's account, listed as another": {bob, func(s *plan.Policy, v *plan.Snapshot) {
			v.Record.RequesterAccount, s.Review.Users = "b1", map[string]string{"b1": "bob"}
		}, "refuse requester, move pending"},
		"approver by user name": {named, func(s *plan.Policy, v *plan.Snapshot) {
			v.Request.User, s.Review.Approvers = "carol", []string{"name:ALICE@example.com"}
		}, "approved by JIRAUSER1"},
		"approver's address as a user name": {named, func(s *plan.Policy, v *plan.Snapshot) {
			v.Request.User, s.Review.Approvers = "carol", []string{"alice@example.com"}
		}, "refuse not_approver, move pending"},
		"address that people may change": {center, func(s *plan.Policy, _ *plan.Snapshot) {
			s.Review.Approvers = []string{"hugo@example.com"}
		}, "refuse not_approver, move pending"},
		"address that the directory keeps": {center, func(s *plan.Policy, _ *plan.Snapshot) {
			s.Review.Approvers, s.Review.TrustEmail = []string{"hugo@example.com"}, true
		}, "approved by JIRAUSER2"},
		"on behalf, by an address that people may change": {center, func(s *plan.Policy, _ *plan.Snapshot) {
			s.Review.Mode, s.Review.MatchEmail = access.ModeOnBehalf, true
		}, "refuse unmapped, move pending"},
		"on behalf, by an address that the directory keeps": {center, func(s *plan.Policy, _ *plan.Snapshot) {
			s.Review.Mode, s.Review.MatchEmail, s.Review.TrustEmail = access.ModeOnBehalf, true, true
		}, "approved by JIRAUSER2"},
		"folds in Unicode only": {access.Actor{ID: "k1", Email: "\u017fam@example.com", Type: access.AccountPerson, Active: true}, func(s *plan.Policy, _ *plan.Snapshot) {
			s.Review.Approvers = []string{"sam@example.com"}
		}, "refuse not_approver, move pending"},
		"mapping required, none": {bob, func(s *plan.Policy, _ *plan.Snapshot) { s.Review.IdentityRequired = true }, "refuse unmapped, move pending"},
		"mapping required, by e-mail": {bob, func(s *plan.Policy, _ *plan.Snapshot) {
			s.Review.IdentityRequired, s.Review.MatchEmail = true, true
		}, "approved by b1"},
		"mapping required, several by trait, no fall-through to the e-mail": {bob, func(s *plan.Policy, v *plan.Snapshot) {
			s.Review.IdentityRequired, s.Review.MatchEmail, v.Person.TraitUsers = true, true, 2
		}, "refuse identity_ambiguous, move pending"},
		"on behalf, several by trait, no fall-through to the e-mail": {bob, func(s *plan.Policy, v *plan.Snapshot) {
			s.Review.Mode, s.Review.MatchEmail, v.Person.TraitUsers = access.ModeOnBehalf, true, 2
		}, "refuse identity_ambiguous, move pending"},
		"mapping required, several by trait, one listed": {bob, func(s *plan.Policy, v *plan.Snapshot) {
			s.Review.IdentityRequired, s.Review.Users, v.Person.TraitUsers = true, map[string]string{"b1": "bob"}, 2
		}, "approved by b1"},
		"mapping required, two by the list": {center, func(s *plan.Policy, _ *plan.Snapshot) {
			s.Review.IdentityRequired, s.Review.TrustEmail = true, true
			s.Review.Users = map[string]string{"hugo": "hugo", "hugo@example.com": "root"}
		}, "refuse identity_ambiguous, move pending"},
		"mapping required, the id's of two by the list": {center, func(s *plan.Policy, _ *plan.Snapshot) {
			s.Review.IdentityRequired, s.Review.TrustEmail = true, true
			s.Review.Users = map[string]string{"key:JIRAUSER2": "hugo", "hugo@example.com": "root"}
		}, "approved by JIRAUSER2"},
		"denied wins": {bob, func(s *plan.Policy, _ *plan.Snapshot) {
			s.Review.Approvers, s.Review.Denied = []string{"b1"}, []string{"bob@example.com"}
		}, "refuse denied_account, move pending"},
		"another is denied": {bob, func(s *plan.Policy, _ *plan.Snapshot) { s.Review.Denied = []string{"carol@example.com"} }, "approved by b1"},
		"not the requester, whatever the address": {alice, func(s *plan.Policy, v *plan.Snapshot) {
			v.Request.User, s.Review.Users = "alice", map[string]string{"a1": "alice.smith"}
		}, "approved by a1"},
		"requester, allowed":   {alice, func(s *plan.Policy, _ *plan.Snapshot) { s.Review.AllowSelfApproval = true }, "approved by a1"},
		"hidden e-mail":        {hidden, nil, "approved by h1"},
		"nobody":               {access.Actor{}, nil, "refuse unseen_change, move pending"},
		"app":                  {app, nil, "refuse app_account, move pending"},
		"app among approvers":  {app, func(s *plan.Policy, _ *plan.Snapshot) { s.Review.Approvers = []string{"robot"} }, "approved by robot"},
		"unknown account type": {access.Actor{ID: "x", Active: true}, nil, "refuse app_account, move pending"},
		"customer":             {customer, nil, "refuse customer_account, move pending"},
		"customer as approver": {customer, func(s *plan.Policy, _ *plan.Snapshot) { s.Review.Approvers = []string{"c1"} }, "refuse customer_account, move pending"},
		"inactive":             {inactive, nil, "refuse inactive, move pending"},
		"approver by id":       {bob, func(s *plan.Policy, _ *plan.Snapshot) { s.Review.Approvers = []string{"x", "b1"} }, "approved by b1"},
		"approver by e-mail":   {bob, func(s *plan.Policy, _ *plan.Snapshot) { s.Review.Approvers = []string{"BOB@example.com"} }, "approved by b1"},
		"id in another case":   {bob, func(s *plan.Policy, _ *plan.Snapshot) { s.Review.Approvers = []string{"B1"} }, "refuse not_approver, move pending"},
		"not an approver":      {bob, func(s *plan.Policy, _ *plan.Snapshot) { s.Review.Approvers = []string{"carol"} }, "refuse not_approver, move pending"},
		"in a group": {bob, func(s *plan.Policy, v *plan.Snapshot) {
			s.Review.ApproverGroups = []string{"g"}
			v.Person.InGroups = true
		}, "approved by b1"},
		"not in a group": {bob, func(s *plan.Policy, _ *plan.Snapshot) { s.Review.ApproverGroups = []string{"g"} }, "refuse not_approver, move pending"},
		"groups unknown": {bob, func(s *plan.Policy, v *plan.Snapshot) { s.Review.ApproverGroups = []string{"g"}; v.Person = nil }, "refuse not_approver, move pending"},
		"groups unreadable": {bob, func(s *plan.Policy, v *plan.Snapshot) {
			s.Review.ApproverGroups, v.Person.GroupsUnclear = []string{"g"}, "forbidden"
		}, "refuse groups_unclear, move pending"},
		"groups unreadable, but named": {bob, func(s *plan.Policy, v *plan.Snapshot) {
			s.Review.ApproverGroups, s.Review.Approvers, v.Person.GroupsUnclear = []string{"g"}, []string{"b1"}, "forbidden"
		}, "approved by b1"},
		"group without setting": {bob, func(s *plan.Policy, v *plan.Snapshot) {
			s.Review.Approvers = []string{"carol"}
			v.Person.InGroups = true
		}, "refuse not_approver, move pending"},
		"suggested": {bob, func(s *plan.Policy, v *plan.Snapshot) { suggest(s, v, "bob@example.com") }, "approved by b1"},
		"suggested by mapping": {hidden, func(s *plan.Policy, v *plan.Snapshot) {
			suggest(s, v, "hugo")
			s.Review.Users = map[string]string{"h1": "hugo"}
		}, "approved by h1"},
		"not suggested":             {bob, func(s *plan.Policy, v *plan.Snapshot) { suggest(s, v, "carol") }, "refuse not_suggested, move pending"},
		"nobody suggested":          {bob, func(s *plan.Policy, v *plan.Snapshot) { suggest(s, v) }, "refuse not_suggested, move pending"},
		"on behalf, unmapped":       {bob, func(s *plan.Policy, _ *plan.Snapshot) { s.Review.Mode = access.ModeOnBehalf }, "refuse unmapped, move pending"},
		"on behalf, e-mail matches": {bob, func(s *plan.Policy, _ *plan.Snapshot) { s.Review.Mode, s.Review.MatchEmail = access.ModeOnBehalf, true }, "approved by b1"},
		"in another project":        {bob, func(_ *plan.Policy, v *plan.Snapshot) { v.Issue.Project = "EVIL" }, "refuse foreign_project"},
		"in its route's project": {bob, func(s *plan.Policy, v *plan.Snapshot) {
			v.Issue.Project, v.Issue.LastChange.Project = "DBA", "DBA"
			s.Routes = []plan.Route{{Roles: []string{"editor"}, Project: "dba"}}
		}, "approved by b1"},
		"where it was made, the route being new": {bob, func(s *plan.Policy, _ *plan.Snapshot) {
			s.Routes = []plan.Route{{Roles: []string{"editor"}, Project: "DBA"}}
		}, "refuse foreign_project"},
		"in another route's project": {bob, func(s *plan.Policy, v *plan.Snapshot) {
			v.Issue.Project, v.Issue.LastChange.Project = "DBA", "DBA"
			s.Routes = []plan.Route{{Roles: []string{"x"}, Project: "DBA"}}
		}, "refuse foreign_project"},
		"moved in another project, and home again": {bob, func(_ *plan.Policy, v *plan.Snapshot) {
			v.Issue.LastChange.Project = "EVIL"
		}, "refuse foreign_project, move pending"},
		"moved between two projects": {bob, func(_ *plan.Policy, v *plan.Snapshot) {
			v.Issue.LastChange.Project = ""
		}, "refuse foreign_project, move pending"},
		"long-term request": {bob, func(_ *plan.Policy, v *plan.Snapshot) { v.Request.LongTerm = true }, "refuse long_term, move pending"},
		"history hidden":    {bob, func(_ *plan.Policy, v *plan.Snapshot) { v.Issue.LastChange = nil }, "refuse unseen_change, move pending"},
	} {
		t.Run(name, func(t *testing.T) {
			s := settings()
			v := plan.Snapshot{
				ID: "r1", Request: request(access.Pending), Record: record(), Issue: issue(approved, &c.who),
				Person: &plan.Person{}, Self: self, Now: now,
			}
			if c.change != nil {
				c.change(&s, &v)
			}
			require.Equal(t, c.want, brief(s.Plan(v)))
		})
	}
}

func suggest(s *plan.Policy, v *plan.Snapshot, names ...string) {
	s.Review.RequireSuggested = true
	v.Request.SuggestedReviewers = names
}

func TestTeleportUser(t *testing.T) {
	s := settings()
	s.Review.Users = map[string]string{"b1": "by-id", "bob@example.com": "by-mail"}
	require.Equal(t, "by-id", s.TeleportUser(bob, nil), "the id goes before any other name")
	delete(s.Review.Users, "b1")
	require.Equal(t, "by-mail", s.TeleportUser(bob, &plan.Person{TraitUser: "by-trait"}))
	s.Review.Users = nil
	s.Review.MatchEmail = true
	require.Equal(t, "by-trait", s.TeleportUser(bob, &plan.Person{TraitUser: "by-trait"}))
	require.Equal(t, "bob@example.com", s.TeleportUser(bob, nil))
	s.Review.MatchEmail = false
	require.Empty(t, s.TeleportUser(bob, &plan.Person{}))
}

func TestNeeds(t *testing.T) {
	s := settings()
	open := plan.Snapshot{ID: "r1", Request: request(access.Pending), Record: record(), Self: self}
	settled := plan.Snapshot{ID: "r1", Request: request(access.Approved), Record: record(), Self: self}
	for name, c := range map[string]struct {
		view plan.Snapshot
		look plan.Hint
		want bool
	}{
		"nothing new":                 {open, plan.Hint{}, false},
		"asked to":                    {open, plan.Hint{Always: true}, true},
		"about this issue":            {open, plan.Hint{Always: true, IssueID: "10001"}, true},
		"about a foreign issue":       {open, plan.Hint{Always: true, IssueID: "666"}, false},
		"no issue yet":                {plan.Snapshot{Request: request(access.Pending)}, plan.Hint{Always: true}, false},
		"seen pending":                {open, plan.Hint{Observed: &pending}, false},
		"seen approved":               {open, plan.Hint{Observed: &approved}, true},
		"seen approved, and it is":    {settled, plan.Hint{Observed: &approved}, false},
		"seen pending, but it is not": {settled, plan.Hint{Observed: &pending}, true},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, s.NeedsIssue(c.view, c.look)) })
	}

	open.Issue = issue(approved, &bob)
	require.Equal(t, "77", s.NeedsPerson(open).ID)
	open.Issue = issue(approved, &self)
	require.Nil(t, s.NeedsPerson(open), "our own move asks for nothing")
	open.Issue = issue(pending, &bob)
	require.Nil(t, s.NeedsPerson(open))
	settled.Issue = issue(approved, &bob)
	require.Nil(t, s.NeedsPerson(settled))
}

func TestRoutes(t *testing.T) {
	s := settings()
	s.Routes = []plan.Route{
		{Roles: []string{"secret-*"}, Skip: true},
		{Roles: []string{"prod-*", "root"}, Project: "OPS", Labels: []string{"prod"}},
		{Annotations: map[string][]string{"team": {"db", "sql"}}, Project: "DBA", IssueType: "Access"},
	}
	for name, c := range map[string]struct {
		roles       []string
		annotations map[string][]string
		want        plan.Route
	}{
		"default":        {[]string{"editor"}, nil, plan.Route{Project: "TAR", IssueType: "Task"}},
		"glob":           {[]string{"x", "prod-db/1"}, nil, plan.Route{Roles: s.Routes[1].Roles, Project: "OPS", IssueType: "Task", Labels: []string{"prod"}}},
		"exact":          {[]string{"root"}, nil, plan.Route{Roles: s.Routes[1].Roles, Project: "OPS", IssueType: "Task", Labels: []string{"prod"}}},
		"not the prefix": {[]string{"rooted"}, nil, plan.Route{Project: "TAR", IssueType: "Task"}},
		"annotation":     {[]string{"x"}, map[string][]string{"team": {"web", "sql"}}, plan.Route{Annotations: s.Routes[2].Annotations, Project: "DBA", IssueType: "Access"}},
		"first wins":     {[]string{"secret-1", "prod-1"}, nil, plan.Route{Roles: s.Routes[0].Roles, Project: "TAR", IssueType: "Task", Skip: true}},
	} {
		t.Run(name, func(t *testing.T) {
			req := request(access.Pending)
			req.Roles, req.Annotations = c.roles, c.annotations
			require.Equal(t, c.want, s.RouteOf(req))
			steps := s.Plan(plan.Snapshot{ID: "r1", Request: req, Self: self, Now: now})
			require.Len(t, steps, map[bool]int{true: 0, false: 1}[c.want.Skip])
		})
	}
}

// TestAddressesLikeTheRequesters: what reaches the same person may be the
// same person, until an administrator says otherwise.
func TestAddressesLikeTheRequesters(t *testing.T) {
	for name, c := range map[string]struct {
		user, email, userName string
		want                  plan.Refusal
	}{
		"another address":         {"alice@example.com", "bob@example.com", "", ""},
		"longer name":             {"alice@example.com", "alice2@example.com", "", ""},
		"the same":                {"alice@example.com", "ALICE@example.com", "", plan.RefusedRequester},
		"sub-address":             {"alice@example.com", "alice+jira@example.com", "", plan.RefusedUnclear},
		"requester's sub-address": {"alice+root@example.com", "alice@example.com", "", plan.RefusedUnclear},
		"dots":                    {"alice.smith@example.com", "alicesmith@example.com", "", plan.RefusedUnclear},
		"domain":                  {"alice@example.com", "alice@corp.example", "", plan.RefusedUnclear},
		"masked":                  {"alice@example.com", "alice at example dot com", "", plan.RefusedUnclear},
		"another, masked":         {"alice@example.com", "bob at example dot com", "", ""},
		"name without an address": {"alice", "alice@example.com", "", plan.RefusedUnclear},
		"user name":               {"alice@example.com", "", "alice", plan.RefusedUnclear},
		"another user name":       {"alice@example.com", "", "bob", ""},
		"nothing known":           {"alice@example.com", "", "", ""},
		"folds in all of Unicode": {"sam@example.com", "\u017fam@example.com", "", plan.RefusedRequester},
	} {
		t.Run(name, func(t *testing.T) {
			who := access.Actor{ID: "x1", Email: c.email, Name: c.userName, Type: access.AccountPerson, Active: true}
			s, v := settings(), plan.Snapshot{
				ID: "r1", Request: request(access.Pending), Record: record(), Issue: issue(approved, &who),
				Person: &plan.Person{}, Self: self, Now: now,
			}
			v.Request.User = c.user
			want := "approved by x1"
			if c.want != "" {
				want = "refuse " + string(c.want) + ", move pending"
			}
			require.Equal(t, want, brief(s.Plan(v)))
			if c.want == plan.RefusedUnclear {
				require.Contains(t, texts(s.Plan(v)), "[review.users]", "what an administrator can do")
				s.Review.Users = map[string]string{"key:x1": "somebody"}
				require.Equal(t, "approved by x1", brief(s.Plan(v)), "an administrator said whose it is")
			}
		})
	}
}
