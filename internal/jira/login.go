package jira

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"teleport-jira/internal/access"
)

// loginFault is what an error answer says about the login: in headers and in the
// servlet's own words, which are not localised.
type loginFault string

const (
	// loginRejected: a wrong, revoked or expired token, or no reason at all.
	loginRejected loginFault = "rejected"
	// loginCaptcha: after failed logins, Data Center demands one in the browser.
	loginCaptcha loginFault = "captcha"
	// loginBasicOff: basic authentication is switched off, as by default from Data
	// Center 11 on.
	loginBasicOff loginFault = "basic_off"
	// loginDenied: the account may not read about itself, and nothing says why.
	loginDenied loginFault = "denied"
	// loginOAuth: the authorization server gives the client no access token, or
	// Jira does not take it.
	loginOAuth loginFault = "oauth"
	// loginProven: the answer is 401, and yet the account is logged in.
	loginProven loginFault = "proven"
)

// loginFaultOf returns what an error answer says about the login; "" when it says
// nothing.
func loginFaultOf(resp *http.Response, body []byte) loginFault {
	if resp.StatusCode != http.StatusUnauthorized && resp.StatusCode != http.StatusForbidden {
		return ""
	}
	page := bytes.ToLower(body)
	reason := strings.ToUpper(resp.Header.Get("X-Seraph-LoginReason"))
	denied := strings.ToUpper(resp.Header.Get("X-Authentication-Denied-Reason"))
	switch {
	case strings.Contains(denied, "CAPTCHA"), strings.Contains(reason, "AUTHENTICATION_DENIED"):
		return loginCaptcha
	case bytes.Contains(page, []byte("basic auth")) && (bytes.Contains(page, []byte("disabled")) || bytes.Contains(page, []byte("not allowed"))):
		return loginBasicOff
	case resp.StatusCode == http.StatusUnauthorized && offersOnlyTokens(resp.Header.Values("WWW-Authenticate")):
		return loginBasicOff
	case denied != "", strings.Contains(reason, "AUTHENTICATED_FAILED"), resp.StatusCode == http.StatusUnauthorized:
		return loginRejected
	}
	return ""
}

// offersOnlyTokens reports whether the challenges name bearer tokens and nothing
// that goes with a user name. Data Center names OAuth whatever it takes.
func offersOnlyTokens(challenges []string) bool {
	bearer := false
	for _, challenge := range challenges {
		scheme, _, _ := strings.Cut(strings.TrimSpace(challenge), " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return false
		}
		bearer = true
	}
	return bearer
}

// lacksScope recognises the answer of Atlassian's gateway to a token without the
// scope that an endpoint needs.
func lacksScope(status int, body []byte) bool {
	return (status == http.StatusUnauthorized || status == http.StatusForbidden) &&
		bytes.Contains(bytes.ToLower(body), []byte("scope does not match"))
}

// scopeFor returns the scope that a call needs of a scoped token.
func scopeFor(k call) string {
	for _, prefix := range []string{myselfEndpoint, "/user", "/group"} {
		if strings.HasPrefix(k.endpoint, prefix) {
			return "read:jira-user"
		}
	}
	if k.read || k.method == http.MethodGet {
		return "read:jira-work"
	}
	return "write:jira-work"
}

// remedy is what an administrator does about the fault.
func (f loginFault) remedy(username bool) string {
	const reissue = "check jira.username and jira.api_token: the token may be wrong, revoked or expired; " +
		"on Data Center leave username empty for a personal access token"
	switch {
	case f == loginOAuth:
		return "check jira.oauth: client_id, client_secret and token_url, and that the client has the scopes"
	case f == loginCaptcha:
		return "Jira demands a login in the browser after failed ones: log in there once as the daemon's account, or reset its failed logins; " +
			"a personal access token (leave jira.username empty) is never locked out"
	case f == loginBasicOff && username:
		return "basic authentication is switched off in Jira: leave jira.username empty and put a personal access token into jira.api_token"
	case f == loginDenied:
		return "an IP allow list or a gateway may keep this host out, or Jira may not let this account in: give it access to the product; " +
			"on Data Center leave username empty for a personal access token"
	}
	return reissue
}

// health is how the fault shows while the daemon runs.
func (f loginFault) health() error {
	switch f {
	case loginCaptcha:
		return errors.New("jira refuses the login: it demands one in the browser (CAPTCHA) after failed ones")
	case loginOAuth:
		return errors.New("jira refuses the login: there is no access token for jira.oauth.client_id")
	case loginBasicOff:
		return errors.New("jira refuses the login: basic authentication is switched off, use a personal access token")
	}
	return errRefused
}

// loginFaultIn returns the fault that an error names; loginRejected where it names
// none.
func loginFaultIn(err error) loginFault {
	var noToken *tokenError
	if errors.As(err, &noToken) {
		return loginOAuth
	}
	var refused *refusedError
	if errors.As(err, &refused) && refused.login != "" {
		return refused.login
	}
	return loginRejected
}

// missingScope returns the scope that an error names; "" where it names none.
func missingScope(err error) string {
	var refused *refusedError
	if errors.As(err, &refused) {
		return refused.scope
	}
	return ""
}

// confirm tells a refused login from a missing right: gateways and apps answer 401
// for either. Where the account is logged in all the same, the error becomes a
// permanent one.
func (c *Client) confirm(ctx context.Context, k call, err *access.Error, began time.Time) *access.Error {
	if err == nil || err.Class != access.Unauth || k.endpoint == myselfEndpoint || loginFaultIn(err) != loginRejected {
		return err
	}
	if !c.loggedInSince(ctx, began) {
		return err
	}
	var answer *refusedError
	if !errors.As(err, &answer) {
		return err
	}
	proven := *answer
	proven.login = loginProven
	right := *err
	right.Class, right.Err = access.Permanent, &proven
	return &right
}

// loggedInSince reports whether the login was proven after a time. It asks once
// for all calls that were refused together, and not at all while the login is
// known to be refused: Data Center locks an account out after a few failed ones.
func (c *Client) loggedInSince(ctx context.Context, at time.Time) bool {
	if c.health.loginProvenSince(at) {
		return true
	}
	proven, _, _ := c.proofs.Do(myselfEndpoint, func() (any, error) {
		switch {
		case c.health.loginProvenSince(at):
			return true, nil // by another call, since it was looked at
		case c.health.loginRefused():
			return false, nil
		}
		return c.probe(ctx) == nil, nil
	})
	return proven == true
}
