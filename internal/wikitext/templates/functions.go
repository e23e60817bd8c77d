package templates

import (
	"fmt"
	"net/url"
	"strings"
	"text/template"
	"time"

	"teleport-jira/internal/wikitext"
)

const escapeFunction = "_escape"

// functions are what templates may call; link exists in descriptions only.
func functions(format Format) template.FuncMap {
	all := template.FuncMap{
		"join": func(list []string, separator string) string { return strings.Join(list, separator) },
		"date": Date,
		"wiki": escape,
	}
	if format == Wiki {
		all["link"] = Link
		all[escapeFunction] = escape
	}
	return all
}

// Inert is wiki markup that needs no escaping.
type Inert string

func escape(value any) Inert {
	if done, ok := value.(Inert); ok {
		return done
	}
	return Inert(wikitext.Escape(fmt.Sprint(value)))
}

// Link is a link in wiki markup that shows text, or the text alone if address
// is none.
func Link(text, address string) Inert {
	shown := wikitext.EscapeLine(text)
	if target := SafeURL(address); target != "" {
		return Inert("[" + shown + "|" + target + "]")
	}
	return Inert(shown)
}

// Date is a time as people read it; empty for none.
func Date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05 MST")
}

// SafeURL is an address fit for a link's target; "" when it is none.
func SafeURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return strings.NewReplacer("|", "%7C", "[", "%5B", "]", "%5D", "{", "%7B", "}", "%7D", "^", "%5E", " ", "%20", "\\", "%5C").
		Replace(u.String())
}
