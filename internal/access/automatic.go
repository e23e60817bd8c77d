package access

import (
	"slices"
	"strings"
)

// Automatic notes what has been done about decisions that no person makes: names
// of what is done, with spaces between.
type Automatic string

// Has reports whether the name is noted.
func (a Automatic) Has(name string) bool { return slices.Contains(strings.Fields(string(a)), name) }

// With returns the notes with the name.
func (a Automatic) With(name string) Automatic {
	if a.Has(name) {
		return a
	}
	return Automatic(strings.TrimSpace(string(a) + " " + name))
}
