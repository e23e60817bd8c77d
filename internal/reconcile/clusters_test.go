package reconcile_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/reconcile"
)

// card is an open issue for a request that this cluster does not know.
func (w *world) card(id access.RequestID, cluster string) *issue {
	return w.tracker.add(issue{createdFor: id, Issue: access.Issue{
		RequestID: id, Cluster: cluster, Creator: daemon, Labels: []string{id.Label()},
	}})
}

// Resync, poll and webhooks leave the issue of another cluster alone, whether
// searches show whose it is or not.
func TestIssuesOfAnotherClusterAreLeftAlone(t *testing.T) {
	for name, showCluster := range map[string]bool{"seen by the search": true, "seen by reading": false} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.tracker.showCluster = showCluster
				own := w.inStep()
				other := w.card("0192-0009", "there")
				r := w.startWith(reconcile.Options{ResyncInterval: 10 * time.Minute, PollInterval: 10 * time.Second})
				r.Resync()
				w.pass(time.Minute)
				w.mu.Lock()
				w.tracker.change(other, bob, approved)
				w.mu.Unlock()
				require.True(t, r.EnqueueIssue(access.IssueHint{ID: other.Ref.ID, Key: other.Ref.Key, Status: approved}))
				require.True(t, r.EnqueueIssue(access.IssueHint{ID: other.Ref.ID, Key: other.Ref.Key, RequestID: "0192-0009", Status: approved}))
				w.move(r, own, bob, approved)
				w.pass(30 * time.Minute)
				require.Equal(t, access.Approved, w.cluster.requests[request].State)
				require.Equal(t, approved, other.Status)
				require.Equal(t, bob, other.LastChange.By)
				require.Empty(t, w.keys(other))
				require.Empty(t, other.Holder)
				require.Equal(t, 1, w.count("Decide"))
				require.Equal(t, 1, w.log.count("issues of another teleport cluster"))
			})
		})
	}
}

// An issue that names no cluster is this one's, until the project is seen to be
// shared.
func TestOrphanThatNamesNoCluster(t *testing.T) {
	for name, tc := range map[string]struct {
		neighbour string
		status    access.Status
	}{
		"alone in its project":     {"here", expired},
		"beside another cluster's": {"there", pending},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.tracker.showCluster = true
				w.inStep()
				w.card("0192-0008", tc.neighbour)
				orphan := w.card("0192-0009", "")
				r := w.start()
				r.Resync()
				synctest.Wait()
				w.pass(time.Minute)
				require.Equal(t, tc.status, orphan.Status)
			})
		})
	}
}

// A record names another cluster's issue, as in a cluster that was set up from a
// copy: what happens to the request here does not move the issue.
func TestRecordOfAnotherCluster(t *testing.T) {
	inWorld(t, func(w *world) {
		i := w.inStep()
		w.setRecord(func(rec *access.Record) { rec.Cluster = "there" })
		r := w.start()
		w.cluster.review(w.cluster.requests[request], access.Review{Author: "rita", State: access.Approved})
		w.event(r)
		w.pass(time.Minute)
		require.Equal(t, pending, i.Status)
		require.Empty(t, w.keys(i))
		require.Equal(t, 1, w.log.count("names another teleport cluster"))
	})
}

func TestCreatedIssueAndRecordNameTheCluster(t *testing.T) {
	inWorld(t, func(w *world) {
		r := w.start()
		w.event(r)
		w.pass(time.Minute)
		require.Equal(t, "here", w.inSync(pending).Cluster)
		require.Equal(t, "here", w.record().Cluster)
	})
}
