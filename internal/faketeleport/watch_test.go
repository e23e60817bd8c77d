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
		review bool // by a review, not by setting the state
		want   time.Duration
	}{
		"pending at its own expiry":              {want: time.Hour},
		"approved at the access expiry":          {settle: types.RequestState_APPROVED, want: 5 * time.Hour},
		"denied at its own expiry":               {settle: types.RequestState_DENIED, want: time.Hour},
		"denied by review, at the access expiry": {settle: types.RequestState_DENIED, review: true, want: 5 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, clt := newWorld(t, faketeleport.Config{}, faketeleport.RoleAccessPlugin)
				start := time.Now()
				id := create(t, c, faketeleport.RequestOptions{PendingTTL: time.Hour, AccessTTL: 5 * time.Hour})
				switch {
				case tc.review:
					_, err := c.Review("rita", id, tc.settle, "")
					require.NoError(t, err)
				case tc.settle != types.RequestState_NONE:
					require.NoError(t, c.SetState("admin", id, tc.settle, ""))
				}
				w, err := clt.NewWatcher(t.Context(), accessRequests)
				require.NoError(t, err)
				require.Equal(t, types.OpInit, next(t, w).Type)
				require.Equal(t, types.OpDelete, next(t, w).Type)
				require.Equal(t, tc.want, time.Since(start))
				_, err = c.Request(id)
				require.True(t, trace.IsNotFound(err), err)
				for _, event := range c.Audit() {
					require.NotEqual(t, faketeleport.AuditDelete, event.Type, "the log has no event of an expiry")
				}
			})
		})
	}
}

func TestWatcherIsToldOfAnExpiryLater(t *testing.T) {
	for name, tc := range map[string]struct {
		cfg      faketeleport.Config
		readable bool          // after the expiry
		want     time.Duration // until OpDelete; 0: it never comes
	}{
		"at once":         {faketeleport.Config{}, false, time.Hour},
		"sqlite":          {faketeleport.Config{DeleteDelay: 300 * time.Millisecond}, false, time.Hour + 300*time.Millisecond},
		"expiry service":  {faketeleport.Config{DeleteDelay: 5 * time.Minute, ReadPastExpiry: true}, true, time.Hour + 5*time.Minute},
		"server was down": {faketeleport.Config{NoDeleteAtExpiry: true}, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, clt := newWorld(t, tc.cfg, faketeleport.RoleAccessPlugin)
				start := time.Now()
				id := create(t, c, faketeleport.RequestOptions{})
				w, err := clt.NewWatcher(t.Context(), accessRequests)
				require.NoError(t, err)
				require.Equal(t, types.OpInit, next(t, w).Type)
				pass(time.Hour + time.Millisecond)
				found, err := clt.GetAccessRequests(t.Context(), types.AccessRequestFilter{ID: id})
				require.NoError(t, err)
				require.Equal(t, tc.readable, len(found) == 1)
				if tc.want == 0 {
					pass(time.Hour)
					c.CloseWatchers()
					<-w.Done()
					require.Empty(t, w.Events())
					return
				}
				require.Equal(t, types.OpDelete, next(t, w).Type)
				if tc.want > time.Hour {
					require.Equal(t, tc.want, time.Since(start))
				}
			})
		})
	}
}

func TestRecentEventsFollowOpInit(t *testing.T) {
	c, clt := newWorld(t, faketeleport.Config{RecentEvents: 2}, faketeleport.RoleAccessPlugin)
	for _, id := range []string{"older", "one", "two"} {
		create(t, c, faketeleport.RequestOptions{ID: id})
	}
	w, err := clt.NewWatcher(t.Context(), accessRequests)
	require.NoError(t, err)
	require.Equal(t, types.OpInit, next(t, w).Type)
	require.Equal(t, "one", next(t, w).Resource.GetName())
	require.Equal(t, "two", next(t, w).Resource.GetName())
}

func TestEventsAreHeldBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, clt := newWorld(t, faketeleport.Config{EventDelay: time.Second}, faketeleport.RoleAccessPlugin)
		w, err := clt.NewWatcher(t.Context(), accessRequests)
		require.NoError(t, err)
		require.Equal(t, types.OpInit, next(t, w).Type)
		start := time.Now()
		for _, id := range []string{"one", "two"} {
			create(t, c, faketeleport.RequestOptions{ID: id})
			pass(400 * time.Millisecond)
		}
		for _, id := range []string{"one", "two"} {
			require.Equal(t, id, next(t, w).Resource.GetName())
			require.Equal(t, time.Second, time.Since(start))
		}
	})
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
