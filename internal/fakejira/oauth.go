package fakejira

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// TokenPath is where access tokens come from: Data Center's own path, and on Cloud
// that of auth.atlassian.com, for which the double stands, too.
func (s *Server) TokenPath() string {
	if s.opts.Flavour == DataCenter {
		return s.opts.PathPrefix + "/rest/oauth2/latest/token"
	}
	return "/oauth/token"
}

// OAuthClient is a client of OAuth 2.0 with client credentials, which works as one
// account: a service account's credential on Cloud, an incoming link's with a
// service account on Data Center 11. Tokens end an hour after they were made on
// Cloud, as Atlassian documents it; Lifetime says otherwise.
type OAuthClient struct {
	ID, Secret string
	Account    string // its id
	Lifetime   time.Duration
}

// accessToken is one that was granted.
type accessToken struct {
	account string
	scopes  []string
	expires time.Time
}

// SetOAuthClient adds or replaces a client. The tokens that it has stay.
func (s *Server) SetOAuthClient(c OAuthClient) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.Lifetime == 0 {
		c.Lifetime = time.Hour
	}
	if s.oauthClients == nil {
		s.oauthClients, s.accessTokens = map[string]OAuthClient{}, map[string]accessToken{}
	}
	s.oauthClients[c.ID] = c
}

// RevokeAccessTokens ends all access tokens.
func (s *Server) RevokeAccessTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.accessTokens)
}

// AccessTokensGranted is how many tokens have been granted.
func (s *Server) AccessTokensGranted() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tokensGranted
}

// serveToken answers as RFC 6749, sections 4.4 and 5, says.
func (s *Server) serveToken(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	answer := func(status int, body map[string]any) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(body)
	}
	if r.Method != http.MethodPost || r.ParseForm() != nil {
		answer(http.StatusBadRequest, map[string]any{"error": "invalid_request"})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	client, known := s.oauthClients[r.PostForm.Get("client_id")]
	switch {
	case r.PostForm.Get("grant_type") != "client_credentials":
		answer(http.StatusBadRequest, map[string]any{"error": "unsupported_grant_type"})
	case !known || client.Secret != r.PostForm.Get("client_secret"):
		answer(http.StatusUnauthorized, map[string]any{"error": "invalid_client", "error_description": "Unauthorized"})
	default:
		token := rand.Text()
		scope := r.PostForm.Get("scope")
		s.accessTokens[token] = accessToken{account: client.Account, scopes: strings.Fields(scope), expires: now().Add(client.Lifetime)}
		s.tokensGranted++
		answer(http.StatusOK, map[string]any{
			"access_token": token, "token_type": "Bearer", "expires_in": int(client.Lifetime.Seconds()), "scope": scope,
		})
	}
}

// bearer finds the account of a bearer token. The lock is held.
func (s *Server) bearer(token string) *Account {
	granted, ok := s.accessTokens[token]
	if !ok || !now().Before(granted.expires) {
		return s.world.find(func(a *Account) bool { return a.PAT != "" && a.PAT == token })
	}
	a := s.world.find(func(a *Account) bool { return a.ID == granted.account })
	if a == nil || s.opts.Flavour == DataCenter {
		return a
	}
	scoped := *a
	scoped.Scopes = granted.scopes
	return &scoped
}

// gatewayRefuses is how api.atlassian.com answers a token that has ended.
func gatewayRefuses() answer {
	return answer{
		status: http.StatusUnauthorized, header: http.Header{"Content-Type": {"application/json"}},
		body: []byte(`{"code":401,"message":"Unauthorized"}`),
	}
}
