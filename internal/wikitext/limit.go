package wikitext

import (
	"regexp"
	"unicode/utf16"
	"unicode/utf8"
)

// Ellipsis ends text that was cut.
const Ellipsis = "…"

// escape is what Escape may emit for one character of text: an escaped
// character, a character reference, or the character itself.
var escape = regexp.MustCompile(`^(?:\\[^\p{L}\p{Nd}\s]|&#?[0-9A-Za-z]+;|(?s:.))`)

// Limit cuts escaped markup to at most n characters, counted as Jira counts
// them (UTF-16 code units), never within an escape or a character, and shows
// with an ellipsis that it was cut.
func Limit(escaped string, n int) string {
	return cut(escaped, n, func(s string) int { return len(escape.FindString(s)) })
}

// LimitPlain is Limit for text that is not markup, as a summary.
func LimitPlain(text string, n int) string {
	return cut(text, n, func(s string) int {
		_, size := utf8.DecodeRuneInString(s)
		return size
	})
}

// cut keeps as many leading pieces of text as fit n with the ellipsis. size
// gives the length in bytes of the piece that a non-empty string begins with.
func cut(text string, n int, size func(string) int) string {
	if units(text) <= n {
		return text
	}
	room := n - units(Ellipsis)
	used, end := 0, 0
	for end < len(text) {
		k := size(text[end:])
		used += units(text[end : end+k])
		if used > room {
			break
		}
		end += k
	}
	return text[:end] + Ellipsis
}

func units(s string) int {
	n := 0
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}
