package jira_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/jira"
)

const oauthSecret = "secret-of-the-client"

// oauthClient is a client that logs in by OAuth to a Jira of the flavour.
func oauthClient(t *testing.T, flavour fakejira.Flavour, through func(http.Handler) http.Handler) (*jira.Client, *fakejira.Server, *atomic.Pointer[string]) {
	t.Helper()
	s, err := fakejira.New(fakejira.Board(flavour))
	require.NoError(t, err)
	t.Cleanup(s.Close)
	s.SetOAuthClient(fakejira.OAuthClient{ID: "client", Secret: oauthSecret, Account: fakejira.BotID})
	var handler http.Handler = s
	if through != nil {
		handler = through(s)
	}
	secret := &atomic.Pointer[string]{}
	set := oauthSecret
	secret.Store(&set)
	c, err := jira.New(jira.Config{
		URL: "https://jira.example.com", Projects: []string{"TAR"},
		OAuth: &jira.OAuth{
			ClientID: "client", Secret: func() string { return *secret.Load() },
			TokenURL: "https://jira.example.com" + s.TokenPath(), Scopes: []string{"read:jira-work", "write:jira-work", "read:jira-user"},
		},
	}, jira.Deps{Transport: fakejira.Direct(handler)})
	require.NoError(t, err)
	return c, s, secret
}

func TestOAuthTokenIsSharedAndRenewedBeforeItsEnd(t *testing.T) {
	for _, flavour := range []fakejira.Flavour{fakejira.Cloud, fakejira.DataCenter} {
		synctest.Test(t, func(t *testing.T) {
			c, s, _ := oauthClient(t, flavour, nil)
			var all sync.WaitGroup
			for range 20 {
				all.Go(func() { require.NoError(t, c.Connect(t.Context())) })
			}
			all.Wait()
			require.Equal(t, fakejira.BotID, c.Self().ID)
			require.Equal(t, 1, s.AccessTokensGranted(), "one token does for all")

			<-time.After(57 * time.Minute)
			require.NoError(t, c.Connect(t.Context()))
			require.Equal(t, 1, s.AccessTokensGranted())
			<-time.After(2 * time.Minute)
			require.NoError(t, c.Connect(t.Context()))
			require.Equal(t, 2, s.AccessTokensGranted(), "renewed before the hour has passed")
		})
	}
}

func TestRefusedAccessTokenIsReplacedOnceAndTheCallIsMade(t *testing.T) {
	for _, flavour := range []fakejira.Flavour{fakejira.Cloud, fakejira.DataCenter} {
		synctest.Test(t, func(t *testing.T) {
			c, s, _ := oauthClient(t, flavour, nil)
			require.NoError(t, c.Connect(t.Context()))
			<-time.After(time.Minute)
			s.RevokeAccessTokens()
			ref, err := c.CreateIssue(t.Context(), draft())
			require.NoError(t, err, "a write goes through as well: what was refused was not done")
			require.NotEmpty(t, ref.Key)
			require.Equal(t, 2, s.AccessTokensGranted())
			require.Len(t, s.Issues(), 1)
		})
	}
}

func TestJiraThatAnswers401IsNotAskedForEverNewTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s, _ := oauthClient(t, fakejira.Cloud, nil)
		require.NoError(t, c.Connect(t.Context()))
		<-time.After(time.Minute)
		s.Inject(fakejira.Fault{Effect: fakejira.Respond, Status: http.StatusUnauthorized, Times: 100})
		for range 10 {
			err := c.Connect(t.Context())
			require.Equal(t, access.Unauth, access.ClassOf(err), err)
		}
		require.Equal(t, 2, s.AccessTokensGranted())
	})
}

func TestOAuthClientThatIsRefusedIsALoginFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s, secret := oauthClient(t, fakejira.Cloud, nil)
		wrong, right := "wrong", *secret.Load()
		secret.Store(&wrong)
		err := c.Connect(t.Context())
		require.Equal(t, access.Unauth, access.ClassOf(err), err)
		require.ErrorContains(t, err, `401 Unauthorized, "invalid_client"`)
		require.NotContains(t, err.Error(), "wrong")
		require.ErrorContains(t, c.Health(), "jira.oauth.client_id")
		_, err = c.CreateIssue(t.Context(), draft())
		var e *access.Error
		require.ErrorAs(t, err, &e)
		require.False(t, e.Ambiguous, "nothing was sent")

		secret.Store(&right)
		require.NoError(t, c.Connect(t.Context()), "a new secret counts at once")
		require.NoError(t, c.Health())
		require.Equal(t, 1, s.AccessTokensGranted())
	})
}

func TestAuthorizationServerThatIsAwayIsTemporary(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var away atomic.Bool
		c, s, _ := oauthClient(t, fakejira.Cloud, func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if away.Load() && r.URL.Path == "/oauth/token" {
					http.Error(w, "client_secret="+oauthSecret, http.StatusServiceUnavailable)
					return
				}
				next.ServeHTTP(w, r)
			})
		})
		away.Store(true)
		_, err := c.CreateIssue(t.Context(), draft())
		var e *access.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, access.Temporary, e.Class)
		require.False(t, e.Ambiguous, "nothing was sent")
		require.NotContains(t, err.Error(), oauthSecret)

		away.Store(false)
		require.NoError(t, c.Connect(t.Context()))
		away.Store(true)
		<-time.After(59 * time.Minute)
		require.NoError(t, c.Connect(t.Context()), "the old token does until its end")
		require.Equal(t, 1, s.AccessTokensGranted())
		<-time.After(2 * time.Minute)
		require.Error(t, c.Connect(t.Context()))
	})
}

func TestCallerThatGivesUpDoesNotWaitForAToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		c, _, _ := oauthClient(t, fakejira.Cloud, func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				<-hang
				next.ServeHTTP(w, r)
			})
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		err := c.Connect(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Less(t, time.Since(began), 2*time.Second)
		close(hang)
		synctest.Wait()
	})
}

func TestAccessTokenIsNeverShown(t *testing.T) {
	var repeated string
	c, _, _ := oauthClient(t, fakejira.Cloud, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet || r.URL.Path == "/oauth/token" {
				next.ServeHTTP(w, r)
				return
			}
			repeated = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = fmt.Fprintf(w, `{"errorMessages":["who sends %s and %s?"]}`, repeated, oauthSecret)
		})
	})
	require.NoError(t, c.Connect(t.Context()))
	_, err := c.CreateIssue(t.Context(), draft())
	require.ErrorContains(t, err, "who sends <secret> and <secret>?")
	require.NotEmpty(t, repeated)
}
