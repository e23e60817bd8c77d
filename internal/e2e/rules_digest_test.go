package e2e

import (
	"regexp"
	"testing"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
)

// The rules that decided are named by their digest.

var rulesInfo = regexp.MustCompile(`teleport_jira_rules_info\{digest="([0-9a-f]{16})"\} 1`)

// rulesDigest is the digest of the rules that the daemon uses.
func (w *world) rulesDigest() string {
	w.t.Helper()
	_, body, err := w.admin("/metrics")
	require.NoError(w.t, err)
	found := rulesInfo.FindStringSubmatch(body)
	require.NotNil(w.t, found)
	return found[1]
}

func TestSecurityDigestOfTheRulesIsInRecordAuditLineAndMetric(t *testing.T) {
	w := newWorld(t)
	w.approversAre(bob)
	w.start()
	digest := w.rulesDigest()
	id, issue := w.pending()
	w.drag(issue, "Denied", fakejira.CarolID)
	w.said(issue, "not one of the configured approvers")
	require.Equal(t, digest, w.record(id)["rules_digest"])
	w.logged("decision refused", "rules_digest="+digest)

	w.approversAre(bob, carol)
	w.reload()
	w.logged("configuration reloaded")
	changed := w.rulesDigest()
	require.NotEqual(t, digest, changed)
	w.drag(issue, "Approved", fakejira.CarolID)
	w.inState(id, types.RequestState_APPROVED)
	w.quiet()
	require.Equal(t, changed, w.record(id)["rules_digest"])
	w.logged("decision submitted", "rules_digest="+changed)

	w.stop()
	w.start()
	require.Equal(t, changed, w.rulesDigest(), "it does not change with a restart")
	require.Zero(t, w.logCount("another replica decides by other rules"))
}

func TestSecurityReplicaWithOtherRulesIsWarnedOf(t *testing.T) {
	w := newWorld(t)
	other := w.replica()
	w.approversAre(bob)
	other.approversAre(bob, carol)
	w.start()
	other.start()
	require.NotEqual(t, w.rulesDigest(), other.rulesDigest())
	for range 3 {
		id, issue := w.pending()
		w.drag(issue, "Approved", fakejira.BobID)
		w.inState(id, types.RequestState_APPROVED)
	}
	eventually(t, func(c *assert.CollectT) {
		warned := w.logCount("another replica decides by other rules") + other.logCount("another replica decides by other rules")
		require.Positive(c, warned)
		require.LessOrEqual(c, warned, 2, "each says it once")
	})

	// The honest counterpart: replicas that agree say nothing.
	other.approversAre(bob)
	other.reload()
	other.logged("configuration reloaded")
	require.Equal(t, w.rulesDigest(), other.rulesDigest())
}
