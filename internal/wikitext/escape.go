package wikitext

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"teleport-jira/internal/access"
)

// Escape returns text in wiki markup that shows exactly text and nothing else:
// no formatting, link, mention, image, macro, list, heading, table, emoticon or
// dash. Line breaks stay. Characters that deceive are treated as access.Clean
// does.
func Escape(text string) string {
	s := scanner{in: []rune(access.Clean(text)), lineStart: true}
	s.out.Grow(len(text) + len(text)/8)
	for s.pos < len(s.in) {
		s.step()
	}
	return s.out.String()
}

// EscapeLine is Escape for text that has to stay on one line, as a name or a
// list item: line breaks become spaces.
func EscapeLine(text string) string {
	return Escape(access.CleanLine(text))
}

// Line makes text fit for a field that holds plain text on one line, as an
// issue's summary: nothing is escaped, but control characters and line breaks
// are treated as Escape and EscapeLine treat them.
func Line(text string) string {
	return access.CleanLine(text)
}

// scanner walks over the text once, deciding about one character at a time
// from its neighbours.
type scanner struct {
	in        []rune
	pos       int
	lineStart bool // only spaces since the line began
	out       strings.Builder
}

func (s *scanner) at(i int) rune {
	if i < 0 || i >= len(s.in) {
		return '\n'
	}
	return s.in[i]
}

func (s *scanner) step() {
	r := s.in[s.pos]
	if s.lineStart && s.blockPrefix() {
		s.lineStart = false
		return
	}
	switch s.form(r) {
	case named:
		s.out.WriteString(reference(r))
	case backslash:
		s.out.WriteByte('\\')
		s.out.WriteRune(r)
	default:
		s.out.WriteRune(r)
	}
	s.lineStart = r == '\n' || s.lineStart && unicode.IsSpace(r)
	s.pos++
}

// blockPrefix defuses "h1." to "h6." and "bq." at the start of a line.
func (s *scanner) blockPrefix() bool {
	a, b := s.in[s.pos], s.at(s.pos+1)
	heading := a == 'h' && b >= '0' && b <= '9'
	quote := a == 'b' && b == 'q'
	if s.at(s.pos+2) != '.' || !heading && !quote {
		return false
	}
	s.out.WriteRune(a)
	s.out.WriteRune(b)
	s.out.WriteString("&period;")
	s.pos += 3
	return true
}

// form is how a character is written.
type form int

const (
	plain     form = iota
	backslash      // \x
	named          // &x;
)

// form decides how the character at the current position is written.
func (s *scanner) form(r rune) form {
	prev, next := s.at(s.pos-1), s.at(s.pos+1)
	switch r {
	case '{', '}', '[', ']', '(', ')', '!', '#', '?':
		return backslash
	case '*', '_', '-', '@':
		if isWord(prev) && isWord(next) {
			return plain // neither opens nor closes within a word
		}
		return backslash
	case '+', '^', '~':
		if isWord(prev) || unicode.IsSpace(next) {
			return plain // cannot open, and nothing was opened before
		}
		return named
	case '|':
		return named
	case '\\':
		if isWord(next) && prev != '\\' {
			return plain // escapes nothing, as in DOMAIN\user
		}
		return named
	case ':':
		if s.startsLinkOrIcon() {
			return named
		}
	case '&':
		if s.startsReference() {
			return named
		}
	}
	return plain
}

// reference is the character reference for a character that form names.
func reference(r rune) string {
	switch r {
	case '+':
		return "&plus;"
	case '^':
		return "&Hat;"
	case '~':
		return "&#126;"
	case '|':
		return "&vert;"
	case '\\':
		return "&bsol;"
	case ':':
		return "&colon;"
	case '&':
		return "&amp;"
	}
	return string(r)
}

// startsLinkOrIcon tells whether the colon at the current position belongs to
// a bare address, which Jira would link, or to an emoticon.
func (s *scanner) startsLinkOrIcon() bool {
	switch next := s.at(s.pos + 1); next {
	case 'D', 'P', 'p', '-', ')', '(':
		return true
	case '/', '\\':
		return true // scheme://
	}
	start := max(0, s.pos-len("mailto"))
	return strings.EqualFold(string(s.in[start:s.pos]), "mailto")
}

// startsReference tells whether the ampersand at the current position would be
// read as a character reference.
func (s *scanner) startsReference() bool {
	for i := s.pos + 1; i < len(s.in); i++ {
		switch r := s.in[i]; {
		case r == ';':
			return i > s.pos+1
		case r == '#' && i == s.pos+1, isWord(r):
		default:
			return false
		}
	}
	return false
}

// isWord tells whether every parser takes r for part of a word. Letters beyond
// ASCII are left out: parsers know different versions of Unicode.
func isWord(r rune) bool {
	return r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r))
}
