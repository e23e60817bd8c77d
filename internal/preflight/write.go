package preflight

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

// WriteText writes one line a finding: level, area, check, detail and fix, and a
// last line with how many there are of each level. Levels are coloured if colours
// is set.
func WriteText(w io.Writer, findings []Finding, colours bool) error {
	area := 0
	for _, f := range findings {
		area = max(area, len(f.Area))
	}
	var b strings.Builder
	for _, f := range findings {
		// Colours have no width, so that the level is padded before it gets one.
		level := fmt.Sprintf("%-*s", len(Warning), f.Level)
		if colours {
			level = colour(f.Level) + level + "\x1b[0m"
		}
		fmt.Fprintf(&b, "%s  %-*s  %s: %s", level, area, f.Area, oneLine(f.Name), oneLine(f.Detail))
		if f.Fix != "" {
			fmt.Fprintf(&b, "; to do: %s", oneLine(f.Fix))
		}
		b.WriteByte('\n')
	}
	b.WriteString(summary(findings))
	_, err := io.WriteString(w, b.String())
	return err
}

// summary is the last line: what to think of all of them.
func summary(findings []Finding) string {
	if count(findings, OK) == len(findings) {
		return fmt.Sprintf("all %d checks passed\n", len(findings))
	}
	var parts []string
	for _, level := range []Level{OK, Warning, Failure, Skipped} {
		if n := count(findings, level); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, plural(level, n)))
		}
	}
	return fmt.Sprintf("%d checks: %s\n", len(findings), strings.Join(parts, ", "))
}

// plural is the level's word for n findings.
func plural(l Level, n int) string {
	if n == 1 || l == OK || l == Skipped {
		return string(l)
	}
	return string(l) + "s"
}

// WriteJSON writes an array with one object a finding.
func WriteJSON(w io.Writer, findings []Finding) error {
	if findings == nil {
		findings = []Finding{}
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(findings)
}

// Colours reports whether to colour what goes to w: a terminal, unless the
// environment variable NO_COLOR is set or the terminal is a dumb one.
func Colours(w io.Writer, getenv func(string) string) bool {
	f, ok := w.(*os.File)
	if !ok || getenv("NO_COLOR") != "" || getenv("TERM") == "dumb" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// colour returns the terminal's sequence for a level.
func colour(l Level) string {
	switch l {
	case OK:
		return "\x1b[32m"
	case Warning, Skipped:
		return "\x1b[33m"
	case Failure:
	}
	return "\x1b[31m"
}

// oneLine keeps foreign text, such as a server's answer, from looking like
// findings of its own and from controlling the terminal.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return ' '
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}
