package jira_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/fakejira"
)

// poll searches as the daemon's poll does.
func (b *bench) poll(t *testing.T) error {
	t.Helper()
	for _, err := range b.c.Search(t.Context(), access.IssueQuery{NotStatuses: []string{"Pending"}, UpdatedSince: time.Minute}) {
		if err != nil {
			return err
		}
	}
	return nil
}

// TestTrouble: an answer to a call that works wherever Jira can be used is
// trouble until that call works, whatever other calls are answered.
func TestTrouble(t *testing.T) {
	const login = "<html>login</html>"
	searches := map[fakejira.Flavour]string{fakejira.Cloud: fakejira.RouteSearchJQL, fakejira.DataCenter: fakejira.RouteSearch}
	for name, tc := range map[string]struct {
		fault fakejira.Fault
		says  string
	}{
		"login page elsewhere": {fakejira.Fault{Effect: fakejira.Redirect, Status: 302, Body: "https://sso.example.com"}, "302 Found, a redirect"},
		"login page":           {fakejira.Fault{Effect: fakejira.Respond, Status: 200, Body: login}, "not JSON"},
		"bad request":          {respond(400, nil), "400 Bad Request"},
		"allow list":           {respond(403, nil), "IP allow list"},
		"suspended":            {respond(404, nil), "is the site suspended"},
		"removed":              {respond(410, nil), "410 Gone"},
		"broken":               {respond(500, nil), "500 Internal Server Error"},
		"cut off":              {fakejira.Fault{Effect: fakejira.LoseRequest}, "does not answer"},
		"half an answer":       {fakejira.Fault{Effect: fakejira.Truncate}, "read answer"},
	} {
		t.Run(name, func(t *testing.T) {
			for flavour, search := range searches {
				for _, route := range []string{search, fakejira.RouteMyself} {
					synctest.Test(t, func(t *testing.T) {
						b := start(t, flavour, faulty)
						ref, _ := b.issue(t)
						require.NoError(t, b.poll(t))
						<-time.After(10 * time.Minute) // the login has to be proven again
						tc.fault.Route = route
						remove := b.Inject(tc.fault)
						require.Error(t, b.poll(t))
						require.ErrorContains(t, b.c.Health(), tc.says)
						_, err := b.c.Issue(t.Context(), ref.ID)
						require.NoError(t, err)
						require.ErrorContains(t, b.c.Health(), tc.says, "the poll still fails")
						_, err = b.c.Issue(t.Context(), "99999")
						require.Error(t, err)
						require.ErrorContains(t, b.c.Health(), tc.says)
						remove()
						require.NoError(t, b.poll(t))
						require.NoError(t, b.c.Health())
					})
				}
			}
		})
	}
}

// TestRefusalsThatAreNoTrouble: they are about one issue, field or person, or
// have another way.
func TestRefusalsThatAreNoTrouble(t *testing.T) {
	for name, tc := range map[string]struct {
		fault fakejira.Fault
		call  func(t *testing.T, b *bench, ref access.IssueRef)
	}{
		"deleted issue": {fakejira.Fault{Route: fakejira.RouteIssue, Effect: fakejira.Respond, Status: 404}, func(t *testing.T, b *bench, ref access.IssueRef) {
			_, err := b.c.Issue(t.Context(), ref.ID)
			require.ErrorIs(t, err, access.ErrNotFound)
		}},
		"refused field": {respond(400, nil), func(t *testing.T, b *bench, _ access.IssueRef) {
			_, err := b.c.CreateIssue(t.Context(), draft())
			require.Error(t, err)
		}},
		"no right to read groups": {respond(403, nil), func(t *testing.T, b *bench, _ access.IssueRef) {
			_, err := b.c.InGroups(t.Context(), access.Actor{ID: fakejira.BobID}, []string{"admins"})
			require.Error(t, err)
		}},
		"too many calls": {respond(429, nil), func(t *testing.T, b *bench, _ access.IssueRef) {
			require.Error(t, b.poll(t))
		}},
		"unknown status": {fakejira.Fault{Effect: fakejira.Respond, Status: 400, Times: 1}, func(t *testing.T, b *bench, _ access.IssueRef) {
			require.NoError(t, b.poll(t))
		}},
		"no search by POST": {fakejira.Fault{Effect: fakejira.Respond, Status: 405, Method: http.MethodPost}, func(t *testing.T, b *bench, _ access.IssueRef) {
			require.NoError(t, b.poll(t))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := start(t, fakejira.Cloud, faulty)
				ref, _ := b.issue(t)
				require.NoError(t, b.poll(t))
				b.Inject(tc.fault)
				tc.call(t, b, ref)
				require.NoError(t, b.c.Health())
			})
		})
	}
}

// TestAnswerThatIsNotJirasIsTrouble wherever it comes from, until Jira itself
// answers again.
func TestAnswerThatIsNotJirasIsTrouble(t *testing.T) {
	for says, fault := range map[string]fakejira.Fault{
		"a redirect":      {Effect: fakejira.Redirect, Body: "https://sso.example.com"},
		"not JSON":        {Effect: fakejira.Respond, Status: http.StatusOK, Body: "<html>login</html>"},
		"but not Jira's;": {Effect: fakejira.Respond, Status: http.StatusOK, Body: fakejira.MaintenancePage},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := start(t, fakejira.Cloud, faulty)
			ref, _ := b.issue(t)
			fault.Route = fakejira.RouteComments
			remove := b.Inject(fault)
			_, err := b.c.CommentKeys(t.Context(), ref)
			require.Error(t, err)
			require.ErrorContains(t, b.c.Health(), says)
			remove()
			_, err = b.c.CommentKeys(t.Context(), ref)
			require.NoError(t, err)
			require.NoError(t, b.c.Health())
		})
	}
}

// TestAnonymousLoginIsTrouble: Jira answers /myself, and does not say who.
func TestAnonymousLoginIsTrouble(t *testing.T) {
	b := start(t, fakejira.Cloud, faulty)
	b.Inject(fakejira.Fault{Route: fakejira.RouteMyself, Effect: fakejira.Respond, Status: http.StatusOK, Body: "{}"})
	require.Error(t, b.c.Connect(t.Context()))
	require.ErrorContains(t, b.c.Health(), "refuses the login")
	require.Error(t, b.poll(t), "nothing is searched as nobody")
}
