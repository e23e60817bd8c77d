// Package reconcile brings Access Requests and their issues in step. One
// request goes this way, and each file is one stage of it:
//
//	intake, triggers  webhooks, events, timers: which request may need work
//	queue             one key at a time, with the hints why, and retries
//	snapshot          read request, record and issue
//	(package plan)    what is missing
//	claim             acquire the right to act, or how long to wait for it
//	execute           create, comment, transition, decide; adopt finds the
//	                  issue of an earlier attempt
//	claim             commit what was done
//
// identity looks up who moved an issue, listing finds what no event and no
// webhook told, cache saves calls.
//
// The package decides nothing: rules live in package plan. It knows both sides
// through the interfaces in this package only.
//
// # State and locks
//
// Truth is in Teleport and Jira. What the process keeps may be lost at any
// moment, at the cost of calls or of a wait:
//
//   - pendingHints: why each queued key is worked on. Own lock.
//   - intake: what limits webhooks about unknown issues. Locked caches.
//   - cache: which issue belongs to which request, and what is known to be in
//     step. Own lock.
//   - observations: since when a claim has been seen unchanged. A locked cache.
//   - claim: owned by the worker that took it. Its lock guards the end of the
//     claim alone; the stored record belongs to the renewing goroutine until
//     that has ended, then to commit.
//   - poller: owned by the poll's goroutine.
//
// A lock is held for a few statements: no call to either side is made under
// one, and none is taken while another is held, so there is no order to keep.
package reconcile
