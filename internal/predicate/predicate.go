// Package predicate is the language of conditions in Teleport's access
// monitoring rules, as far as it can be decided here:
// https://goteleport.com/docs/reference/access-controls/predicate-language/
//
// A condition is compiled once: names, functions and types that the package does
// not know are errors then, and never false. It is pure: no I/O, no clock, no log,
// and it may not know Teleport's client or Jira.
package predicate

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/vulcand/predicate"
)

// MaxLength bounds a condition, in bytes.
const MaxLength = 16 << 10

// maxMessage bounds the error of a condition, in bytes.
const maxMessage = 300

// ErrTraits says that whether the condition holds depends on the traits of the requesting
// user, which the Input does not know.
var ErrTraits = errors.New("the traits of the requesting user are not known")

var (
	errEmpty   = errors.New("the condition is empty")
	errLong    = fmt.Errorf("the condition is longer than %d bytes", MaxLength)
	errNotBool = errors.New("the condition is neither true nor false")
)

// Input is what conditions are about.
type Input struct {
	Roles              []string
	SuggestedReviewers []string
	Annotations        map[string][]string // system annotations
	User               string
	Reason             string
	Created            time.Time
	Expires            time.Time
	Traits             map[string][]string // of the requesting user
	TraitsKnown        bool                // without it what depends on traits is ErrTraits
	Plugin             string              // the name by which rules know this daemon
}

// Condition is a compiled condition. It may be used concurrently.
type Condition struct {
	holds       truth
	namesPlugin bool
}

// Compile compiles a condition. An error says what is not understood.
func Compile(text string) (*Condition, error) {
	switch {
	case len(text) > MaxLength:
		return nil, errLong
	case isBlank(text):
		return nil, errEmpty
	}
	c := &Condition{}
	parser, err := predicate.NewParser(c.language())
	if err != nil {
		return nil, fmt.Errorf("set up the parser: %w", err)
	}
	parsed, err := parser.Parse(text)
	if err != nil {
		return nil, errors.New(cut(explain(text, err)))
	}
	holds, ok := asTruth(parsed)
	if !ok {
		return nil, errNotBool
	}
	c.holds = holds
	return c, nil
}

// NamesPlugin reports whether the condition asks for the plugin's name anywhere.
func (c *Condition) NamesPlugin() bool { return c.namesPlugin }

// Holds reports whether the condition is true of the input. ErrTraits, where that
// needs what the input does not know. Of && and || the right side counts only
// where the left one leaves it open.
func (c *Condition) Holds(in Input) (bool, error) { return c.holds(&in) }

// unknownMethod is a call of a method behind a name with dots.
var unknownMethod = regexp.MustCompile(`\.([A-Za-z_]+)\s*\(`)

// explain says what was not understood. Of a method that it does not know the
// parser says only that it takes it for something else.
func explain(text string, err error) string {
	if !strings.Contains(err.Error(), "expected selector identifier") {
		return err.Error()
	}
	var calls []string
	for _, call := range unknownMethod.FindAllStringSubmatch(text, -1) {
		calls = append(calls, call[1])
	}
	return "one of these methods is not known: " + strings.Join(calls, ", ")
}

func isBlank(text string) bool {
	for _, r := range text {
		if r != ' ' && r != '\t' && r != '\n' && r != '\r' {
			return false
		}
	}
	return true
}

// cut bounds a message, at a character's border.
func cut(s string) string {
	if len(s) <= maxMessage {
		return s
	}
	end := maxMessage
	for end > 0 && s[end]&0xC0 == 0x80 {
		end--
	}
	return s[:end] + "…"
}
