package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
)

// TestOutageOfJiraIsKnownWhereNothingIsDone: readiness says so within 15 s, and
// again when it is over.
func TestOutageOfJiraIsKnownWhereNothingIsDone(t *testing.T) {
	w := newWorld(t)
	w.start()
	w.pending()
	w.quiet()
	w.site.Stop()
	began := time.Now()
	eventually(t, func(c *assert.CollectT) {
		status, body, err := w.admin("/readyz")
		require.NoError(c, err)
		require.Equal(c, http.StatusServiceUnavailable, status, body)
	})
	require.Less(t, time.Since(began), 15*time.Second)
	succeeds(t, w.site.Start)
	w.ready()
}

// TestRefusedLoginIsTriedByOneCallOnly: Data Center locks an account out after a
// few refused logins.
func TestRefusedLoginIsTriedByOneCallOnly(t *testing.T) {
	w := newWorld(t)
	w.start()
	w.pending()
	w.quiet()
	before := len(w.jira.Calls())
	accept := w.jira.Inject(fakejira.Fault{Effect: fakejira.Respond, Status: http.StatusUnauthorized})
	var ids []string
	for range 20 {
		ids = append(ids, w.request(faketeleport.RequestOptions{}))
	}
	w.logged("level=ERROR", "jira refuses the login")
	<-time.After(10 * time.Second)
	refused := w.jira.Calls()[before:]
	logins := 0
	for _, call := range refused {
		switch {
		case strings.HasSuffix(call.Path, "/myself"):
			logins++
		case call.At.After(refused[0].At.Add(time.Second)):
			require.Failf(t, "called although the login is refused", "%s %s", call.Method, call.Path)
		}
	}
	require.LessOrEqual(t, logins, 8, "at growing pauses")
	require.LessOrEqual(t, len(refused)-logins, len(ids), "each of those under way was sent once")
	require.Equal(t, 1, w.logCount("level=ERROR"))
	accept()
	began := time.Now()
	for _, id := range ids {
		w.issue(id)
	}
	require.Less(t, time.Since(began), 20*time.Second)
}

// TestReturnOfJiraWakesWhatWaits: requests and a decision wait for Jira, and
// don't wait out their backoff.
func TestReturnOfJiraWakesWhatWaits(t *testing.T) {
	w := newWorld(t)
	w.start()
	id, issue := w.pending()
	w.quiet()
	back := w.jira.Inject(fakejira.Fault{Effect: fakejira.Respond, Status: http.StatusServiceUnavailable})
	var ids []string
	for range 20 {
		ids = append(ids, w.request(faketeleport.RequestOptions{}))
	}
	w.drag(issue, "Approved", fakejira.BobID)
	<-time.After(20 * time.Second)
	back()
	began := time.Now()
	w.inState(id, types.RequestState_APPROVED)
	for _, id := range ids {
		w.issue(id)
	}
	require.Less(t, time.Since(began), 10*time.Second)
}
