package plan_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
)

// TestRolesNeverOpenAnEasierDoor: who decides satisfies the rules of every
// requested role, whatever it is requested together with.
func TestRolesNeverOpenAnEasierDoor(t *testing.T) {
	names := func(handles ...string) plan.Approvers { return plan.Approvers{Names: handles} }
	routes := []plan.Route{
		{Roles: []string{"viewer"}, Approvers: names("b1", "c1")},
		{Roles: []string{"root-*"}, Approvers: plan.Approvers{Groups: []string{"leads"}}},
		{Annotations: map[string][]string{"team": {"db"}}, Approvers: names("dba")},
	}
	general := names("g1", "b1")
	team := map[string][]string{"team": {"db"}}
	for name, c := range map[string]struct {
		roles       []string
		annotations map[string][]string
		groups      map[string]bool
		who         string
		may         bool
	}{
		"route's approver":              {[]string{"viewer"}, nil, nil, "c1", true},
		"general approver, not route's": {[]string{"viewer"}, nil, nil, "g1", false},
		"no route":                      {[]string{"editor"}, nil, nil, "g1", true},
		"route's, beside no route":      {[]string{"viewer", "editor"}, nil, nil, "c1", false},
		"of both":                       {[]string{"viewer", "editor"}, nil, nil, "b1", true},
		"harmless role first":           {[]string{"viewer", "root-prod"}, nil, nil, "b1", false},
		"harmless role last":            {[]string{"root-prod", "viewer"}, nil, nil, "b1", false},
		"in the group of both":          {[]string{"root-prod", "viewer"}, nil, map[string]bool{"leads": true}, "b1", true},
		"in the group of one":           {[]string{"root-prod", "viewer"}, nil, map[string]bool{"leads": true}, "x1", false},
		"in the route's group":          {[]string{"root-prod"}, nil, map[string]bool{"leads": true}, "x1", true},
		"in another group":              {[]string{"root-prod"}, nil, map[string]bool{"others": true}, "x1", false},
		"route by annotation, too":      {[]string{"viewer"}, team, nil, "b1", false},
		"approver by annotation":        {[]string{"editor"}, team, nil, "dba", true},
		"no roles":                      {nil, nil, nil, "g1", true},
	} {
		t.Run(name, func(t *testing.T) {
			who := access.Actor{ID: c.who, Type: access.AccountPerson, Active: true}
			s, v := settings(), plan.Snapshot{
				ID: "r1", Request: request(access.Pending), Record: record(), Issue: issue(approved, &who),
				Person: &plan.Person{RouteGroups: c.groups}, Self: self, Now: now,
			}
			s.Routes, s.Review.Approvers = routes, general.Names
			v.Request.Roles, v.Request.Annotations = c.roles, c.annotations
			want := "refuse not_approver, move pending"
			if c.may {
				want = "approved by " + c.who
			}
			require.Equal(t, want, brief(s.Plan(v)))
		})
	}
}

func TestHiddenRoutes(t *testing.T) {
	routes := []plan.Route{
		{Roles: []string{"prod-*"}},
		{Roles: []string{"prod-db"}},
		{Roles: []string{"prod-db", "dev"}},
		{Annotations: map[string][]string{"team": {"db", "web"}}},
		{Roles: []string{"dev"}, Annotations: map[string][]string{"team": {"db"}}},
		{Annotations: map[string][]string{"team": {"ops"}}},
		{},
		{Roles: []string{"last"}},
	}
	require.Equal(t, map[int]int{1: 0, 4: 2, 7: 6}, plan.HiddenRoutes(routes))
}
