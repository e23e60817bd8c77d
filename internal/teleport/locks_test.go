package teleport_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/faketeleport"
)

func TestLock(t *testing.T) {
	w := newWorld(t, faketeleport.Config{}, faketeleport.RoleAccessPlugin, "locks")
	w.cluster.PutRole(faketeleport.Role{Name: "locks", CreateLocks: true, UpdateLocks: true})
	clt := w.connect()
	lock := access.Lock{RequestID: "r1", Message: "ended by bob in TAR-1", Expires: time.Now().Add(time.Hour)}
	for range 2 { // a repeat is harmless
		require.NoError(t, clt.Lock(t.Context(), lock))
	}
	locks := w.cluster.Locks()
	require.Len(t, locks, 1)
	require.Equal(t, "teleport-jira-r1", locks[0].GetName())
	require.Equal(t, "r1", locks[0].Target().AccessRequest)
	require.Equal(t, lock.Message, locks[0].Message())
	require.WithinDuration(t, lock.Expires, *locks[0].LockExpiry(), time.Second)
	require.WithinDuration(t, lock.Expires, locks[0].Expiry(), time.Second)
}

func TestMissingRightToLockNamesTheRule(t *testing.T) {
	clt := newWorld(t, faketeleport.Config{}).connect()
	err := clt.Lock(t.Context(), access.Lock{RequestID: "r1", Expires: time.Now().Add(time.Hour)})
	require.Equal(t, access.Permanent, access.ClassOf(err))
	require.ErrorContains(t, err, "resources: [lock], verbs: [create, update]")
}

func TestLostAnswerToALockIsAmbiguous(t *testing.T) {
	w := newWorld(t, faketeleport.Config{}, "locks")
	w.cluster.PutRole(faketeleport.Role{Name: "locks", ListRequests: true, PluginData: true, CreateLocks: true, UpdateLocks: true})
	clt := w.connect()
	w.cluster.Inject(faketeleport.LoseAnswer("UpsertLock", 1))
	err := clt.Lock(t.Context(), access.Lock{RequestID: "r1", Expires: time.Now().Add(time.Hour)})
	require.True(t, access.IsAmbiguous(err), err)
	require.Len(t, w.cluster.Locks(), 1)
}
