package wikitext

import (
	"regexp"
	"strings"
)

var (
	// link is a link or a mention in its brackets, as Jira writes them:
	// https://jira.atlassian.com/secure/WikiRendererHelpAction.jspa?section=links.
	// Cloud's editor adds what kind of link it is: |smart-link and the like.
	link = regexp.MustCompile(`\\?\[([^\[\]|\n]*)(?:\|([^\[\]|\n]+))?(?:\|[^\[\]\n]*)?\]`)
	// address is what a link leads to where it has no text.
	address = regexp.MustCompile(`^(?:[a-zA-Z][a-zA-Z0-9+.-]*://|mailto:)\S+$`)
	// frame begins or ends a part that Jira shows in a frame, a colour or a font.
	frame = regexp.MustCompile(`\{(?:quote|noformat|code(?::[^{}\n]*)?|panel(?::[^{}\n]*)?|color(?::[^{}\n]*)?)\}`)
	// heading begins a line.
	heading = regexp.MustCompile(`(?m)^(?:h[1-6]|bq)\.[ \t]+`)
	// escaped is a character that markup would be made of.
	escaped = regexp.MustCompile(`\\([\[\]{}*_+\-^~|!?#])`)
)

// Plain returns what somebody typed in a comment without the markup that Jira's
// editors make of it: links, mentions, frames, headings and escapes. Emphasis stays,
// because people type the same characters.
func Plain(text string) string {
	text = frame.ReplaceAllString(text, "")
	text = heading.ReplaceAllString(text, "")
	text = link.ReplaceAllStringFunc(text, plainLink)
	return escaped.ReplaceAllString(text, "$1")
}

// plainLink is a link or mention as text; brackets that are neither stay.
func plainLink(markup string) string {
	if strings.HasPrefix(markup, `\`) {
		return markup
	}
	parts := link.FindStringSubmatch(markup)
	shown, to := parts[1], parts[2]
	switch {
	case strings.HasPrefix(shown, "~"):
		return "@" + strings.TrimPrefix(shown[1:], "accountid:")
	case to == "" && address.MatchString(shown):
		return strings.TrimPrefix(shown, "mailto:")
	case to == "":
		return markup
	case shown == to || shown == "":
		return to
	}
	return shown + " (" + to + ")"
}
