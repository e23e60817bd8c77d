package e2e

import (
	"net/http"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
)

// TestSecurityOldMoveDecidesNothing: the daemon was away for days, and what
// somebody meant when it went is not taken up when it is back. A move that is not
// that old is, and so is one made anew.
func TestSecurityOldMoveDecidesNothing(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		age  time.Duration
		any  bool // no move is too old
		late bool
	}{
		"over a long weekend": {age: 72 * time.Hour, late: true},
		"overnight":           {age: 14 * time.Hour},
		"whatever the age":    {age: 72 * time.Hour, any: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if tc.any {
				w.set("review", "max_decision_age", "0")
			}
			w.start()
			id, issue := w.pending()
			w.stop()
			w.drag(issue, "Approved", fakejira.BobID)
			require.NoError(t, w.jira.Age(issue.ID, tc.age))
			require.NoError(t, w.cluster.Age(id, tc.age+time.Hour))
			w.start()
			if tc.late {
				w.said(issue, "decided nothing", "moved more than 24h before")
				w.inStatus(issue, "Pending")
				w.quiet()
				w.inState(id, types.RequestState_PENDING)
				require.Empty(t, w.reviews(id))
				w.drag(issue, "Approved", fakejira.BobID)
			}
			w.inState(id, types.RequestState_APPROVED)
			w.inStatus(issue, "Approved")
		})
	}
}

// TestSecurityDecisionNeedsTheMoversOwnReason: the requester writes the reason
// that Bob does not. Bob's own counts, before the move or a little after it.
func TestSecurityDecisionNeedsTheMoversOwnReason(t *testing.T) {
	t.Parallel()
	setUp := func(t *testing.T) (w *world, id string, issue fakejira.Issue) {
		w = newWorld(t)
		w.set("review", "require_reason", true)
		w.start()
		id, issue = w.pending()
		return w, id, issue
	}
	t.Run("somebody else's", func(t *testing.T) {
		w, id, issue := setUp(t)
		w.says(issue, fakejira.AliceID, "reason: Bob said so")
		w.drag(issue, "Approved", fakejira.BobID)
		within(t, time.Minute, func(c *assert.CollectT) {
			require.Equal(c, 1, w.sayings(issue, "decided nothing", "no reason was given"))
		})
		w.inStatus(issue, "Pending")
		w.quiet()
		w.inState(id, types.RequestState_PENDING)
		require.Empty(t, w.reviews(id))

		w.says(issue, fakejira.BobID, "reason: on call")
		w.drag(issue, "Approved", fakejira.BobID)
		w.inState(id, types.RequestState_APPROVED)
		require.Contains(t, w.reviews(id)[0].Reason, "on call")
	})
	t.Run("a little later", func(t *testing.T) {
		w, id, issue := setUp(t)
		reads := w.jira.Count(http.MethodGet, fakejira.RouteIssue)
		w.drag(issue, "Denied", fakejira.BobID)
		eventually(t, func(c *assert.CollectT) {
			require.Greater(c, w.jira.Count(http.MethodGet, fakejira.RouteIssue), reads)
		})
		w.inState(id, types.RequestState_PENDING)
		w.says(issue, fakejira.BobID, "reason: not tonight")
		w.inState(id, types.RequestState_DENIED)
		require.Contains(t, w.reviews(id)[0].Reason, "not tonight")
		require.Zero(t, w.sayings(issue, "decided nothing"))
	})
}
