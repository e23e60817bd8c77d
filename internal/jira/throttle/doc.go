// Package throttle sends as many calls as Jira bears, and no more: an
// http.RoundTripper that bounds the calls in flight, keeps below the rates that
// Jira has shown to permit, and sends nothing during a backoff that Jira asked
// for.
//
// A call waits in this order: for the end of the backoffs that cover it, for
// the rates that it counts in, for a place among the calls in flight, and for
// the configured ceiling. Then it is counted and sent in one step; where a
// backoff began or a rate was used up in the meantime, it gives its place back
// and waits again. Nothing is reserved while a call waits.
//
// The package repeats no call and starts no goroutine. It knows of Jira only
// what it needs of 429 and 503: the headers Retry-After,
// X-RateLimit-Reset and RateLimit-Reason.
package throttle
