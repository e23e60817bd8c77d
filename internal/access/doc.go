// Package access is the vocabulary that all other packages share: Access
// Requests and their reviews, Jira issues and the people who move them, the
// record that ties one to the other, and the classes of errors.
//
// It may import the standard library only, does no I/O and holds no rules:
// what to do about a request is decided in package plan.
package access
