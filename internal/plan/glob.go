package plan

import (
	"errors"
	"strings"
)

// Glob is a pattern for names in which * stands for any text, also none.
// Nothing else is special.
type Glob string

// errGlob is the reason to refuse a pattern.
var errGlob = errors.New("only * is special in a pattern, ? and [ are not allowed")

// ParseGlob refuses what is no pattern: an empty text, and one with ? or [,
// which are special in other globs and would silently match nothing here. No
// role's name contains them.
func ParseGlob(pattern string) (Glob, error) {
	if pattern == "" {
		return "", errors.New("a pattern must not be empty")
	}
	if strings.ContainsAny(pattern, "?[") {
		return "", errGlob
	}
	return Glob(pattern), nil
}

// Match reports whether the whole of s matches.
func (g Glob) Match(s string) bool {
	parts := strings.Split(string(g), "*")
	if len(parts) == 1 {
		return string(g) == s
	}
	first, last := parts[0], parts[len(parts)-1]
	if !strings.HasPrefix(s, first) {
		return false
	}
	s = s[len(first):]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s = s[i+len(part):]
	}
	return strings.HasSuffix(s, last)
}
