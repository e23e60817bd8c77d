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

func TestWatcherTellsNothingOfThePast(t *testing.T) {
	c, clt := newWorld(t, faketeleport.Config{}, faketeleport.RoleAccessPlugin)
	create(t, c, faketeleport.RequestOptions{ID: "before"})
	w, err := clt.NewWatcher(t.Context(), accessRequests)
	require.NoError(t, err)
	require.Equal(t, types.OpInit, next(t, w).Type)

	create(t, c, faketeleport.RequestOptions{ID: "after"})
	put := next(t, w)
	require.Equal(t, types.OpPut, put.Type)
	require.Equal(t, "after", put.Resource.GetName())

	require.NoError(t, c.Remove("before"))
	deleted := next(t, w)
	require.Equal(t, types.OpDelete, deleted.Type)
	require.IsType(t, &types.ResourceHeader{}, deleted.Resource, "a deletion carries a bare header")
	require.Equal(t, types.KindAccessRequest, deleted.Resource.GetKind())
	require.Equal(t, "before", deleted.Resource.GetName())
}

func TestClosedWatchersReportAnError(t *testing.T) {
	c, clt := newWorld(t, faketeleport.Config{}, faketeleport.RoleAccessPlugin)
	w, err := clt.NewWatcher(t.Context(), accessRequests)
	require.NoError(t, err)
	require.Equal(t, types.OpInit, next(t, w).Type)
	require.Equal(t, 1, c.Watchers())
	c.CloseWatchers()
	<-w.Done()
	require.True(t, trace.IsConnectionProblem(w.Error()), w.Error())
	require.Equal(t, 0, c.Watchers())
}

func TestWatchingNeedsTheRightToRead(t *testing.T) {
	_, clt := newWorld(t, faketeleport.Config{}, faketeleport.RoleReviewer)
	w, err := clt.NewWatcher(t.Context(), accessRequests)
	require.NoError(t, err)
	<-w.Done()
	require.True(t, trace.IsAccessDenied(w.Error()), w.Error())
}

func TestSlowWatcherIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, clt := newWorld(t, faketeleport.Config{WatchBuffer: 2}, faketeleport.RoleAccessPlugin)
		disarm := c.Inject(faketeleport.Fault{Method: "WatchEvents", At: faketeleport.AfterEffect, Delay: time.Minute})
		defer disarm()
		w, err := clt.NewWatcher(t.Context(), accessRequests)
		require.NoError(t, err)
		synctest.Wait()
		for range 3 {
			create(t, c, faketeleport.RequestOptions{})
		}
		require.Equal(t, 0, c.Watchers())
		require.Equal(t, types.OpInit, next(t, w).Type)
		require.Equal(t, types.OpPut, next(t, w).Type)
		<-w.Done()
		require.True(t, trace.IsConnectionProblem(w.Error()), w.Error())
	})
}

func TestRequestsExpire(t *testing.T) {
	for name, tc := range map[string]struct {
		settle types.RequestState
		want   time.Duration
	}{
		"pending at its own expiry":     {want: time.Hour},
		"approved at the access expiry": {settle: types.RequestState_APPROVED, want: 5 * time.Hour},
		"denied at its own expiry":      {settle: types.RequestState_DENIED, want: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, clt := newWorld(t, faketeleport.Config{}, faketeleport.RoleAccessPlugin)
				start := time.Now()
				id := create(t, c, faketeleport.RequestOptions{PendingTTL: time.Hour, AccessTTL: 5 * time.Hour})
				if tc.settle != types.RequestState_NONE {
					require.NoError(t, c.SetState("admin", id, tc.settle, ""))
				}
				w, err := clt.NewWatcher(t.Context(), accessRequests)
				require.NoError(t, err)
				require.Equal(t, types.OpInit, next(t, w).Type)
				require.Equal(t, types.OpDelete, next(t, w).Type)
				require.Equal(t, tc.want, time.Since(start))
				_, err = c.Request(id)
				require.True(t, trace.IsNotFound(err), err)
				audit := c.Audit()
				require.Equal(t, faketeleport.AuditExpire, audit[len(audit)-1].Type)
			})
		})
	}
}

func TestNothingExpiresInAClosedCluster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, faketeleport.Config{})
		create(t, c, faketeleport.RequestOptions{PendingTTL: time.Hour})
		c.Close()
		pass(2 * time.Hour)
		require.Len(t, c.Requests(), 1)
	})
}
