package access

import (
	"errors"
	"fmt"
	"time"
)

// Sentinels, to be matched with errors.Is.
var (
	// ErrNotFound: the request, record or issue does not exist, or is not visible.
	ErrNotFound = errors.New("not found")
	// ErrConflict: a compare-and-swap met another value than expected.
	ErrConflict = errors.New("changed by somebody else")
	// ErrUnreachable: no transition open to this account leads to the status.
	ErrUnreachable = errors.New("no transition leads there")
	// ErrRefused: the side refuses a change for what it contains or lacks, such as
	// a field that a screen requires.
	ErrRefused = errors.New("refused for what it contains")
	// ErrAway: the side is known not to work. What was to be sent was not, or
	// says the same once more.
	ErrAway = errors.New("known not to work")
)

// Class is what may be done about an error.
type Class string

// The classes. An error without one is temporary: trying again is safe,
// giving up loses something.
const (
	Temporary Class = "temporary" // may pass by itself
	Limited   Class = "limited"   // rate limited or overloaded: pause what it covers
	Permanent Class = "permanent" // repeats until somebody changes something
	Unauth    Class = "unauthenticated"
)

// Error is a failed call to one of the two sides.
type Error struct {
	Op     string        // what was tried, e.g. "create issue"
	Key    string        // on what, e.g. a request id or issue key
	Class  Class         // what to do about it
	Status int           // HTTP status; 0 when there was none
	After  time.Duration // earliest retry the server asked for; 0 when it did not say
	// Ambiguous: the effect may have happened although no answer said so.
	Ambiguous bool
	Err       error
}

// Error implements error.
func (e *Error) Error() string {
	if e.Key == "" {
		return fmt.Sprintf("%s: %v", e.Op, e.Err)
	}
	return fmt.Sprintf("%s %s: %v", e.Op, e.Key, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// ClassOf returns the class of the outermost *Error in err's chain, or Temporary.
func ClassOf(err error) Class {
	var e *Error
	if errors.As(err, &e) && e.Class != "" {
		return e.Class
	}
	return Temporary
}

// RetryAfter returns how long the server asked to wait; 0 when it did not.
func RetryAfter(err error) time.Duration {
	var e *Error
	if errors.As(err, &e) {
		return e.After
	}
	return 0
}

// IsAmbiguous reports whether the failed call may have had its effect.
func IsAmbiguous(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Ambiguous
}
