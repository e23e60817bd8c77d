package e2e

import (
	"testing"
	"time"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
)

// TestSecurityOneRequestersFloodDelaysNobodyElse: Alice makes hundreds of
// requests, for which a Jira that takes 20 new issues a second needs half a
// minute. Carol's request has its issue, and Bob's decision is in Teleport, long
// before they are through. Alice's are all served in the end.
func TestSecurityOneRequestersFloodDelaysNobodyElse(t *testing.T) {
	const flood = 500
	w := newWorld(t, func(o *options) { o.jira.Limits = fakejira.Limits{Get: 100, Post: 20, Put: 50} })
	w.set("reconcile", "workers", 16)
	w.start()
	decided, card := w.pending()
	for range flood {
		_, err := w.cluster.CreateRequest(alice, []string{"editor"}, "mine", faketeleport.RequestOptions{})
		require.NoError(t, err)
	}
	req, err := w.cluster.CreateRequest(carol, []string{"editor"}, "to mend the database", faketeleport.RequestOptions{})
	require.NoError(t, err)
	w.drag(card, "Approved", fakejira.BobID)
	within(t, 10*time.Second, func(c *assert.CollectT) {
		got, err := w.cluster.Request(decided)
		require.NoError(c, err)
		assert.Equal(c, types.RequestState_APPROVED, got.GetState())
	})
	issue := w.issue(req.GetName())
	require.NotEmpty(t, issue.Key)
	require.Less(t, len(w.jira.Issues()), flood/2, "issues made before Carol's")
	within(t, 2*time.Minute, func(c *assert.CollectT) { assert.Len(c, w.jira.Issues(), flood+2) })
}
