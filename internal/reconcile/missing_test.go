package reconcile_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/reconcile"
)

// invisible hides the issue, and returns what shows it again.
func (w *world) invisible(i *issue) (show func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	i.deleted = true
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		i.deleted = false
	}
}

// A move made while Jira shows the issue to nobody counts once it does, without
// another hint.
func TestMoveOfAnIssueThatIsInvisibleForAMoment(t *testing.T) {
	inWorld(t, func(w *world) {
		i := w.inStep()
		r := w.start()
		w.event(r)
		show := w.invisible(i)
		w.move(r, i, bob, approved)
		w.pass(6 * time.Second)
		require.Equal(t, access.Pending, w.cluster.requests[request].State)
		show()
		w.pass(30 * time.Second)
		w.inSync(approved)
		require.Equal(t, access.Approved, w.cluster.requests[request].State)
	})
}

// Whatever shows the issue again ends that it counts as missing, also where the
// request was settled meanwhile; an issue that is gone is not looked for endlessly.
func TestIssueThatIsShownAgain(t *testing.T) {
	for name, tell := range map[string]func(w *world, r *reconcile.Reconciler, i *issue){
		"by a webhook": func(w *world, r *reconcile.Reconciler, i *issue) {
			require.True(w, r.EnqueueIssue(access.IssueHint{ID: i.Ref.ID, Key: i.Ref.Key, RequestID: request, Status: i.Status}))
		},
		"by a resync": func(_ *world, r *reconcile.Reconciler, _ *issue) {
			r.Resync()
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				i := w.inStep()
				r := w.start()
				w.event(r)
				show := w.invisible(i)
				w.cluster.review(w.cluster.requests[request], access.Review{Author: "rita", State: access.Approved})
				w.event(r)
				w.pass(time.Hour)
				asked := w.count("Issue") + w.count("Transition")
				w.event(r)
				w.pass(time.Hour)
				require.Equal(t, asked, w.count("Issue")+w.count("Transition"), "it is left alone")
				show()
				tell(w, r, i)
				w.pass(time.Minute)
				w.inSync(approved)
				require.Equal(t, []string{"resolution/approved"}, w.keys(i))
			})
		})
	}
}

// A decision made in Teleport while Jira shows the issue to nobody is told there
// once it does, without another hint; an issue that is gone is asked for a few
// times only.
func TestDecisionOnAnIssueThatIsInvisibleForAMoment(t *testing.T) {
	for name, back := range map[string]bool{"for a moment": true, "for good": false} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				i := w.inStep()
				r := w.start()
				w.event(r)
				show := w.invisible(i)
				w.cluster.review(w.cluster.requests[request], access.Review{Author: "rita", State: access.Approved})
				r.OnRequest(access.RequestEvent{ID: request, User: "alice@example.com", Decided: true})
				w.pass(5 * time.Second)
				if back {
					show()
					w.pass(15 * time.Second)
					w.inSync(approved)
					return
				}
				w.pass(time.Hour)
				require.LessOrEqual(t, w.count("Issue")+w.count("Transition"), 8)
			})
		})
	}
}
