package wikitext

import (
	"strings"
	"unicode"
)

// Storable replaces what databases behind Jira may refuse to store: characters
// above U+FFFF, which MySQL's utf8 has not got, and those that are no text, such
// as controls, noncharacters and private use.
func Storable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\t':
			return r
		case unicode.In(r, unicode.Cc, unicode.Cf):
			return -1
		case r > 0xFFFF, unicode.Is(unicode.Co, r), r >= 0xFDD0 && r <= 0xFDEF, r >= 0xFFFE:
			return unicode.ReplacementChar
		}
		return r
	}, text)
}
