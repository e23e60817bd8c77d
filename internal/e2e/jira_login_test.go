package e2e

import (
	"net/http"
	"testing"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
)

// What Jira says about the login and about rights is told apart, and with it what
// to do.

func TestStartSaysWhatKindOfLoginJiraRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		flavour fakejira.Flavour
		spoil   func(w *world)
		says    []string
	}{
		"captcha": {fakejira.DataCenter, func(w *world) {
			w.conf.Drop("jira", "api_token")
			w.set("jira", "username", fakejira.BotID)
			w.set("jira", "api_token", fakejira.BotToken)
			w.changeBot(func(a *fakejira.Account) { a.Captcha = true })
		}, []string{"login", "log in there once as the daemon's account"}},
		"basic authentication off": {fakejira.DataCenter, func(w *world) {
			w.jira.Inject(fakejira.Fault{
				Effect: fakejira.Respond, Status: http.StatusForbidden,
				Body: `{"message":"Basic Authentication has been disabled on this instance."}`,
			})
		}, []string{"login", "personal access token"}},
		"no scope for the login": {fakejira.Cloud, func(w *world) {
			w.changeBot(func(a *fakejira.Account) { a.Scopes = []string{"read:jira-work"} })
		}, []string{"scope read:jira-user", "create a token with the scopes"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(o *options) { o.jira = fakejira.Board(tc.flavour) })
			w.conf.Drop("log", "severity")
			tc.spoil(w)
			w.launch()
			require.Equal(t, 1, w.exit())
			requireComplaint(t, w.log.String(), tc.says...)
		})
	}
}

func (w *world) changeBot(change func(*fakejira.Account)) {
	w.t.Helper()
	require.NoError(w.t, w.jira.ChangeAccount(fakejira.BotID, change))
}

// TestTokenWithoutOneScopeStartsAndSaysWhichIsMissing: reading the create screen
// is for the check alone, so that decisions work.
func TestTokenWithoutOneScopeStartsAndSaysWhichIsMissing(t *testing.T) {
	w := newWorld(t)
	w.conf.Drop("log", "severity")
	w.changeBot(func(a *fakejira.Account) {
		a.Scopes = []string{"read:jira-work", "write:jira-work", "read:jira-user"}
		a.DeniedRoutes = []string{fakejira.RouteCreateTypes, fakejira.RouteCreateFields}
	})
	w.start()
	w.logged("jira works but should be changed", "scope read:jira-work")
	id, issue := w.pending()
	w.drag(issue, "Approved", fakejira.BobID)
	w.inState(id, types.RequestState_APPROVED)
}
