package reconcile_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
)

// always are faults for as many calls as a test makes.
func always(f fault) []fault { return slices.Repeat([]fault{f}, 1000) }

// Comments that keep failing delay no decision and no transition, and come when
// they can, each once.
func TestFailingCommentStopsNothing(t *testing.T) {
	for name, f := range map[string]fault{"refused": refused(access.Permanent), "failing": refused(access.Temporary), "unsent": unsent()} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				i := w.inStep()
				req := w.cluster.requests[request]
				req.Thresholds = []access.Threshold{{Approve: 2, Deny: 1}}
				w.cluster.review(req, access.Review{Author: "rita", State: access.Approved})
				w.next("Comment", always(f)...)
				r := w.start()
				w.event(r)
				w.pass(10 * time.Minute)
				w.move(r, i, bob, approved)
				w.pass(time.Second)
				require.Equal(t, access.Approved, req.State)
				require.Equal(t, approved, i.Status)
				require.Equal(t, 1, w.log.count("decision submitted"))
				w.clear("Comment")
				w.pass(20 * time.Minute)
				w.inSync(approved)
				require.ElementsMatch(t, []string{"review/0", "resolution/approved"}, w.keys(i))
			})
		})
	}
}

// A card that decided nothing goes back although nothing can be said about it,
// and it is said later.
func TestRefusalThatCannotBeExplainedYet(t *testing.T) {
	inWorld(t, func(w *world) {
		i := w.inStep()
		w.next("Comment", always(refused(access.Temporary))...)
		r := w.start()
		w.event(r)
		w.move(r, i, alice, approved)
		w.pass(30 * time.Second)
		require.Equal(t, pending, i.Status)
		require.Equal(t, 1, w.log.count("decision refused"))
		w.clear("Comment")
		w.pass(20 * time.Minute)
		w.inSync(pending)
		require.Equal(t, []string{"move/1"}, w.keys(i))
	})
}

// An issue that Jira refuses to move, or keeps failing to, is commented on.
func TestIssueThatCannotBeMovedIsCommentedOn(t *testing.T) {
	screen := fault{before: func(context.Context) error {
		return &access.Error{Op: "move issue", Class: access.Permanent, Err: fmt.Errorf("assignee: Assignee is required: %w", access.ErrRefused)}
	}}
	for name, f := range map[string]fault{"refused": screen, "failing": refused(access.Temporary)} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				i := w.inStep()
				w.cluster.review(w.cluster.requests[request], access.Review{Author: "rita", State: access.Approved})
				w.next("Transition", always(f)...)
				r := w.start()
				w.event(r)
				w.pass(time.Minute)
				require.Equal(t, []string{"resolution/approved"}, w.keys(i))
				require.Contains(t, i.Comments[0].Body, "could not be moved")
				require.Equal(t, 1, w.log.count("level=WARN msg=\"issue cannot be moved"))
				w.clear("Transition")
				r.Resync()
				w.pass(20 * time.Minute)
				w.inSync(approved)
			})
		})
	}
}

// clear ends the faults of the calls of that name.
func (c *calls) clear(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.faults, name)
}
