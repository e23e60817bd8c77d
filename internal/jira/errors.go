package jira

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"teleport-jira/internal/access"
	"teleport-jira/internal/jira/throttle"
)

// classify decides by status what may be done about an error answer, where what
// Jira says about the login does not.
func classify(status int) access.Class {
	switch status {
	case http.StatusUnauthorized:
		return access.Unauth
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return access.Limited
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusLocked, http.StatusTooEarly:
		return access.Temporary
	}
	if status >= 500 {
		return access.Temporary
	}
	return access.Permanent
}

// ambiguousAfter reports whether a write may have had its effect although it was
// answered like this. A 503 says that it had none, unless it comes from a
// gateway that answers so, too, when it lost Jira's answer; a 408 may come from
// one that waited for Jira.
func ambiguousAfter(resp *http.Response, body []byte) bool {
	switch resp.StatusCode {
	case http.StatusRequestTimeout:
		return true
	case http.StatusServiceUnavailable:
		return resp.Header.Get("Retry-After") == "" && lostBehindGateway(body)
	}
	return resp.StatusCode >= 500
}

// maxErrorBody is as much of an error answer as is looked at.
const maxErrorBody = 64 << 10

// lostBehindGateway recognises the pages of Envoy and Varnish for a backend that
// did not answer.
func lostBehindGateway(page []byte) bool {
	page = bytes.ToLower(page)
	return slices.ContainsFunc([]string{
		"disconnect/reset before headers", "backend fetch failed", "guru meditation",
	}, func(words string) bool { return bytes.Contains(page, []byte(words)) })
}

// answerError is the error for an answer that is not 2xx.
func (c *Client) answerError(k call, resp *http.Response, body []byte) *access.Error {
	body = bytes.ToValidUTF8(body[:min(len(body), maxErrorBody)], nil)
	parsed := parseRefusal(body)
	text := cmp.Or(parsed.text(c.redact), http.StatusText(resp.StatusCode))
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		text = "redirects are refused, check the configured address"
	}
	refused := &refusedError{
		status: resp.StatusCode, text: text, fields: slices.Sorted(maps.Keys(parsed.fields)),
		login: loginFaultOf(resp, body),
	}
	class := classify(resp.StatusCode)
	switch {
	case lacksScope(resp.StatusCode, body):
		// Jira knows the account, so that nothing is wrong with the login.
		refused.scope, refused.login, class = scopeFor(k), "", access.Permanent
	case refused.login != "":
		class = access.Unauth
	}
	e := k.error(class, refused)
	if resp.StatusCode == http.StatusNotFound && strings.HasPrefix(k.endpoint, "/issue/{issue}") {
		e.Err = fmt.Errorf("%w: %w", access.ErrNotFound, e.Err)
	}
	e.Status = resp.StatusCode
	e.After = throttle.RetryAfter(resp, time.Now())
	e.Ambiguous = !k.read && ambiguousAfter(resp, body)
	return e
}

// transportError is the error for a call without an answer.
func (c *Client) transportError(k call, err error, sent bool) *access.Error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err // without the address, which may be long
	}
	e := k.error(access.Temporary, err)
	var backoff *throttle.BackoffError
	if errors.As(err, &backoff) {
		e.Class, e.After = access.Limited, backoff.After
	}
	e.Ambiguous = !k.read && sent
	return e
}

// redact removes the token, should an answer have repeated it: as it is, or as
// it stands in the Authorization header of basic authentication.
func (c *Client) redact(text string) string {
	const shown = "<secret>"
	token := c.cfg.Token()
	if token == "" {
		return text
	}
	header := base64.RawStdEncoding.EncodeToString([]byte(c.cfg.Username + ":" + token))
	return strings.NewReplacer(header, shown, token, shown).Replace(text)
}
