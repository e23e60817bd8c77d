package jira

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"teleport-jira/internal/wikitext"
)

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
