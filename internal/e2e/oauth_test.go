package e2e

import (
	"os"
	"testing"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
)

const (
	clientSecret    = "hidden-secret-of-the-client"
	newClientSecret = "hidden-newer-secret-of-the-client"
)

// oauthWorld is a world whose daemon logs in by OAuth, with the secret in a file.
func oauthWorld(t *testing.T, flavour fakejira.Flavour) (w *world, secretFile string) {
	w = newWorld(t, func(o *options) { o.jira = fakejira.Board(flavour) })
	w.jira.SetOAuthClient(fakejira.OAuthClient{ID: "client", Secret: clientSecret, Account: fakejira.BotID})
	secretFile = w.path("client-secret")
	require.NoError(t, os.WriteFile(secretFile, []byte(clientSecret), 0o600))
	w.conf.Drop("jira", "api_token")
	w.conf.Drop("jira", "username")
	w.set("jira.oauth", "client_id", "client")
	w.set("jira.oauth", "client_secret_file", secretFile)
	w.set("jira.oauth", "token_url", w.site.URL()+w.jira.TokenPath())
	w.set("jira.oauth", "scopes", []string{"read:jira-work", "write:jira-work", "read:jira-user"})
	return w, secretFile
}

func TestOAuthInPlaceOfAToken(t *testing.T) {
	t.Parallel()
	for name, flavour := range map[string]fakejira.Flavour{"cloud": fakejira.Cloud, "data center": fakejira.DataCenter} {
		t.Run(name, func(t *testing.T) {
			w, secretFile := oauthWorld(t, flavour)
			w.start()
			id, issue := w.pending()
			w.drag(issue, "Approved", fakejira.BobID)
			w.inState(id, types.RequestState_APPROVED)
			require.Equal(t, 1, w.jira.AccessTokensGranted())
			require.Contains(t, w.run("check", "--config", w.confPath), "the access token is accepted, and renewed by itself")

			// A new secret counts without a restart, and without the old tokens.
			require.NoError(t, os.WriteFile(secretFile, []byte(newClientSecret), 0o600))
			w.jira.SetOAuthClient(fakejira.OAuthClient{ID: "client", Secret: newClientSecret, Account: fakejira.BotID})
			w.jira.RevokeAccessTokens()
			id, issue = w.pending()
			w.drag(issue, "Denied", fakejira.BobID)
			w.inState(id, types.RequestState_DENIED)
			w.notShown(clientSecret, newClientSecret)
		})
	}
}

// notShown checks that none of the secrets shows anywhere.
func (w *world) notShown(secrets ...string) {
	w.t.Helper()
	shown := w.shown()
	for _, s := range secrets {
		require.NotContains(w.t, shown, s)
	}
}

func TestStartSaysThatTheOAuthClientIsRefused(t *testing.T) {
	w, _ := oauthWorld(t, fakejira.Cloud)
	w.jira.SetOAuthClient(fakejira.OAuthClient{ID: "client", Secret: "another", Account: fakejira.BotID})
	w.conf.Drop("log", "severity")
	w.launch()
	require.Equal(t, 1, w.exit())
	requireComplaint(t, w.log.String(), "invalid_client", "check jira.oauth: client_id, client_secret")
	require.NotContains(t, w.log.String(), clientSecret)
}
