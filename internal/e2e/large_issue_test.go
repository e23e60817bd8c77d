package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
)

// TestSecurityLabelsOnOneCardStopNobody: tens of thousands of labels on one open
// card make it longer than what is read of a search's page. The others are
// listed, a request made meanwhile gets its issue, the daemon stays ready, and
// the card itself can still be decided.
func TestSecurityLabelsOnOneCardStopNobody(t *testing.T) {
	for _, flavour := range []fakejira.Flavour{fakejira.Cloud, fakejira.DataCenter} {
		t.Run(flavour.String(), func(t *testing.T) {
			w := newWorld(t, func(o *options) { o.jira = fakejira.Board(flavour) })
			w.start()
			filled, card := w.pending()
			moved, other := w.pending()
			w.quiet()
			require.NoError(t, w.daemon.Kill())
			labels := make([]string, 60_000)
			for i := range labels {
				labels[i] = fmt.Sprintf("%0200d", i)
			}
			require.NoError(t, w.jira.SetLabels(card.ID, fakejira.CarolID, labels))
			w.drag(other, "Denied", fakejira.BobID)
			w.start() // It lists all open issues.
			w.inState(moved, types.RequestState_DENIED)
			meanwhile, _ := w.pending()
			w.inState(meanwhile, types.RequestState_PENDING)
			require.NoError(t, w.daemon.Ready())
			eventually(t, func(c *assert.CollectT) { assert.Positive(c, w.logCount("read in parts")) })

			w.drag(card, "Approved", fakejira.BobID)
			w.inState(filled, types.RequestState_APPROVED)
			w.inStatus(card, "Approved")
			eventually(t, func(c *assert.CollectT) {
				n, _ := w.daemon.Metric("teleport_jira_oversized_issues_total")
				assert.Positive(c, n)
			})
			w.quiet()
			require.Equal(t, 1, w.logCount("read in parts"), "named once")
			require.NoError(t, w.daemon.Ready())
		})
	}
}

// TestSecurityCommentsPiledOnACardHideNoDecision: hundreds of comments of the
// greatest length, more than is read of one answer, stand after Bob's reason. His
// denial arrives with it.
func TestSecurityCommentsPiledOnACardHideNoDecision(t *testing.T) {
	for _, flavour := range []fakejira.Flavour{fakejira.Cloud, fakejira.DataCenter} {
		t.Run(flavour.String(), func(t *testing.T) {
			w := newWorld(t, func(o *options) { o.jira = fakejira.Board(flavour) })
			w.start()
			id, card := w.pending()
			w.says(card, fakejira.BobID, "reason: not on a Friday")
			for range 340 {
				w.says(card, fakejira.CarolID, "reason: mine "+strings.Repeat("x", 32_000))
			}
			w.drag(card, "Denied", fakejira.BobID)
			w.inState(id, types.RequestState_DENIED)
			w.said(card, "has been denied", "not on a Friday")
			require.NoError(t, w.daemon.Ready())
		})
	}
}
