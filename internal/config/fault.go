package config

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Fault is one thing that is wrong with a configuration, at one key.
type Fault struct {
	File string // as it was named
	Line int    // from 1; 0 where the fault belongs to no line, as for a missing section
	Key  string // dotted, e.g. "jira.url"; empty where the file is no TOML
	Msg  string // one line, never with a secret in it
	Fix  string // what to do about a warning, on one line; empty for a fault, whose Msg says it
}

// String is "file:line: key: message", on one line.
func (f Fault) String() string {
	var b strings.Builder
	b.WriteString(f.File)
	if f.Line > 0 {
		b.WriteString(":" + strconv.Itoa(f.Line))
	}
	if f.Key != "" {
		b.WriteString(": " + f.Key)
	}
	b.WriteString(": " + f.Msg)
	return b.String()
}

// Faults is everything that is wrong with a configuration, in the order of its
// lines. It is the error that Load and Parse return.
type Faults []Fault //nolint:errname // named for what it lists

// Error implements error: one line for each fault.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.String()
	}
	return strings.Join(lines, "\n")
}

// sorted returns f in the order of lines, the ones without a line first.
func (f Faults) sorted() Faults {
	slices.SortStableFunc(f, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Key, b.Key))
	})
	return f
}
