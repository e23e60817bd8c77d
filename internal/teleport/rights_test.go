package teleport

import (
	"testing"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
)

func role(t *testing.T, spec types.RoleSpecV6) types.Role {
	t.Helper()
	r, err := types.NewRole("plugin", spec)
	require.NoError(t, err)
	return r
}

func rule(kind, where string, verbs ...string) types.Rule {
	return types.Rule{Resources: []string{kind}, Verbs: verbs, Where: where}
}

func allowing(rules ...types.Rule) types.RoleSpecV6 {
	return types.RoleSpecV6{Allow: types.RoleConditions{Rules: rules}}
}

func denying(rules ...types.Rule) types.RoleSpecV6 {
	return types.RoleSpecV6{Deny: types.RoleConditions{Rules: rules}}
}

func TestRightsOfRoles(t *testing.T) {
	const requests, pluginData = types.KindAccessRequest, types.KindAccessPluginData
	for name, tc := range map[string]struct {
		specs []types.RoleSpecV6
		want  rights
	}{
		"no roles":          {nil, rights{}},
		"list without read": {[]types.RoleSpecV6{allowing(rule(requests, "", "list"))}, rights{}},
		"list and read": {
			[]types.RoleSpecV6{allowing(rule(requests, "", "list", "read"))},
			rights{requests: allowed},
		},
		"list and read from two roles": {
			[]types.RoleSpecV6{allowing(rule(requests, "", "list")), allowing(rule(requests, "", "read"))},
			rights{requests: allowed},
		},
		"under a condition": {
			[]types.RoleSpecV6{allowing(rule(requests, `equals(1, 1)`, "list", "read"))},
			rights{requests: conditional},
		},
		"denied": {
			[]types.RoleSpecV6{allowing(rule(requests, "", "list", "read")), denying(rule(requests, "", "read"))},
			rights{},
		},
		"denied under a condition": {
			[]types.RoleSpecV6{
				allowing(rule(requests, "", "list", "read")),
				denying(rule(requests, `equals(1, 1)`, "read")),
			},
			rights{requests: conditional},
		},
		"preset plugin role": {
			[]types.RoleSpecV6{allowing(rule(requests, "", "list", "read"), rule(pluginData, "", "update"))},
			rights{requests: allowed, pluginData: allowed},
		},
		"everything": {
			[]types.RoleSpecV6{allowing(rule(types.Wildcard, "", types.Wildcard))},
			rights{requests: allowed, pluginData: allowed, update: allowed, users: allowed, locks: allowed},
		},
		"locks": {
			[]types.RoleSpecV6{allowing(rule(types.KindLock, "", "create", "update"))},
			rights{locks: allowed},
		},
		"locks, half": {
			[]types.RoleSpecV6{allowing(rule(types.KindLock, "", "create"))},
			rights{},
		},
		"review": {
			[]types.RoleSpecV6{{Allow: types.RoleConditions{
				ReviewRequests: &types.AccessReviewConditions{Roles: []string{"editor"}},
			}}},
			rights{review: true, reviewGranted: true},
		},
		"review, which another role denies": {
			[]types.RoleSpecV6{
				{Allow: types.RoleConditions{ReviewRequests: &types.AccessReviewConditions{Roles: []string{"editor"}}}},
				{Deny: types.RoleConditions{ReviewRequests: &types.AccessReviewConditions{Roles: []string{types.Wildcard}}}},
			},
			rights{reviewGranted: true},
		},
		"only previews of what is requested": {
			[]types.RoleSpecV6{{Allow: types.RoleConditions{
				ReviewRequests: &types.AccessReviewConditions{PreviewAsRoles: []string{"editor"}},
			}}},
			rights{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var roles []types.Role
			for _, spec := range tc.specs {
				roles = append(roles, role(t, spec))
			}
			tc.want.known = true
			require.Equal(t, tc.want, rightsOf(roles))
		})
	}
}

func TestChooseMode(t *testing.T) {
	for name, tc := range map[string]struct {
		configured access.ReviewMode
		advanced   bool
		own        rights
		want       access.ReviewMode
		could      bool // the right to review was there before
	}{
		"auto, may review":                   {access.ModeAuto, true, rights{known: true, review: true}, access.ModeReview, false},
		"auto, may not review":               {access.ModeAuto, true, rights{known: true}, access.ModeState, false},
		"auto, roles unknown":                {access.ModeAuto, true, rights{}, access.ModeReview, false},
		"auto, may not review any more":      {access.ModeAuto, true, rights{known: true}, access.ModeReview, true},
		"auto, no reviews there, nor before": {access.ModeAuto, false, rights{known: true, review: true}, access.ModeState, false},
		"review stands":                      {access.ModeReview, false, rights{known: true}, access.ModeReview, false},
		"state stands":                       {access.ModeState, true, rights{known: true, review: true}, access.ModeState, false},
		"on behalf is never guessed":         {access.ModeOnBehalf, true, rights{}, access.ModeOnBehalf, false},
	} {
		t.Run(name, func(t *testing.T) {
			mode, reason := chooseMode(tc.configured, tc.advanced, tc.could, tc.own)
			require.Equal(t, tc.want, mode)
			require.NotEmpty(t, reason)
		})
	}
}

func TestVersions(t *testing.T) {
	for name, tc := range map[string]struct {
		version, minimum string
		want             bool
	}{
		"same":                     {"13.0.0", "13.0.0", true},
		"newer patch":              {"13.0.1", "13.0.0", true},
		"two digits beat one":      {"13.10.0", "13.9.0", true},
		"older minor, newer patch": {"13.1.9", "13.2.0", false},
		"older":                    {"12.4.32", "13.0.0", false},
		"pre-release":              {"13.0.0-dev.1", "13.0.0", true},
		"build":                    {"v14.2.0+ent", "13.0.0", true},
		"none":                     {"", "13.0.0", false},
		"two parts":                {"14.2", "13.0.0", false},
		"text":                     {"14.x.0", "13.0.0", false},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tc.want, versionAtMin(tc.version, tc.minimum))
		})
	}
}
