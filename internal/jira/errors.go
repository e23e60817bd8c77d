package jira

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"teleport-jira/internal/access"
	"teleport-jira/internal/jira/throttle"
	"teleport-jira/internal/wikitext"
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
	if untrusted := (x509.UnknownAuthorityError{}); errors.As(err, &untrusted) {
		err = fmt.Errorf("%w: name a PEM file with the CA of Jira's certificate in jira.ca_file", err)
	}
	e := k.error(access.Temporary, err)
	var backoff *throttle.BackoffError
	if errors.As(err, &backoff) {
		e.Class, e.After = access.Limited, backoff.After
	}
	var away *awayError
	if errors.As(err, &away) && away.why.Class == access.Unauth {
		e.Class = access.Unauth
	}
	e.Ambiguous = !k.read && sent
	var noToken *tokenError
	if errors.As(err, &noToken) {
		e.Ambiguous = false
		if noToken.refused {
			e.Class = access.Unauth
		}
	}
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
	if c.oauth != nil {
		for _, secret := range c.oauth.secrets() {
			if secret != "" {
				text = strings.ReplaceAll(text, secret, shown)
			}
		}
	}
	header := base64.RawStdEncoding.EncodeToString([]byte(c.cfg.Username + ":" + token))
	return strings.NewReplacer(header, shown, token, shown).Replace(text)
}

// How long an answer is lies in the hands of everybody who may comment on an
// issue, edit it or move it. What is read of one is bounded, and so is what all
// workers hold at once.
const (
	// maxAnswer is the most bytes of an answer that are read, unless the call has
	// a limit of its own.
	maxAnswer = 10 << 20
	// maxWholeIssue is the most bytes of an issue that is read in one call, with
	// comments and changelog. A longer one is read in parts.
	maxIssueAnswer = 1 << 20
	// smallAnswer is how many bytes every call may read without waiting.
	smallAnswer = 256 << 10
	// largeAnswers is how many answers longer than that are read at once.
	largeAnswers = 4
)

// errTooLong: the answer has more bytes than are read of it. Asking again does
// not help; asking for less does.
var errTooLong = errors.New("the answer is too long")

// largeSlots holds a token for each large answer that is being read.
type largeSlots chan struct{}

// answerReader reads the body of one answer up to a limit, and waits for a slot
// before it reads more than smallAnswer of it.
type answerReader struct {
	ctx   context.Context //nolint:containedctx // io.Reader takes none, and the reader lives no longer than the call
	body  io.Reader
	limit int64
	read  int64
	slots largeSlots
	held  bool
}

// Read implements io.Reader.
func (r *answerReader) Read(p []byte) (int, error) {
	if r.read >= smallAnswer && !r.held {
		select {
		case r.slots <- struct{}{}:
			r.held = true
		case <-r.ctx.Done():
			return 0, r.ctx.Err()
		}
	}
	if int64(len(p)) > r.limit+1-r.read {
		p = p[:r.limit+1-r.read]
	}
	n, err := r.body.Read(p)
	if r.read += int64(n); r.read > r.limit {
		return n, errTooLong
	}
	return n, err
}

// release gives the slot back. It is called when the answer is decoded.
func (r *answerReader) release() {
	if r.held {
		<-r.slots
		r.held = false
	}
}

// streamed is an answer that is decoded while it is read, so that a long one is
// never in memory as a whole.
type streamed interface{ decodeFrom(d *json.Decoder) error }

// skipped is a value that is read and not kept.
type skipped struct{}

// UnmarshalJSON implements json.Unmarshaler.
func (*skipped) UnmarshalJSON([]byte) error { return nil }

// decodeObject reads an object: the fields named by what is given for them, the
// others are skipped.
func decodeObject(d *json.Decoder, fields map[string]func() error) error {
	if err := expect(d, '{'); err != nil {
		return err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		text, _ := name.(string)
		if read, wanted := fields[text]; wanted {
			err = read()
		} else {
			err = d.Decode(&skipped{})
		}
		if err != nil {
			return err
		}
	}
	return expect(d, '}')
}

// decodeArray reads an array; one reads an element.
func decodeArray(d *json.Decoder, one func() error) error {
	if err := expect(d, '['); err != nil {
		return err
	}
	for d.More() {
		if err := one(); err != nil {
			return err
		}
	}
	return expect(d, ']')
}

func expect(d *json.Decoder, delim json.Delim) error {
	token, err := d.Token()
	if err == nil && token != delim {
		return errNotJira
	}
	return err
}

const (
	// maxErrorText bounds what of Jira's own words goes into an error.
	maxErrorText = 400
	// maxNesting bounds how deep texts are looked for in an error answer.
	maxNesting = 6
)

// refusal is the body of an error answer. Its texts are localised and
// untrusted: for people to read, never to decide by. Fields says what was wrong
// by field id.
//
// Jira, its gateways and apps send it in many shapes. Every part is decoded by
// itself, so that an odd one costs nothing but itself; a body without any part
// that is known is shown as it is.
type refusal struct {
	messages []string
	fields   map[string]string
}

func parseRefusal(body []byte) refusal {
	r := refusal{fields: map[string]string{}}
	r.collect(body, 0)
	if text := bytes.TrimSpace(body); len(r.messages) == 0 && len(r.fields) == 0 && len(text) > 0 {
		r.messages = []string{plainText(text)}
	}
	return r
}

// collect takes what it knows out of one object.
func (r *refusal) collect(raw json.RawMessage, depth int) {
	var parts map[string]json.RawMessage
	if depth > maxNesting || json.Unmarshal(raw, &parts) != nil {
		return
	}
	if field := textOf(parts["field"], depth); field != "" { // an element of a list of errors
		r.fields[field] = textOf(parts["message"], depth)
		delete(parts, "message")
	}
	for _, name := range []string{"errorMessages", "message", "errorMessage", "error_description", "detail"} {
		r.messages = append(r.messages, textsOf(parts[name], depth)...)
	}
	r.collect(parts["elementErrors"], depth+1)
	for _, name := range []string{"errors", "error"} {
		r.collectErrors(parts[name], depth+1)
	}
}

// collectErrors takes errors by field, a list of texts or objects, or one text.
func (r *refusal) collectErrors(raw json.RawMessage, depth int) {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil {
		for _, each := range list {
			if text := textOf(each, depth); text != "" && !isObject(each) {
				r.messages = append(r.messages, text)
				continue
			}
			r.collect(each, depth+1)
		}
		return
	}
	var byField map[string]json.RawMessage
	if json.Unmarshal(raw, &byField) != nil {
		r.messages = append(r.messages, textsOf(raw, depth)...)
		return
	}
	for field, value := range byField {
		r.fields[field] = textOf(value, depth)
	}
}

func isObject(raw json.RawMessage) bool { return bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) }

// textOf is all text of a value in one line.
func textOf(raw json.RawMessage, depth int) string { return strings.Join(textsOf(raw, depth), ", ") }

// textsOf are the texts of a value: itself, or those within a list or an object.
func textsOf(raw json.RawMessage, depth int) []string {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || depth > maxNesting {
		return nil
	}
	switch raw[0] {
	case '[':
		var list []json.RawMessage
		if json.Unmarshal(raw, &list) != nil {
			return nil
		}
		var all []string
		for _, each := range list {
			all = append(all, textsOf(each, depth+1)...)
		}
		return all
	case '{':
		nested := refusal{fields: map[string]string{}}
		nested.collect(raw, depth+1)
		return nested.parts()
	}
	var t text
	if t.UnmarshalJSON(raw) != nil || t == "" {
		return nil
	}
	return []string{string(t)}
}

// parts are messages and fields, in a fixed order.
func (r refusal) parts() []string {
	parts := slices.Clone(r.messages)
	for _, field := range slices.Sorted(maps.Keys(r.fields)) {
		parts = append(parts, field+": "+r.fields[field])
	}
	return parts
}

// text is the refusal in one short line, without what redact removes. That
// goes before cutting: half a token is no longer recognised.
func (r refusal) text(redact func(string) string) string {
	return wikitext.LimitPlain(wikitext.Line(redact(strings.Join(r.parts(), "; "))), maxErrorText)
}

var (
	pageTitle = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)
	markup    = regexp.MustCompile(`(?s)<(?:!--.*?--|[^>]*)>`)
)

// plainText is the text of a body that is no error of Jira's: a page's title and
// text without its markup, or what there is.
func plainText(body []byte) string {
	if body[0] != '<' {
		return string(body)
	}
	title := pageTitle.FindSubmatch(body)
	words := strings.Fields(markup.ReplaceAllString(string(pageTitle.ReplaceAll(body, nil)), " "))
	if title != nil {
		words = append(strings.Fields(string(title[1])), words...)
	}
	return strings.Join(words, " ")
}

// refusedError is an error answer.
type refusedError struct {
	status int
	text   string
	fields []string   // ids of the fields that Jira names; sorted
	login  loginFault // what is wrong with the login; "" where nothing is known to be
	scope  string     // of a token that lacks it; "" where that is not it
}

// Is makes it an access.ErrRefused where Jira has read the call and refuses what
// it asks for.
func (r *refusedError) Is(target error) bool {
	return target == access.ErrRefused && (r.status == http.StatusBadRequest || r.status == http.StatusUnprocessableEntity)
}

// Error implements error.
func (r *refusedError) Error() string {
	what := fmt.Sprintf("Jira answered %d: %s", r.status, r.text)
	switch {
	case r.scope != "":
		return what + fmt.Sprintf(" (the token lacks the scope %s)", r.scope)
	case r.login == loginProven:
		return what + " (the login itself works: this is a missing right)"
	}
	return what
}
