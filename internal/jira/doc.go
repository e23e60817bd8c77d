// Package jira adapts Jira, Cloud and Data Center, to what the reconciler
// needs of a tracker: make an issue for a request, find it, read it, comment
// on it and move it.
//
// It talks REST version 2 through go-jira's client and decides nothing: it
// neither reads configuration files nor knows Teleport or the reconciler, it
// repeats no write, and it logs only what an operator may act on and
// nobody else would report. Everything Jira answers is untrusted: ids and keys
// are validated before they go into a path, answers are bounded and decoded by
// this package's own small types, and errors are decided by status alone.
package jira
