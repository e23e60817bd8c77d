// Package check is what an operator sees of `teleport-jira check`: findings,
// how they are written, and the checks of the daemon's own listeners. It may
// not change anything, and knows neither Teleport nor Jira: what they have to
// say comes from their adapters.
package preflight

// Level is how a check came out. The words are part of the JSON form.
type Level string

// The levels. A warning works, and should be looked at; with a failure the
// daemon does not start or does not keep what it promises.
const (
	OK      Level = "ok"
	Warning Level = "warning"
	Failure Level = "failure"
)

// Finding is one thing that was looked at. All texts are one line and fit to
// be shown: there is no secret in them.
type Finding struct {
	Area   string `json:"area"`  // configuration, teleport, jira, http or telemetry
	Name   string `json:"check"` // what was looked at
	Level  Level  `json:"result"`
	Detail string `json:"detail"`        // what was found
	Fix    string `json:"fix,omitempty"` // what to do about it; empty when all is well
}

// Failures counts the failures.
func Failures(findings []Finding) int {
	n := 0
	for _, f := range findings {
		if f.Level == Failure {
			n++
		}
	}
	return n
}
