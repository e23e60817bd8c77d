// Package fakejira is a stateful double of Jira, Cloud or Data Center, for
// tests and for the sandbox. It behaves as Atlassian documents Jira and as
// recorded traffic shows it, and it is strict: what Jira refuses, it refuses.
//
// A Server is an http.Handler. Serve it over a socket, or call it without one
// through Server.RoundTripper. People act on it through methods such as Drag,
// AddComment and MoveToProject; Issues, Calls and Deliveries show what came of
// it. Inject makes it misbehave.
//
// All waiting uses package time directly, so the double runs under
// testing/synctest. Goroutines exist only while webhooks are delivered, and
// Close ends them.
//
// The package may not import anything of the daemon, so that the double never
// learns what the code under test would like.
package fakejira
