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

// TestHistoryThatLagsTheStatus: the issue shows its new status a moment before its
// history shows who chose it.
func TestHistoryThatLagsTheStatus(t *testing.T) {
	for name, late := range map[string]bool{"a moment later": true, "never": false} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				i := w.inStep()
				r := w.start()
				w.mu.Lock()
				w.tracker.change(i, bob, approved)
				last, changes := i.LastChange, i.Changes
				i.LastChange, i.Changes = nil, nil
				w.mu.Unlock()
				require.True(t, r.EnqueueIssue(access.IssueHint{ID: i.Ref.ID, Key: i.Ref.Key, RequestID: request, Status: approved}))
				w.pass(2 * time.Second)
				require.Zero(t, w.log.count("decision refused"))
				if late {
					w.mu.Lock()
					i.LastChange, i.Changes = last, changes
					w.mu.Unlock()
				}
				w.pass(10 * time.Second)
				if late {
					w.inSync(approved)
					require.Equal(t, 1, w.log.count("decision submitted"))
					require.Zero(t, w.log.count("decision refused"))
					return
				}
				w.inSync(pending)
				require.Equal(t, 1, w.log.count("decision refused"))
			})
		})
	}
}
