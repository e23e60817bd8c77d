package faketeleport_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/faketeleport"
)

func lockOn(t *testing.T, id string, expires time.Time) types.Lock {
	t.Helper()
	lock, err := types.NewLock("lock-"+id, types.LockSpecV2{
		Target: types.LockTarget{AccessRequest: id}, Message: "enough", Expires: &expires,
	})
	require.NoError(t, err)
	lock.SetExpiry(expires)
	return lock
}

func TestLocksNeedBothRights(t *testing.T) {
	for name, tc := range map[string]struct {
		role  faketeleport.Role
		wants string
	}{
		"none":   {faketeleport.Role{}, `access denied to perform action "create" on "lock", access denied to perform action "update" on "lock"`},
		"create": {faketeleport.Role{CreateLocks: true}, `access denied to perform action "update" on "lock"`},
		"update": {faketeleport.Role{UpdateLocks: true}, `access denied to perform action "create" on "lock"`},
		"both":   {faketeleport.Role{CreateLocks: true, UpdateLocks: true}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c, clt := newWorld(t, faketeleport.Config{}, "locks")
			tc.role.Name = "locks"
			c.PutRole(tc.role)
			err := clt.UpsertLock(t.Context(), lockOn(t, "r1", time.Now().Add(time.Hour)))
			if tc.wants == "" {
				require.NoError(t, err)
				return
			}
			require.True(t, trace.IsAccessDenied(err), err)
			require.ErrorContains(t, err, tc.wants)
			require.Empty(t, c.Locks())
		})
	}
}

// TestLockRefusesTheWholeCertificate: deleting and denying end nothing that was
// taken up, a lock does, within its delay, and in all requests of the certificate.
func TestLockRefusesTheWholeCertificate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, clt := newWorld(t, faketeleport.Config{LockDelay: 500 * time.Millisecond}, "locks")
		c.PutRole(faketeleport.Role{Name: "locks", CreateLocks: true, UpdateLocks: true})
		approved := func() string {
			req, err := c.CreateRequest("alice", []string{"root"}, "", faketeleport.RequestOptions{AccessTTL: time.Hour})
			require.NoError(t, err)
			require.NoError(t, c.SetState("admin", req.GetName(), types.RequestState_APPROVED, ""))
			return req.GetName()
		}
		one, two := approved(), approved()
		both, err := c.Assume("alice", one, two)
		require.NoError(t, err)
		second, err := c.Assume("alice", two)
		require.NoError(t, err)
		_, err = c.Assume("bob", two)
		require.Error(t, err, "somebody else's")

		require.NoError(t, c.SetState("admin", two, types.RequestState_DENIED, ""))
		require.NoError(t, c.Remove(one))
		require.NoError(t, both.Use())
		require.NoError(t, clt.UpsertLock(t.Context(), lockOn(t, one, time.Now().Add(-time.Second))))
		<-time.After(time.Second)
		require.NoError(t, both.Use(), "its time has passed")
		require.Empty(t, c.Locks())

		require.NoError(t, clt.UpsertLock(t.Context(), lockOn(t, two, time.Now().Add(time.Hour))))
		require.NoError(t, both.Use(), "not in force yet")
		<-time.After(time.Second)
		require.ErrorContains(t, both.Use(), `lock targeting AccessRequest:"`+two+`" is in force: enough`)
		require.Error(t, second.Use())
		require.NoError(t, clt.UpsertLock(t.Context(), lockOn(t, two, time.Now().Add(time.Hour))))
		require.Error(t, both.Use(), "made anew, it stays in force")
		require.Len(t, c.Locks(), 1)

		<-time.After(2 * time.Hour)
		require.ErrorContains(t, both.Use(), "expired")
		require.Empty(t, c.Locks(), "no longer listed")
		var locks int
		for _, event := range c.Audit() {
			if event.Type == faketeleport.AuditLock {
				locks++
				require.Empty(t, event.Reason, "the message is not in the audit log")
			}
		}
		require.Equal(t, 3, locks)
	})
}
