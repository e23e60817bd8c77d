// Package preflight has the findings of `teleport-jira check`, how they are
// written, and the checks of the daemon's own listeners. It may not change
// anything, and knows neither Teleport nor Jira: their adapters check them.
package preflight

// Level is the result of a check. The words are part of the JSON output.
type Level string

// The levels. What a warning is about works, and an operator should look into
// it; with a failure the daemon does not start, or does not work as documented. What was
// skipped could not be checked, because of a failure that another finding tells.
const (
	OK      Level = "ok"
	Warning Level = "warning"
	Failure Level = "failure"
	Skipped Level = "skipped"
)

// Finding is the result of one check. Its texts are one line each, and without
// secrets.
type Finding struct {
	Area   string `json:"area"`  // configuration, teleport, jira, http or telemetry
	Name   string `json:"check"` // what was checked
	Level  Level  `json:"result"`
	Detail string `json:"detail"`        // what was found
	Fix    string `json:"fix,omitempty"` // what to do about it; empty for OK
}

// Failures returns the number of failures.
func Failures(findings []Finding) int { return count(findings, Failure) }

func count(findings []Finding, level Level) int {
	n := 0
	for _, f := range findings {
		if f.Level == level {
			n++
		}
	}
	return n
}
