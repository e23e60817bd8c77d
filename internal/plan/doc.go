// Package plan holds the rules of the daemon as pure functions: what is
// missing on an issue, what a person's status change of an issue means, who may
// decide, and what the comments say.
//
// It may do no I/O, read no clock and write no log; all that a rule depends on
// is in its arguments, so that every rule can be tested by a table.
package plan
