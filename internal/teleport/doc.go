// Package teleport is the adapter to a Teleport cluster: it connects with an
// identity file or a key pair and renews them, reads Access Requests, keeps
// the record in plugin data, submits decisions and watches for changes.
//
// It knows package access and the Auth Service's client only. It may not know
// Jira, decide what to do about a request, or retry a write: what failed is
// reported with its class, and the caller repeats. All of Teleport's error
// values end at its border.
package teleport
