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

// withEnded adds the status for ended accesses to the board.
func withEnded(o *options) {
	flow := &o.jira.Projects[0].Workflow
	flow.Statuses = append(flow.Statuses, fakejira.Status{ID: "10110", Name: "Ended", Category: fakejira.Done})
	flow.Transitions = append(flow.Transitions, fakejira.Transition{ID: "61", Name: "End", To: "Ended"})
}

// endingWorld is a world whose daemon moves issues to Ended.
func endingWorld(t *testing.T, change ...func(*options)) *world {
	t.Helper()
	w := newWorld(t, append([]func(*options){withEnded}, change...)...)
	w.set("jira.statuses", "ended", "Ended")
	return w
}

// granted is a request whose access lasts so long, approved by Bob in Jira.
func (w *world) granted(access time.Duration) (id string, issue fakejira.Issue) {
	w.t.Helper()
	id = w.request(faketeleport.RequestOptions{AccessTTL: access})
	issue = w.issue(id)
	w.drag(issue, "Approved", fakejira.BobID)
	w.inState(id, types.RequestState_APPROVED)
	w.said(issue, "has been approved")
	return id, issue
}

func TestEndedAccessIsSaidOnceAndMovesItsIssue(t *testing.T) {
	t.Parallel()
	for name, server := range map[string]faketeleport.Config{
		"the event comes at once":             {},
		"the event comes minutes later":       {DeleteDelay: 5 * time.Minute},
		"no event comes":                      {NoDeleteAtExpiry: true},
		"the request is still there for long": {DeleteDelay: 5 * time.Minute, ReadPastExpiry: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := endingWorld(t, func(o *options) {
				server.ClusterName, server.ProxyPublicAddr = o.cluster.ClusterName, o.cluster.ProxyPublicAddr
				o.cluster = server
			})
			w.start()
			id, issue := w.granted(6 * time.Second)
			require.NotEmpty(t, w.record(id)["access_from"])
			require.NotEmpty(t, w.record(id)["access_until"])
			require.Equal(t, "Approved", w.read(issue.ID).Status.Name)

			w.inStatus(issue, "Ended")
			w.said(issue, "The access of this request has ended: from ", " UTC", "Its time was over", "What was open then goes on")
			w.logged("access ended", "request_id="+id, "cause=expired")
			w.quiet()
			require.Equal(t, 1, w.sayings(issue, "has ended"))
			require.Equal(t, "expired", w.record(id)["ended"])
			require.Equal(t, 1, int(w.counted(`teleport_jira_access_ended_total{cause="expired"}`)))
		})
	}
}

// counted is the value of a series.
func (w *world) counted(series string) float64 {
	value, _ := w.daemon.Metric(series)
	return value
}

func TestEndedWithoutAStatusIsACommentOnly(t *testing.T) {
	w := newWorld(t)
	w.set("access", "track", true)
	w.start()
	_, issue := w.granted(5 * time.Second)
	w.said(issue, "The access of this request has ended")
	w.quiet()
	require.Equal(t, "Approved", w.read(issue.ID).Status.Name)
}

func TestDeletedBeforeItsTimeSaysWhatStaysGoodAndHowToEndIt(t *testing.T) {
	w := endingWorld(t)
	w.start()
	id, issue := w.granted(time.Hour)
	require.NoError(t, w.cluster.Remove(id))
	w.inStatus(issue, "Ended")
	w.said(issue, "was deleted in Teleport before its time", "stay good until", "tctl lock --access-request="+id)
	w.quiet()
	require.Equal(t, "deleted", w.record(id)["ended"])
	require.Equal(t, 1, w.sayings(issue, "has ended"))
}

func TestDeniedAfterApprovalSaysThatCertificatesStayGood(t *testing.T) {
	w := endingWorld(t)
	w.start()
	id, issue := w.granted(time.Hour)
	require.NoError(t, w.cluster.SetState("admin", id, types.RequestState_DENIED, "mistake"))
	w.inStatus(issue, "Denied")
	w.said(issue, "has been denied", "stay good until", "tctl lock --access-request="+id)
}

func TestEndThatCameWhileTheDaemonWasAway(t *testing.T) {
	t.Parallel()
	t.Run("the record is still there", func(t *testing.T) {
		w := endingWorld(t)
		w.start()
		id, issue := w.granted(6 * time.Second)
		w.stop()
		w.deleted(id)
		w.start()
		w.inStatus(issue, "Ended")
		w.said(issue, "The access of this request has ended", "Its time was over")
		require.Equal(t, "expired", w.record(id)["ended"])
	})
	t.Run("nothing but the issue is left", func(t *testing.T) {
		w := endingWorld(t)
		w.start()
		id, issue := w.granted(6 * time.Second)
		w.stop()
		w.deleted(id)
		w.cluster.ForgetPluginData(id)
		w.start()
		w.inStatus(issue, "Ended")
		w.said(issue, "The access of this request has ended", "Its time was over")
		w.restart()
		w.quiet()
		require.Equal(t, 1, w.sayings(issue, "has ended"))
	})
	t.Run("the daemon never followed it", func(t *testing.T) {
		w := newWorld(t, withEnded)
		w.start()
		id, issue := w.granted(6 * time.Second)
		w.stop()
		w.deleted(id)
		w.cluster.ForgetPluginData(id)
		w.set("jira.statuses", "ended", "Ended")
		w.start()
		w.quiet()
		require.Equal(t, 0, w.sayings(issue, "has ended"))
		require.Equal(t, "Approved", w.read(issue.ID).Status.Name)
	})
}

// deleted waits until the request is.
func (w *world) deleted(id string) {
	w.t.Helper()
	eventually(w.t, func(c *assert.CollectT) {
		_, err := w.cluster.Request(id)
		require.Error(c, err)
	})
}

func TestIssueOfAnEndedAccessStaysThere(t *testing.T) {
	w := endingWorld(t)
	w.start()
	_, issue := w.granted(5 * time.Second)
	w.inStatus(issue, "Ended")
	w.said(issue, "has ended")
	w.drag(issue, "Approved", fakejira.BobID)
	w.said(issue, "decided nothing", "A new request is needed")
	w.inStatus(issue, "Ended")
}

func TestTwoReplicasSayOnceThatAnAccessHasEnded(t *testing.T) {
	w := endingWorld(t)
	w.start()
	other := w.replica()
	other.start()
	_, issue := w.granted(6 * time.Second)
	w.inStatus(issue, "Ended")
	w.said(issue, "has ended")
	w.quiet()
	other.quiet()
	require.Equal(t, 1, w.sayings(issue, "has ended"))
}
