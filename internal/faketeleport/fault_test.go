package faketeleport_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/faketeleport"
)

func TestFaultsBeforeAndAfterTheEffect(t *testing.T) {
	for name, tc := range map[string]struct {
		fault faketeleport.Fault
		is    func(error) bool
		want  int // reviews there are afterwards
	}{
		"unavailable before":   {faketeleport.Unavailable("SubmitAccessReview", 1), trace.IsConnectionProblem, 0},
		"lost answer":          {faketeleport.LoseAnswer("SubmitAccessReview", 1), trace.IsConnectionProblem, 1},
		"any method":           {faketeleport.Fault{Times: 1, Err: trace.LimitExceeded("slow down")}, trace.IsLimitExceeded, 0},
		"trace error":          {faketeleport.Fault{User: bot, Times: 1, Err: trace.NotFound("no")}, trace.IsNotFound, 0},
		"other people's calls": {faketeleport.Fault{User: "rita", Err: trace.NotFound("no")}, isNil, 1},
		"other methods":        {faketeleport.Unavailable("Ping", 0), isNil, 1},
	} {
		t.Run(name, func(t *testing.T) {
			c, clt := newWorld(t, faketeleport.Config{}, faketeleport.RolePluginReviewer)
			id := create(t, c, faketeleport.RequestOptions{})
			c.Inject(tc.fault)
			_, err := clt.SubmitAccessReview(t.Context(), review(id, types.RequestState_APPROVED))
			require.True(t, tc.is(err), "%T: %v", trace.Unwrap(err), err)
			got, err := c.Request(id)
			require.NoError(t, err)
			require.Len(t, got.GetReviews(), tc.want)
			require.Equal(t, 1, c.Calls()["SubmitAccessReview"])
		})
	}
}

func isNil(err error) bool { return err == nil }

func TestFaultStrikesAsOftenAsAsked(t *testing.T) {
	c, clt := newWorld(t, faketeleport.Config{}, faketeleport.RoleAccessPlugin)
	disarm := c.Inject(faketeleport.Unavailable("Ping", 2))
	for _, fails := range []bool{true, true, false} {
		_, err := clt.Ping(t.Context())
		require.Equal(t, fails, err != nil, err)
	}
	require.Equal(t, 2, disarm())
	c.Inject(faketeleport.Unavailable("Ping", 0))
	_, err := clt.Ping(t.Context())
	require.Error(t, err)
	c.ClearFaults()
	_, err = clt.Ping(t.Context())
	require.NoError(t, err)
}

func TestDelayAndHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, clt := newWorld(t, faketeleport.Config{}, faketeleport.RoleAccessPlugin)
		c.Inject(faketeleport.Fault{Method: "Ping", Times: 1, Delay: 7 * time.Second})
		start := time.Now()
		_, err := clt.Ping(t.Context())
		require.NoError(t, err)
		require.Equal(t, 7*time.Second, time.Since(start))

		c.Inject(faketeleport.Fault{Method: "Ping", Times: 1, Hang: true})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start = time.Now()
		_, err = clt.Ping(ctx)
		require.Error(t, err)
		require.Equal(t, time.Minute, time.Since(start))
	})
}

// What happens while OpInit is held back is told after it.
func TestSlowOpInit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, clt := newWorld(t, faketeleport.Config{}, faketeleport.RoleAccessPlugin)
		c.Inject(faketeleport.Fault{
			Method: "WatchEvents", At: faketeleport.AfterEffect, Times: 1, Delay: time.Minute,
		})
		start := time.Now()
		w, err := clt.NewWatcher(t.Context(), accessRequests)
		require.NoError(t, err)
		synctest.Wait()
		create(t, c, faketeleport.RequestOptions{})
		require.Equal(t, types.OpInit, next(t, w).Type)
		require.Equal(t, time.Minute, time.Since(start))
		require.Equal(t, types.OpPut, next(t, w).Type)
	})
}
