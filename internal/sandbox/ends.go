package sandbox

import (
	"time"

	"teleport-jira/internal/fakejira"
)

// lockRole lets the daemon end accesses at once.
const lockRole = "teleport-jira-locks"

// seedAccess is how long the access of the seeded request lasts that ends before
// one's eyes.
const seedAccess = 3 * time.Minute

// board is Jira's project: with columns for accesses that have ended.
func board() fakejira.Options {
	options := fakejira.Board(fakejira.Cloud)
	options.Accounts = jiraAccounts()
	options.Latency = 20 * time.Millisecond
	flow := &options.Projects[0].Workflow
	flow.Statuses = append(flow.Statuses,
		fakejira.Status{ID: "10110", Name: "Ended", Category: fakejira.Done},
		fakejira.Status{ID: "10111", Name: "Revoked", Category: fakejira.Done})
	flow.Transitions = append(flow.Transitions,
		fakejira.Transition{ID: "61", Name: "End", To: "Ended"},
		fakejira.Transition{ID: "71", Name: "Revoke", To: "Revoked"})
	return options
}

// locked are the requests that a lock is in force on.
func (w *world) locked() map[string]bool {
	ids := map[string]bool{}
	for _, lock := range w.cluster.Locks() {
		if id := lock.Target().AccessRequest; id != "" && lock.IsInForce(time.Now()) {
			ids[id] = true
		}
	}
	return ids
}
