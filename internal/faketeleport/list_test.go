package faketeleport_test

import (
	"fmt"
	"testing"

	"github.com/gravitational/teleport/api/client/proto"
	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"teleport-jira/internal/faketeleport"
)

func TestListWithoutRightsIsCutWithoutAnError(t *testing.T) {
	for name, cfg := range map[string]faketeleport.Config{
		"pages":  {},
		"stream": {NoPagedList: true},
	} {
		t.Run(name, func(t *testing.T) {
			c, clt := newWorld(t, cfg, "reviews-editors")
			c.PutRole(faketeleport.Role{Name: "reviews-editors", ReviewRequests: []string{"editor"}})
			create(t, c, faketeleport.RequestOptions{})
			own, err := c.CreateRequest(bot, []string{"dba"}, "", faketeleport.RequestOptions{ID: "1"})
			require.NoError(t, err)
			reviewable, err := c.CreateRequest("alice", []string{"editor"}, "", faketeleport.RequestOptions{ID: "2"})
			require.NoError(t, err)
			found, err := clt.GetAccessRequests(t.Context(), types.AccessRequestFilter{})
			require.NoError(t, err)
			require.Len(t, found, 2)
			require.Equal(t, own.GetName(), found[0].GetName())
			require.Equal(t, reviewable.GetName(), found[1].GetName())
		})
	}
}

func TestListFallsBackToTheStreamOnOldServers(t *testing.T) {
	c, clt := newWorld(t, faketeleport.Config{NoPagedList: true, Version: "10.0.0"}, faketeleport.RoleAccessPlugin)
	create(t, c, faketeleport.RequestOptions{ID: "one"})
	_, err := clt.ListAccessRequests(t.Context(), &proto.ListAccessRequestsRequest{})
	require.True(t, trace.IsNotImplemented(err), err)
	found, err := clt.GetAccessRequests(t.Context(), types.AccessRequestFilter{})
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.Equal(t, map[string]int{"ListAccessRequests": 2, "GetAccessRequestsV2": 1}, c.Calls())
}

func TestListFiltersByIDAndState(t *testing.T) {
	c, clt := newWorld(t, faketeleport.Config{}, faketeleport.RoleAccessPlugin)
	for _, id := range []string{"one", "two", "three"} {
		create(t, c, faketeleport.RequestOptions{ID: id})
	}
	require.NoError(t, c.SetState("admin", "two", types.RequestState_DENIED, ""))
	for name, tc := range map[string]struct {
		filter types.AccessRequestFilter
		want   []string
	}{
		"by id":       {types.AccessRequestFilter{ID: "one"}, []string{"one"}},
		"unknown id":  {types.AccessRequestFilter{ID: "four"}, nil},
		"id of other": {types.AccessRequestFilter{ID: "two", State: types.RequestState_PENDING}, nil},
		"by state":    {types.AccessRequestFilter{State: types.RequestState_PENDING}, []string{"one", "three"}},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := clt.GetAccessRequests(t.Context(), tc.filter)
			require.NoError(t, err)
			var ids []string
			for _, req := range found {
				ids = append(ids, req.GetName())
			}
			require.Equal(t, tc.want, ids)
		})
	}
}

// Whatever page size and order: following the keys yields every request once,
// in the order asked for, also where some are removed between two pages.
func TestPagesHoldEveryRequestOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c, err := faketeleport.New(faketeleport.Config{PageSize: rapid.IntRange(1, 7).Draw(rt, "page")})
		require.NoError(rt, err)
		defer c.Close()
		s, err := faketeleport.ServeMemory(c)
		require.NoError(rt, err)
		defer s.Stop()
		c.PutUser(faketeleport.User{Name: bot, Roles: []string{faketeleport.RoleAccessPlugin}})
		clt, err := s.Client(t.Context(), bot)
		require.NoError(rt, err)
		defer clt.Close()

		left := map[string]bool{}
		for i := range rapid.IntRange(0, 20).Draw(rt, "requests") {
			req, err := c.CreateRequest(fmt.Sprintf("user%d", i%3), []string{"dba"}, "", faketeleport.RequestOptions{})
			require.NoError(rt, err)
			left[req.GetName()] = true
		}
		in := &proto.ListAccessRequestsRequest{
			Sort:       rapid.SampledFrom([]proto.AccessRequestSort{0, 1, 2, 3}).Draw(rt, "sort"),
			Descending: rapid.Bool().Draw(rt, "descending"),
		}
		for {
			page, err := clt.ListAccessRequests(t.Context(), in)
			require.NoError(rt, err)
			for _, req := range page.AccessRequests {
				require.True(rt, left[req.GetName()], "seen twice or unknown")
				delete(left, req.GetName())
				if rapid.Bool().Draw(rt, "removed once seen") {
					require.NoError(rt, c.Remove(req.GetName()))
				}
			}
			if page.NextKey == "" {
				break
			}
			in.StartKey = page.NextKey
		}
		require.Empty(rt, left)
	})
}

func TestCreateOverTheAPI(t *testing.T) {
	c, clt := newWorld(t, faketeleport.Config{}, faketeleport.RoleRequester, "terms")
	c.PutRole(faketeleport.Role{
		Name:               "terms",
		Annotations:        map[string][]string{"team": {"db"}},
		SuggestedReviewers: []string{"rita"},
		Thresholds:         []types.AccessReviewThreshold{{Name: "two", Approve: 2, Deny: 1}},
	})
	sent, err := types.NewAccessRequest("mine", bot, "dba")
	require.NoError(t, err)
	sent.SetRequestReason("need it")
	sent.SetSystemAnnotations(map[string][]string{"team": {"forged"}})
	made, err := clt.CreateAccessRequestV2(t.Context(), sent)
	require.NoError(t, err)
	require.NotEqual(t, "mine", made.GetName(), "the server names requests")
	require.Equal(t, "need it", made.GetRequestReason())
	require.Equal(t, map[string][]string{"team": {"db"}}, made.GetSystemAnnotations())
	require.Equal(t, []string{"rita"}, made.GetSuggestedReviewers())
	require.Equal(t, uint32(2), made.GetThresholds()[0].Approve)

	others, err := types.NewAccessRequest("other", "alice", "dba")
	require.NoError(t, err)
	_, err = clt.CreateAccessRequestV2(t.Context(), others)
	require.True(t, trace.IsAccessDenied(err), err)
	require.True(t, trace.IsAccessDenied(clt.DeleteAccessRequest(t.Context(), made.GetName())))

	_, err = c.CreateRequest("alice", []string{"dba"}, "", faketeleport.RequestOptions{ID: made.GetName()})
	require.True(t, trace.IsAlreadyExists(err), err)
}
