package faketeleport_test

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"teleport-jira/internal/faketeleport"
)

func TestOneOfManySwapsWins(t *testing.T) {
	c := newCluster(t, faketeleport.Config{}, faketeleport.RoleAccessPlugin)
	s := serve(t, c)
	id := create(t, c, faketeleport.RequestOptions{})
	var won atomic.Int32
	var wg sync.WaitGroup
	for i := range 4 {
		clt := connect(t, s, bot)
		for j := range 8 {
			wg.Go(func() {
				me := fmt.Sprintf("replica %d, worker %d", i, j)
				err := clt.UpdatePluginData(t.Context(),
					update(id, map[string]string{"claim": me}, map[string]string{"claim": ""}))
				switch {
				case err == nil:
					won.Add(1)
				case !trace.IsCompareFailed(err):
					t.Errorf("%s: %v", me, err)
				}
			})
		}
	}
	wg.Wait()
	require.Equal(t, int32(1), won.Load())
}

// Whatever people do to a request: reviews are only ever appended, nobody's
// counts twice, the requester's never, and a denial stays.
func TestRequestLifeKeepsItsRules(t *testing.T) {
	people := []string{"alice", "rita", "ruth", "rob"}
	rapid.Check(t, func(rt *rapid.T) {
		c, err := faketeleport.New(faketeleport.Config{})
		require.NoError(rt, err)
		defer c.Close()
		for _, name := range people {
			c.PutUser(faketeleport.User{Name: name, Roles: []string{faketeleport.RoleReviewer}})
		}
		before, err := c.CreateRequest("alice", []string{"dba"}, "", faketeleport.RequestOptions{
			Thresholds: []types.AccessReviewThreshold{{
				Approve: rapid.Uint32Range(1, 3).Draw(rt, "approve"), Deny: rapid.Uint32Range(1, 3).Draw(rt, "deny"),
			}},
		})
		require.NoError(rt, err)
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			who := rapid.SampledFrom(people).Draw(rt, "who")
			state := rapid.SampledFrom([]types.RequestState{
				types.RequestState_APPROVED, types.RequestState_DENIED,
			}).Draw(rt, "state")
			direct := rapid.IntRange(0, 5).Draw(rt, "direct") == 0
			var stepErr error
			if direct {
				stepErr = c.SetState(who, before.GetName(), state, "")
			} else {
				_, stepErr = c.Review(who, before.GetName(), state, "")
			}
			after, err := c.Request(before.GetName())
			require.NoError(rt, err)
			if stepErr != nil {
				require.Equal(rt, before, after, "a refused step changes nothing")
			}
			checkStep(rt, before, after)
			before = after
		}
	})
}

func checkStep(t require.TestingT, before, after *types.AccessRequestV3) {
	old, now := before.GetReviews(), after.GetReviews()
	require.True(t, slices.EqualFunc(old, now[:len(old)], func(a, b types.AccessReview) bool { return a.String() == b.String() }))
	authors := map[string]bool{after.GetUser(): true}
	approvals, denials := uint32(0), uint32(0)
	for _, rev := range now {
		require.False(t, authors[rev.Author], "author counted twice, or the requester")
		authors[rev.Author] = true
		if rev.ProposedState.IsApproved() {
			approvals++
		} else {
			denials++
		}
	}
	threshold := after.GetThresholds()[0]
	if after.GetState().IsPending() {
		require.Less(t, approvals, threshold.Approve)
		require.Less(t, denials, threshold.Deny)
	}
	if before.GetState().IsDenied() {
		require.True(t, after.GetState().IsDenied())
	}
}
