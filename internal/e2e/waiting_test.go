package e2e

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
)

// TestTimeToDecisionIsMeasuredOnceByResultAndWay: also over a restart, and not for
// what expires.
func TestTimeToDecisionIsMeasuredOnceByResultAndWay(t *testing.T) {
	w := newWorld(t)
	w.start()
	measured := func(result, way string) string {
		n, found := w.daemon.Metric(fmt.Sprintf("teleport_jira_time_to_decision_seconds_count{result=%q,way=%q}", result, way))
		require.True(t, found, "%s by %s", result, way)
		return strconv.FormatFloat(n, 'f', -1, 64)
	}
	require.Equal(t, "0", measured("approved", "jira"))
	id, issue := w.pending()
	w.drag(issue, "Approved", fakejira.BobID)
	w.inState(id, types.RequestState_APPROVED)
	w.said(issue, "has been approved")
	id, issue = w.pending()
	w.review(id, carol, types.RequestState_DENIED, "no")
	w.said(issue, "has been denied")
	w.quiet()
	require.Equal(t, "1", measured("approved", "jira"))
	require.Equal(t, "1", measured("denied", "teleport"))
	require.Equal(t, "0", measured("approved", "teleport"))
	w.stop()
	w.start()
	w.quiet()
	require.Equal(t, "0", measured("approved", "jira"), "measured once more")
}

// TestOldestPendingRequestIsMeasured: with the age that it has in Teleport, also
// for a daemon that has just started, until nobody waits any more.
func TestOldestPendingRequestIsMeasured(t *testing.T) {
	w := newWorld(t)
	old := w.request(faketeleport.RequestOptions{})
	require.NoError(t, w.cluster.Age(old, 2*time.Hour))
	young := w.request(faketeleport.RequestOptions{})
	w.start()
	oldest := func(least, most time.Duration) {
		eventually(t, func(c *assert.CollectT) {
			age, found := w.daemon.Metric("teleport_jira_oldest_pending_seconds")
			require.True(c, found)
			require.GreaterOrEqual(c, age, least.Seconds())
			require.LessOrEqual(c, age, most.Seconds())
		})
	}
	oldest(2*time.Hour, 3*time.Hour)
	w.review(old, bob, types.RequestState_APPROVED, "")
	oldest(time.Nanosecond, time.Hour)
	w.review(young, bob, types.RequestState_DENIED, "")
	oldest(0, 0)
}
