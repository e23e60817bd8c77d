package jira_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/preflight"
)

// changed starts a bench whose bot is another than usual.
func changed(t *testing.T, flavour fakejira.Flavour, change func(*fakejira.Account)) *bench {
	t.Helper()
	b := start(t, flavour, faulty)
	require.NoError(t, b.ChangeAccount(fakejira.BotID, change))
	return b
}

// failures are the failed and warned findings, a line each.
func failures(findings []preflight.Finding) string {
	var lines []string
	for _, f := range findings {
		if f.Level != preflight.OK {
			lines = append(lines, f.Name+": "+f.Detail+": "+f.Fix)
		}
	}
	return strings.Join(lines, "\n")
}

func TestATokenWithoutAScopeIsAMissingRightAndTheScopeIsNamed(t *testing.T) {
	b := changed(t, fakejira.Cloud, func(a *fakejira.Account) { a.Scopes = []string{"read:jira-work", "read:jira-user"} })
	_, err := b.c.CreateIssue(t.Context(), draft())
	wantError(t, err, access.Permanent, false)
	require.ErrorContains(t, err, "the token lacks the scope write:jira-work")
	require.NoError(t, b.c.Health(), "the login works")
}

func TestPreflightNamesAMissingScopeAndGoesOn(t *testing.T) {
	b := changed(t, fakejira.Cloud, func(a *fakejira.Account) {
		a.Scopes = []string{"read:jira-work", "write:jira-work", "read:jira-user"}
		a.DeniedRoutes = []string{fakejira.RouteCreateTypes, fakejira.RouteCreateFields}
	})
	findings, err := b.c.Preflight(t.Context(), expected())
	require.NoError(t, err)
	require.Contains(t, failures(findings), "scope read:jira-work: ")
	require.Contains(t, failures(findings), "create a token with the scopes")
}

func TestALoginWithoutItsScopeSaysSo(t *testing.T) {
	b := changed(t, fakejira.Cloud, func(a *fakejira.Account) { a.Scopes = []string{"read:jira-work"} })
	findings, err := b.c.Preflight(t.Context(), expected())
	wantError(t, err, access.Permanent, false)
	require.Contains(t, failures(findings), "scope read:jira-user: ")
	require.NotContains(t, failures(findings), "context path")
}

func TestA401WhereTheLoginWorksIsAMissingRight(t *testing.T) {
	b := start(t, fakejira.Cloud, faulty)
	b.Inject(fakejira.Fault{Route: fakejira.RouteIssues, Effect: fakejira.Respond, Status: http.StatusUnauthorized})
	_, err := b.c.CreateIssue(t.Context(), draft())
	wantError(t, err, access.Permanent, false)
	require.ErrorContains(t, err, "the login itself works")
	require.NoError(t, b.c.Health())
}

func TestA401WithARevokedTokenIsARefusedLoginAndAskedForOnce(t *testing.T) {
	b := start(t, fakejira.DataCenter, faulty)
	require.NoError(t, b.c.Connect(t.Context()))
	require.NoError(t, b.ChangeAccount(fakejira.BotID, func(a *fakejira.Account) { a.Token = "another" }))
	b.ResetCalls()
	for range 20 {
		_, err := b.c.CreateIssue(t.Context(), draft())
		wantError(t, err, access.Unauth, false)
	}
	require.Len(t, b.Calls(), 21, "twenty creates, and one look at who it is")
	require.ErrorContains(t, b.c.Health(), "may have expired")
}

func TestLoginsThatDataCenterForbidsHaveTheirOwnRemedy(t *testing.T) {
	for name, tc := range map[string]struct {
		account func(*fakejira.Account)
		options func(*settings)
		says    string
	}{
		"captcha":         {account: func(a *fakejira.Account) { a.Captcha = true }, says: "log in there once as the daemon's account"},
		"basic auth off":  {options: func(s *settings) { s.double.NoBasicAuth = true }, says: "leave jira.username empty and put a personal access token"},
		"denied by a 403": {says: "an IP allow list or a gateway may keep this host out"},
	} {
		t.Run(name, func(t *testing.T) {
			b := start(t, fakejira.DataCenter, faulty, func(s *settings) {
				if tc.options != nil {
					tc.options(s)
				}
			})
			class := access.Unauth
			switch {
			case tc.account != nil:
				require.NoError(t, b.ChangeAccount(fakejira.BotID, tc.account))
			case tc.options == nil:
				b.Inject(fakejira.Fault{Effect: fakejira.Respond, Status: http.StatusForbidden})
				class = access.Permanent
			}
			findings, err := b.c.Preflight(t.Context(), expected())
			wantError(t, err, class, false)
			require.Contains(t, failures(findings), "login: ")
			require.Contains(t, failures(findings), tc.says)
			require.NotContains(t, failures(findings), "context path")
		})
	}
}

// TestABasicLoginSwitchedOffWhileRunningIsToldByHealth also for every call but the
// login itself.
func TestABasicLoginSwitchedOffWhileRunningIsToldByHealth(t *testing.T) {
	b := start(t, fakejira.DataCenter, faulty)
	b.Inject(fakejira.Fault{
		Effect: fakejira.Respond, Status: http.StatusForbidden,
		Body: `{"message":"Basic Authentication has been disabled on this instance."}`,
	})
	_, err := b.c.Issue(t.Context(), "10000")
	wantError(t, err, access.Unauth, false)
	require.ErrorContains(t, b.c.Health(), "basic authentication is switched off")
}

// TestAForbiddenCallIsNoRefusedLogin: Data Center sends X-Seraph-LoginReason with
// all its answers.
func TestAForbiddenCallIsNoRefusedLogin(t *testing.T) {
	b := start(t, fakejira.DataCenter, faulty)
	b.Inject(fakejira.Fault{
		Route: fakejira.RouteIssues, Effect: fakejira.Respond, Status: http.StatusForbidden,
		Header: http.Header{"X-Seraph-Loginreason": {"OK"}},
	})
	_, err := b.c.CreateIssue(t.Context(), draft())
	wantError(t, err, access.Permanent, false)
	require.NoError(t, b.c.Health())
}
