package jira_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/jira"
	"teleport-jira/internal/preflight"
)

func expected() jira.Expect {
	return jira.Expect{
		Targets: []jira.Target{{Project: "TAR", IssueType: "task"}},
		Statuses: map[access.State][]string{
			access.Pending: {"Pending"}, access.Approved: {"approved"}, access.Denied: {"Denied"},
			access.Expired: {"Expired"}, access.Promoted: {"Approved"},
		},
	}
}

func TestPreflightOfACompleteSetupIsOK(t *testing.T) {
	for _, flavour := range flavours {
		t.Run(flavour.String(), func(t *testing.T) {
			b := start(t, flavour)
			findings, err := b.c.Preflight(t.Context(), expected())
			require.NoError(t, err)
			require.GreaterOrEqual(t, len(findings), 12)
			for _, f := range findings {
				require.Equal(t, preflight.OK, f.Level, "%s: %s", f.Name, f.Detail)
			}
			require.Zero(t, b.Writes())
			require.Equal(t, fakejira.BotID, b.c.Self().ID)
		})
	}
}

func TestPreflightNamesEveryFault(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*settings)
		expect func(*jira.Expect)
		want   string // in the error; or the warning if it begins with "warning "
	}{
		"unknown project": {
			expect: func(e *jira.Expect) { e.Targets[0].Project = "NOPE" }, want: "project NOPE: not found",
		},
		"unknown issue type": {
			expect: func(e *jira.Expect) { e.Targets[0].IssueType = "Epic" }, want: `issue type Epic in TAR: not among those that can be created: ["Task"`,
		},
		"missing permission": {
			change: func(s *settings) {
				s.double.Projects[0].Permissions = map[fakejira.Permission][]string{fakejira.AddComments: {fakejira.BobID}}
			},
			want: "permission ADD_COMMENTS in TAR: missing: grant it to bot@example.com",
		},
		"required field": {
			change: func(s *settings) {
				s.double.Projects[0].Fields = []fakejira.Field{{ID: "customfield_7", Name: "Cost", Required: true}}
			},
			want: `required field Cost in TAR: the create screen demands it and nothing fills it: set it under [jira.fields] as "customfield_7"`,
		},
		"labels not on the screen": {
			change: func(s *settings) { s.double.Projects[0].OffScreen = []string{"labels"} }, want: "warning labels in TAR",
		},
		"field not on the screen": {
			change: func(s *settings) {
				s.double.Projects[0].Fields = []fakejira.Field{{ID: "customfield_8", Name: "Team", OffScreen: true}}
				s.config.Issue.Fields = map[string]any{"Team": "x"}
			},
			want: "warning field customfield_8 in TAR",
		},
		"status missing": {
			expect: func(e *jira.Expect) { e.Statuses[access.Denied] = []string{"Nope"} },
			want:   `status for denied requests in TAR: ["Nope"] not in the workflow of task`,
		},
		"one of two statuses missing": {
			expect: func(e *jira.Expect) { e.Statuses[access.Denied] = []string{"Nope", "Denied"} },
			want:   "warning status for denied requests in TAR",
		},
		"internal comments elsewhere": {
			change: func(s *settings) { s.config.CommentVisibility = jira.Internal },
			want:   "internal comments in TAR: the project is not one of Jira Service Management",
		},
		"reporter can't be set": {
			change: func(s *settings) {
				s.double.Projects[0].Permissions = map[fakejira.Permission][]string{fakejira.ModifyReporter: {fakejira.BobID}}
				s.config.Issue.Reporter = jira.Requester
			},
			want: "warning permission MODIFY_REPORTER in TAR",
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, flavour := range flavours {
				t.Run(flavour.String(), func(t *testing.T) {
					var changes []func(*settings)
					if tc.change != nil {
						changes = append(changes, tc.change)
					}
					b := start(t, flavour, changes...)
					want := expected()
					if tc.expect != nil {
						tc.expect(&want)
					}
					findings, err := b.c.Preflight(t.Context(), want)
					warning, isWarning := strings.CutPrefix(tc.want, "warning ")
					if !isWarning {
						wantError(t, err, access.Permanent, false)
						require.ErrorContains(t, err, tc.want)
						return
					}
					require.NoError(t, err)
					for _, f := range findings {
						if f.Name == warning {
							require.Equal(t, preflight.Warning, f.Level)
							require.NotEmpty(t, f.Fix)
							return
						}
					}
					require.Fail(t, "no such finding", "%v", findings)
				})
			}
		})
	}
}

func TestPreflightCollectsAllFaultsOfAllTargets(t *testing.T) {
	b := start(t, fakejira.Cloud)
	want := expected()
	want.Targets = append(want.Targets, jira.Target{Project: "NOPE", IssueType: "Task"}, jira.Target{Project: "TAR", IssueType: "Epic"})
	want.Statuses[access.Expired] = []string{"Gone"}
	_, err := b.c.Preflight(t.Context(), want)
	for _, part := range []string{"project NOPE", "issue type Epic", "status for expired requests in TAR"} {
		require.ErrorContains(t, err, part)
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		require.True(t, strings.HasPrefix(line, "check jira: "), "each fault is a complete line: %q", line)
	}
}

func TestPreflightTellsAwayFromWrong(t *testing.T) {
	for name, tc := range map[string]struct {
		fault fakejira.Fault
		class access.Class
	}{
		"away":          {fakejira.Fault{Effect: fakejira.LoseRequest}, access.Temporary},
		"proxy's error": {fakejira.Fault{Effect: fakejira.Respond, Status: http.StatusBadGateway, Body: fakejira.ProxyPage}, access.Temporary},
		"overloaded":    {fakejira.Fault{Effect: fakejira.Respond, Status: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {"120"}}}, access.Limited},
		"wrong token":   {fakejira.Fault{Effect: fakejira.Respond, Status: http.StatusUnauthorized}, access.Unauth},
		"wrong address": {fakejira.Fault{Effect: fakejira.Respond, Status: http.StatusNotFound}, access.Permanent},
		"redirect":      {fakejira.Fault{Effect: fakejira.Redirect, Body: "https://evil.example.com"}, access.Permanent},
		"login page":    {fakejira.Fault{Effect: fakejira.Respond, Status: http.StatusOK, Body: "<html>login</html>"}, access.Temporary},
	} {
		t.Run(name, func(t *testing.T) {
			b := start(t, fakejira.Cloud, faulty)
			b.Inject(tc.fault)
			_, err := b.c.Preflight(t.Context(), expected())
			wantError(t, err, tc.class, false)
		})
	}
}

func TestPreflightTellsOfAnotherDeploymentThanConfigured(t *testing.T) {
	b := start(t, fakejira.DataCenter, faulty, func(s *settings) { s.config.Deployment = jira.Cloud })
	findings, _ := b.c.Preflight(t.Context(), expected())
	require.NotEmpty(t, findings)
	require.Equal(t, "deployment", findings[0].Name)
	require.Equal(t, preflight.Warning, findings[0].Level)
	require.Contains(t, findings[0].Detail, `jira.deployment is cloud, but Jira says "Server"`)
}

func TestStartThatEndsSaysWhatToDo(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		says   string
	}{
		"wrong token":   {http.StatusUnauthorized, "check jira.username and jira.api_token"},
		"wrong address": {http.StatusNotFound, "check jira.url"},
	} {
		t.Run(name, func(t *testing.T) {
			b := start(t, fakejira.Cloud, faulty)
			b.Inject(fakejira.Fault{Effect: fakejira.Respond, Status: tc.status})
			_, err := b.c.Preflight(t.Context(), expected())
			require.ErrorContains(t, err, tc.says)
		})
	}
}

// TestPreflightWithoutCreateMeta: servers from before Data Center 8.4 do not
// tell what may be created; the project's own list of types does.
func TestPreflightWithoutCreateMeta(t *testing.T) {
	for _, issueType := range []string{"Task", "Nonsense"} {
		b := start(t, fakejira.DataCenter, faulty)
		b.Inject(fakejira.Fault{Route: fakejira.RouteCreateTypes, Effect: fakejira.Respond, Status: http.StatusNotFound})
		b.Inject(fakejira.Fault{Route: fakejira.RouteCreateFields, Effect: fakejira.Respond, Status: http.StatusNotFound})
		_, err := b.c.Preflight(t.Context(), jira.Expect{Targets: []jira.Target{{Project: "TAR", IssueType: issueType}}})
		if issueType == "Task" {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, issueType)
		}
	}
}
