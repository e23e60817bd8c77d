package jira

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
	"golang.org/x/sync/singleflight"
)

const (
	// tokenTimeout bounds the call for an access token.
	tokenTimeout = 10 * time.Second
	// renewBefore is how long before its end an access token is replaced, or a
	// fifth of its life where that is less.
	renewBefore = 2 * time.Minute
	// renewRefused is how old an access token has to be for a 401 to end it. A
	// younger one is not what Jira refuses.
	renewRefused = 10 * time.Second
)

// OAuth is a client of OAuth 2.0 with client credentials: a service account on
// Cloud (https://support.atlassian.com/user-management/docs/create-oauth-2-0-credential-for-service-accounts/),
// an incoming link's on Data Center.
type OAuth struct {
	ClientID string
	// Secret is asked for before every call for a token.
	Secret   TokenSource
	TokenURL string
	Scopes   []string
}

// tokenError is why there is no access token.
type tokenError struct {
	refused bool // by the authorization server, which works
	err     error
}

// Error implements error.
func (e *tokenError) Error() string { return "get access token: " + e.err.Error() }

// Unwrap returns what went wrong.
func (e *tokenError) Unwrap() error { return e.err }

// oauthTokens keeps the access token and renews it. Safe for concurrent use: one
// call asks for a token, all others wait for it.
type oauthTokens struct {
	cfg   OAuth
	http  *http.Client
	calls singleflight.Group

	mu     sync.Mutex
	held   heldToken // guarded by mu
	passed string    // the token before, which answers may still repeat; guarded by mu
}

// heldToken is an access token and what it was got by.
type heldToken struct {
	access, secret string
	got, expires   time.Time // expires is zero where nothing says when it ends
}

func newOAuthTokens(cfg OAuth, base http.RoundTripper) *oauthTokens {
	return &oauthTokens{cfg: cfg, http: &http.Client{
		Transport: base, Timeout: tokenTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// isDue reports whether the token is to be replaced.
func (t heldToken) isDue(secret string, now time.Time) bool {
	if t.access == "" || t.secret != secret {
		return true
	}
	return !t.expires.IsZero() && t.expires.Sub(now) < min(renewBefore, t.expires.Sub(t.got)/5)
}

// token returns an access token that is good for a while. Where no new one is to be
// had, the old one does until its end.
func (o *oauthTokens) token(ctx context.Context) (string, error) {
	held := o.current()
	secret := o.cfg.Secret()
	if !held.isDue(secret, time.Now()) {
		return held.access, nil
	}
	fresh, err := o.renew(ctx)
	if err != nil && held.access != "" && held.secret == secret && time.Now().Before(held.expires) {
		return held.access, nil
	}
	return fresh, err
}

// current is the token that is held.
func (o *oauthTokens) current() heldToken {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.held
}

// renew asks for a token, once for all who wait for it.
func (o *oauthTokens) renew(ctx context.Context) (string, error) {
	result := o.calls.DoChan("", func() (any, error) { return o.request(context.WithoutCancel(ctx)) })
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case r := <-result:
		token, _ := r.Val.(string)
		return token, r.Err
	}
}

// request asks the authorization server.
func (o *oauthTokens) request(ctx context.Context) (string, error) {
	secret := o.cfg.Secret()
	if held := o.current(); !held.isDue(secret, time.Now()) {
		return held.access, nil // renewed since it was looked at
	}
	client := clientcredentials.Config{
		ClientID: o.cfg.ClientID, ClientSecret: secret, TokenURL: o.cfg.TokenURL, Scopes: o.cfg.Scopes,
		AuthStyle: oauth2.AuthStyleInParams,
	}
	answer, err := client.Token(context.WithValue(ctx, oauth2.HTTPClient, o.http))
	if err != nil {
		return "", asTokenError(err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.passed = o.held.access
	o.held = heldToken{access: answer.AccessToken, secret: secret, got: time.Now(), expires: answer.Expiry}
	return answer.AccessToken, nil
}

// asTokenError classes an error, and leaves out what an answer may repeat.
func asTokenError(err error) error {
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) || refused.Response == nil {
		return &tokenError{err: err}
	}
	status := refused.Response.StatusCode
	out := &tokenError{
		refused: status >= 400 && status < 500 && status != http.StatusTooManyRequests && status != http.StatusRequestTimeout,
		err:     fmt.Errorf("%d %s", status, http.StatusText(status)),
	}
	if code := refused.ErrorCode; code != "" {
		out.err = fmt.Errorf("%w, %.100q", out.err, code)
	}
	return out
}

// giveUp reports whether a refused token may be replaced, and ends it.
func (o *oauthTokens) giveUp(token string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.held.access != token {
		return true // Somebody else has replaced it.
	}
	if time.Since(o.held.got) < renewRefused {
		return false
	}
	o.held.secret, o.held.expires = "", o.held.got
	return true
}

// secrets returns what must never be shown.
func (o *oauthTokens) secrets() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return []string{o.cfg.Secret(), o.held.access, o.passed}
}

// oauthTransport sends calls with an access token, and once more with a new one
// where Jira answers 401: what it refused so, it has not done.
type oauthTransport struct {
	tokens *oauthTokens
	next   http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t *oauthTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	token, err := t.tokens.token(req.Context())
	if err != nil {
		return nil, err
	}
	resp, err := t.next.RoundTrip(bearing(req, token))
	if err != nil || resp.StatusCode != http.StatusUnauthorized || req.Body != nil && req.GetBody == nil || !t.tokens.giveUp(token) {
		return resp, err
	}
	again := bearing(req, "")
	if req.GetBody != nil {
		if again.Body, err = req.GetBody(); err != nil {
			return resp, nil //nolint:nilerr // the answer is still there
		}
	}
	if token, err = t.tokens.token(req.Context()); err != nil {
		drain(resp.Body)
		return nil, err
	}
	drain(resp.Body)
	return t.next.RoundTrip(bearing(again, token))
}

// bearing returns a copy of the request with the token.
func bearing(req *http.Request, token string) *http.Request {
	req = req.Clone(req.Context())
	req.Header.Set("Authorization", "Bearer "+token)
	return req
}
