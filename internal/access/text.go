package access

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean makes foreign text fit to leave the daemon, for comments, reasons and
// logs: line breaks become "\n", tabs spaces; control characters, bidirectional
// marks and bytes that are not UTF-8 become U+FFFD, so that a reader sees that
// something was there; characters of no width, which let one name look like
// another, are dropped.
func Clean(text string) string {
	text = strings.ToValidUTF8(text, string(utf8.RuneError))
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\r', r == '\n', r == '\u2028', r == '\u2029':
			return '\n'
		case r == '\t':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return utf8.RuneError
		case isInvisible(r):
			return -1
		}
		return r
	}, strings.ReplaceAll(text, "\r\n", "\n"))
}

// isInvisible reports whether nothing shows where the character stands:
// characters of no width, fillers, tags and variation selectors.
func isInvisible(r rune) bool {
	switch r {
	case '\u034f', '\u115f', '\u1160', '\u17b4', '\u17b5', '\u3164', '\uffa0':
		return true
	}
	return unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Variation_Selector, r)
}

// CleanLine is Clean for text that has to stay on one line, as a name: white
// space and line breaks become single spaces.
func CleanLine(text string) string { return strings.Join(strings.Fields(Clean(text)), " ") }

// CutLine is CleanLine, cut to at most size bytes and marked where it was cut.
func CutLine(text string, size int) string { return cutBytes(CleanLine(text), size) }

// List joins items with commas to one line of at most about size bytes. Items
// that do not fit are counted: "a, b and 37 more". An item is cut only where it
// alone does not fit.
func List(items []string, size int) string {
	var b strings.Builder
	for i, item := range items {
		item = CleanLine(item)
		if i == 0 {
			b.WriteString(cutBytes(item, size))
			continue
		}
		if b.Len()+len(item)+len(", ") > size {
			fmt.Fprintf(&b, " and %d more", len(items)-i)
			break
		}
		b.WriteString(", " + item)
	}
	return b.String()
}

// cutBytes shortens s to at most size bytes, at a character's border, and shows
// that it did.
func cutBytes(s string, size int) string {
	const ellipsis = "…"
	if len(s) <= size {
		return s
	}
	end := max(0, size-len(ellipsis))
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + ellipsis
}
