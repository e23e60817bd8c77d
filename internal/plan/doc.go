// Package plan holds the rules of the daemon as pure functions: what is
// missing on an issue, what a person's move of an issue means, who may decide,
// and what is said about it.
//
// It may do no I/O, read no clock and write no log; everything it judges by is
// in its arguments, so that every rule can be tested by a table.
package plan
