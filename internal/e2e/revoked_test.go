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

// lockRole lets the daemon make locks, and nothing else.
var lockRole = faketeleport.Role{Name: "locks", CreateLocks: true, UpdateLocks: true}

// revokingWorld is a world whose board has a column that ends access, and whose
// daemon may make locks.
func revokingWorld(t *testing.T, change ...func(*options)) *world {
	t.Helper()
	w := endingWorld(t, append([]func(*options){func(o *options) {
		flow := &o.jira.Projects[0].Workflow
		flow.Statuses = append(flow.Statuses, fakejira.Status{ID: "10111", Name: "Revoked", Category: fakejira.Done})
		flow.Transitions = append(flow.Transitions, fakejira.Transition{ID: "71", Name: "Revoke", To: "Revoked"})
		o.roles = append(o.roles, lockRole.Name)
	}}, change...)...)
	w.set("jira.statuses", "revoked", "Revoked")
	w.cluster.PutRole(lockRole)
	return w
}

// assumed is a certificate of Alice's that carries the request.
func (w *world) assumed(ids ...string) *faketeleport.Certificate {
	w.t.Helper()
	cert, err := w.cluster.Assume(alice, ids...)
	require.NoError(w.t, err)
	return cert
}

func TestCardMovedToRevokedEndsTheAccessAtOnce(t *testing.T) {
	for name, who := range map[string]string{
		"by somebody who may decide":  fakejira.BobID,
		"by the requester":            fakejira.AliceID,
		"by who approved in Teleport": fakejira.CarolID,
	} {
		t.Run(name, func(t *testing.T) {
			w := revokingWorld(t, func(o *options) { o.cluster.LockDelay = 300 * time.Millisecond })
			w.set("review", "approvers", []string{"email:bob@example.com"})
			w.set("review.users", "id:carol", carol)
			w.set("review.users", "id:bob", bob)
			w.set("review.users", "id:alice", alice)
			w.start()
			id, issue := w.pending()
			w.review(id, carol, types.RequestState_APPROVED, "")
			w.inStatus(issue, "Approved")
			w.said(issue, "has been approved")
			cert := w.assumed(id)

			w.drag(issue, "Revoked", who)
			eventually(t, func(c *assert.CollectT) { require.ErrorContains(c, cert.Use(), "in force") })
			w.said(issue, "The access of this request has ended", "moved this issue to Revoked", "the other requests in it too")
			w.quiet()
			require.Equal(t, "Revoked", w.read(issue.ID).Status.Name)
			locks := w.cluster.Locks()
			require.Len(t, locks, 1)
			req := w.inState(id, types.RequestState_APPROVED)
			require.Equal(t, "teleport-jira-"+id, locks[0].GetName())
			require.Equal(t, id, locks[0].Target().AccessRequest)
			require.Contains(t, locks[0].Message(), issue.Key)
			require.Contains(t, locks[0].Message(), "account "+who)
			require.False(t, locks[0].LockExpiry().Before(req.GetAccessExpiry()))
			require.False(t, locks[0].Expiry().IsZero(), "it does not stay listed")
			require.Equal(t, botUser, w.audited(faketeleport.AuditLock).User)
			require.Equal(t, "revoked", w.record(id)["ended"])
			require.Equal(t, 1, int(w.counted(`teleport_jira_locks_total{cause="revoked"}`)))
			require.Equal(t, 1, int(w.counted(`teleport_jira_access_ended_total{cause="revoked"}`)))
			w.logged("access locked", "request_id="+id, "account="+who, "cause=revoked")
			require.Equal(t, 1, w.sayings(issue, "has ended"))
		})
	}
}

func TestOthersMayNotEndAnAccess(t *testing.T) {
	w := revokingWorld(t)
	w.set("review", "approvers", []string{"email:bob@example.com"})
	w.start()
	id, issue := w.granted(time.Hour)
	cert := w.assumed(id)
	w.drag(issue, "Revoked", fakejira.CarolID)
	w.said(issue, "Carol Clark", "this ended no access", "not one of the configured approvers", "tctl lock --access-request="+id)
	w.inStatus(issue, "Approved")
	require.NoError(t, cert.Use())
	require.Empty(t, w.cluster.Locks())
	require.Equal(t, 1, int(w.counted(`teleport_jira_refusals_total{reason="not_approver"}`)))
	w.logged("decision refused", "request_id="+id, "decision=revoked")

	w.drag(issue, "Revoked", fakejira.BobID)
	eventually(t, func(c *assert.CollectT) { require.Error(c, cert.Use()) })
	w.said(issue, "has ended")
}

func TestRightToLockThatIsMissingIsSaidAndTheCardGoesBack(t *testing.T) {
	t.Parallel()
	for name, role := range map[string]faketeleport.Role{
		"both":   {Name: lockRole.Name},
		"update": {Name: lockRole.Name, CreateLocks: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := revokingWorld(t)
			w.cluster.PutRole(role)
			w.start()
			id, issue := w.granted(time.Hour)
			w.drag(issue, "Revoked", fakejira.BobID)
			w.said(issue, "this ended no access", "resources: [lock], verbs: [create, update]")
			w.inStatus(issue, "Approved")
			require.NoError(t, w.assumed(id).Use())

			w.cluster.PutRole(lockRole)
			w.drag(issue, "Revoked", fakejira.BobID)
			w.said(issue, "has ended")
			require.Len(t, w.cluster.Locks(), 1)
		})
	}
}

func TestCheckSaysWhetherTheDaemonMayLock(t *testing.T) {
	w := revokingWorld(t)
	w.writeConfig()
	require.Contains(t, w.run("check", "--config", w.confPath), "end accesses by locks")
	w.cluster.PutRole(faketeleport.Role{Name: lockRole.Name, UpdateLocks: true})
	out, _, status := command(t, "check", "--config", w.confPath)
	require.NotZero(t, status)
	require.Contains(t, out, "resources: [lock], verbs: [create, update]")
	w.conf.Drop("jira.statuses", "revoked")
	w.writeConfig()
	require.NotContains(t, w.run("check", "--config", w.confPath), "lock")
}

func TestCardMovedOutOfRevokedGoesBack(t *testing.T) {
	w := revokingWorld(t)
	w.start()
	id, issue := w.granted(time.Hour)
	cert := w.assumed(id)
	w.drag(issue, "Revoked", fakejira.BobID)
	w.said(issue, "has ended")
	w.drag(issue, "Approved", fakejira.BobID)
	w.said(issue, "moving the issue does not lift it")
	w.inStatus(issue, "Revoked")
	require.Error(t, cert.Use())
	w.quiet()
	require.Len(t, w.cluster.Locks(), 1)
}

func TestRevokedIsNoDecisionOnAPendingRequest(t *testing.T) {
	w := revokingWorld(t)
	w.start()
	id, issue := w.pending()
	w.drag(issue, "Revoked", fakejira.BobID)
	w.said(issue, "decided nothing")
	w.inStatus(issue, "Pending")
	w.inState(id, types.RequestState_PENDING)
	require.Empty(t, w.cluster.Locks())
}

func TestLockWhoseAnswerIsLostIsMadeAgainHarmlessly(t *testing.T) {
	w := revokingWorld(t)
	w.start()
	id, issue := w.granted(time.Hour)
	w.cluster.Inject(faketeleport.LoseAnswer("UpsertLock", 1))
	w.drag(issue, "Revoked", fakejira.BobID)
	w.said(issue, "has ended")
	w.quiet()
	require.Len(t, w.cluster.Locks(), 1)
	require.Equal(t, 1, w.sayings(issue, "has ended"))
	require.Equal(t, "revoked", w.record(id)["ended"])
}

func TestCardMovedToRevokedWhileTheDaemonWasAway(t *testing.T) {
	w := revokingWorld(t)
	w.start()
	id, issue := w.granted(time.Hour)
	cert := w.assumed(id)
	w.stop()
	w.drag(issue, "Revoked", fakejira.BobID)
	w.start()
	eventually(t, func(c *assert.CollectT) { require.Error(c, cert.Use()) })
	w.said(issue, "has ended")
}

func TestAccessIsLockedAfterItsMaxDuration(t *testing.T) {
	w := revokingWorld(t)
	w.set("access", "max_duration", "5s")
	w.start()
	id, issue := w.granted(time.Hour)
	cert := w.assumed(id)
	theirs := w.request(faketeleport.RequestOptions{})
	w.review(theirs, bob, types.RequestState_APPROVED, "")
	other := w.assumed(theirs)

	eventually(t, func(c *assert.CollectT) { require.Error(c, cert.Use()) })
	w.inStatus(issue, "Ended")
	w.said(issue, "The access of this request has ended", "lasted 5s, the longest")
	w.quiet()
	require.Len(t, w.cluster.Locks(), 1)
	require.NoError(t, other.Use(), "granted in Teleport, not through Jira")
	require.Equal(t, 1, int(w.counted(`teleport_jira_locks_total{cause="max_duration"}`)))
	require.Equal(t, "max_duration", w.record(id)["locked_by"])
}

func TestMaxDurationThatPassedWhileTheDaemonWasAway(t *testing.T) {
	w := revokingWorld(t)
	w.set("access", "max_duration", "4s")
	w.start()
	id, issue := w.granted(time.Hour)
	cert := w.assumed(id)
	w.stop()
	require.NoError(t, w.cluster.Remove(id), "also where somebody deletes it")
	due := time.Now().Add(4 * time.Second)
	eventually(t, func(c *assert.CollectT) { require.True(c, time.Now().After(due)) })
	require.NoError(t, cert.Use())
	w.start()
	eventually(t, func(c *assert.CollectT) { require.Error(c, cert.Use()) })
	w.said(issue, "lasted 4s")
}

func TestMaxDurationWithoutTheRightIsSaidOnce(t *testing.T) {
	w := revokingWorld(t)
	w.cluster.PutRole(faketeleport.Role{Name: lockRole.Name})
	w.set("access", "max_duration", "3s")
	w.start()
	id, issue := w.granted(time.Hour)
	w.said(issue, "the access goes on", "resources: [lock], verbs: [create, update]", "tctl lock --access-request="+id)
	w.quiet()
	require.Equal(t, 1, w.sayings(issue, "the access goes on"))
	require.Equal(t, "Approved", w.read(issue.ID).Status.Name)
	w.logged("level=ERROR", "access could not be locked", "request_id="+id)
}
