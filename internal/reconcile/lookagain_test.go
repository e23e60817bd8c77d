package reconcile_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
)

// TestIssueIsReadAgainRightBeforeTheDecision: a look-up takes a while, and
// meanwhile the person takes the card back, or does not.
func TestIssueIsReadAgainRightBeforeTheDecision(t *testing.T) {
	for name, c := range map[string]struct {
		wait     time.Duration
		takeBack bool
		decided  int
		reads    int
	}{
		"at once":                 {0, false, 1, 1},
		"after a while":           {15 * time.Second, false, 1, 2},
		"taken back meanwhile":    {15 * time.Second, true, 0, 2},
		"hardly any time between": {time.Second, false, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.policy.Review.ApproverGroups = []string{"approvers"}
				w.tracker.groups[bob.ID] = true
				i := w.inStep()
				r := w.start()
				before := w.count("Issue")
				w.next("InGroups", fault{before: func(context.Context) error {
					<-time.After(c.wait)
					if c.takeBack {
						w.mu.Lock()
						w.tracker.change(i, bob, pending)
						w.mu.Unlock()
					}
					return nil
				}})
				w.move(r, i, bob, approved)
				w.pass(time.Minute)
				require.Equal(t, c.decided, w.count("Decide"))
				require.GreaterOrEqual(t, w.count("Issue")-before, c.reads)
				if c.takeBack {
					require.Equal(t, access.Pending, w.cluster.requests[request].State)
					w.inSync(pending)
					w.move(r, i, bob, approved)
					require.Equal(t, 1, w.count("Decide"), "a new move counts")
				}
			})
		})
	}
}
