package e2e

import (
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
)

func TestStopsInGoodOrder(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]os.Signal{"SIGTERM": syscall.SIGTERM, "SIGINT": syscall.SIGINT} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.start()
			w.pending()
			w.signal(s)
			require.Zero(t, w.exit())
			require.Equal(t, 1, w.logCount("level=INFO", "msg=\"shutting down, draining"))
			require.Equal(t, 1, w.logCount("level=INFO", "msg=stopped"))
			require.Zero(t, w.logCount("level=ERROR"))
		})
	}
}

func TestStopsWithin15SecondsWhileJiraHangs(t *testing.T) {
	w := newWorld(t)
	w.start()
	id, issue := w.pending()
	w.quiet()
	w.jira.Inject(fakejira.Fault{Effect: fakejira.Hang})
	w.review(id, bob, types.RequestState_APPROVED, "")
	eventually(t, func(c *assert.CollectT) { require.NotEmpty(c, w.record(id)["claim"]) })
	start := time.Now()
	w.signal(syscall.SIGTERM)
	require.Zero(t, w.exit())
	require.Less(t, time.Since(start), 15*time.Second)

	w.jira.ClearFaults()
	w.start()
	within(t, time.Minute, func(c *assert.CollectT) { require.Equal(c, "Approved", w.read(issue.ID).Status.Name) })
	w.said(issue, "has been approved")
}

func TestStopsWhileBothSidesAreWaitedFor(t *testing.T) {
	w := newWorld(t)
	w.auth.Stop()
	w.site.Stop()
	w.launch()
	w.logged("side unreachable, will retry", "side=teleport")
	w.logged("side unreachable, will retry", "side=jira")
	w.stop()
	require.Zero(t, w.logCount("level=ERROR"))
}

func TestWorkUnderWayIsFinishedOnAStop(t *testing.T) {
	w := newWorld(t)
	w.start()
	w.jira.SetLatency(2 * time.Second)
	id := w.request(faketeleport.RequestOptions{})
	eventually(t, func(c *assert.CollectT) { require.NotEmpty(c, w.record(id)["claim"]) })
	w.stop()
	require.Len(t, w.issues(id), 1)
	require.Equal(t, w.issues(id)[0].ID, w.record(id)["issue_id"], "it is noted")
	require.Empty(t, w.record(id)["claim"], "and handed back")
}
