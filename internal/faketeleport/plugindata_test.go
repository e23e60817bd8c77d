package faketeleport_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/faketeleport"
)

func update(id string, set, expect map[string]string) types.PluginDataUpdateParams {
	return types.PluginDataUpdateParams{
		Kind: types.KindAccessRequest, Resource: id, Plugin: "jira", Set: set, Expect: expect,
	}
}

func TestPluginDataIsComparedAndSwapped(t *testing.T) {
	type kv = map[string]string
	for name, tc := range map[string]struct {
		stored, set, expect, want kv
		refused                   bool
	}{
		"first write":              {set: kv{"a": "1"}, want: kv{"a": "1"}},
		"absence met":              {set: kv{"a": "1"}, expect: kv{"a": ""}, want: kv{"a": "1"}},
		"absence not met":          {stored: kv{"a": "1"}, set: kv{"a": "2"}, expect: kv{"a": ""}, want: kv{"a": "1"}, refused: true},
		"value met":                {stored: kv{"a": "1"}, set: kv{"a": "2"}, expect: kv{"a": "1"}, want: kv{"a": "2"}},
		"value not met":            {stored: kv{"a": "1"}, set: kv{"a": "3"}, expect: kv{"a": "2"}, want: kv{"a": "1"}, refused: true},
		"value expected of nobody": {set: kv{"a": "3"}, expect: kv{"a": "2"}, refused: true},
		"empty value deletes":      {stored: kv{"a": "1", "b": "2"}, set: kv{"a": ""}, want: kv{"b": "2"}},
		"last value deleted":       {stored: kv{"a": "1"}, set: kv{"a": ""}},
		"others are left alone":    {stored: kv{"b": "2"}, set: kv{"a": "1"}, want: kv{"a": "1", "b": "2"}},
	} {
		t.Run(name, func(t *testing.T) {
			c, clt := newWorld(t, faketeleport.Config{}, faketeleport.RoleAccessPlugin)
			id := create(t, c, faketeleport.RequestOptions{})
			if tc.stored != nil {
				require.NoError(t, c.PutPluginData("jira", id, tc.stored))
			}
			err := clt.UpdatePluginData(t.Context(), update(id, tc.set, tc.expect))
			require.Equal(t, tc.refused, trace.IsCompareFailed(err), err)
			require.Equal(t, tc.refused, err != nil, err)
			require.Equal(t, tc.want, c.PluginData(id)["jira"])

			read, err := clt.GetPluginData(t.Context(), types.PluginDataFilter{
				Kind: types.KindAccessRequest, Resource: id, Plugin: "jira",
			})
			require.NoError(t, err)
			if tc.want == nil {
				require.Empty(t, read)
				return
			}
			require.Len(t, read, 1)
			require.Equal(t, tc.want, read[0].Entries()["jira"].Data)
		})
	}
}

func TestPluginDataNeedsARequestToBeginWith(t *testing.T) {
	c, clt := newWorld(t, faketeleport.Config{}, faketeleport.RoleAccessPlugin)
	err := clt.UpdatePluginData(t.Context(), update("gone", map[string]string{"a": "1"}, nil))
	require.True(t, trace.IsNotFound(err), err)

	id := create(t, c, faketeleport.RequestOptions{})
	require.NoError(t, clt.UpdatePluginData(t.Context(), update(id, map[string]string{"a": "1"}, nil)))
	require.NoError(t, c.Remove(id))
	require.NoError(t, clt.UpdatePluginData(t.Context(), update(id, map[string]string{"a": "2"}, nil)))
	require.Equal(t, map[string]string{"a": "2"}, c.PluginData(id)["jira"])
}

func TestPluginDataIsDroppedAnHourAfterAccessExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, faketeleport.Config{})
		id := create(t, c, faketeleport.RequestOptions{PendingTTL: time.Hour, AccessTTL: 2 * time.Hour})
		require.NoError(t, c.PutPluginData("jira", id, map[string]string{"a": "1"}))
		pass(3*time.Hour - time.Second)
		require.NoError(t, c.PutPluginData("jira", id, map[string]string{"a": "2"}), "can be updated until then")
		pass(2 * time.Second)
		require.Empty(t, c.PluginData(id))
		require.True(t, trace.IsNotFound(c.PutPluginData("jira", id, map[string]string{"a": "3"})))
	})
}

func TestPluginDataIsLimited(t *testing.T) {
	c, clt := newWorld(t, faketeleport.Config{}, faketeleport.RoleAccessPlugin)
	id := create(t, c, faketeleport.RequestOptions{})
	err := clt.UpdatePluginData(t.Context(), update(id, map[string]string{"a": strings.Repeat("x", 1_000_000)}, nil))
	require.True(t, trace.IsBadParameter(err), err)
	require.ErrorContains(t, err, "plugin data size limit exceeded")
	require.NoError(t, clt.UpdatePluginData(t.Context(), update(id, map[string]string{"a": strings.Repeat("x", 990_000)}, nil)))
}

func TestPluginDataNeedsTheRight(t *testing.T) {
	c, clt := newWorld(t, faketeleport.Config{}, faketeleport.RoleReviewer)
	id := create(t, c, faketeleport.RequestOptions{})
	err := clt.UpdatePluginData(t.Context(), update(id, map[string]string{"a": "1"}, nil))
	require.True(t, trace.IsAccessDenied(err), err)
	_, err = clt.GetPluginData(t.Context(), types.PluginDataFilter{Kind: types.KindAccessRequest, Resource: id})
	require.True(t, trace.IsAccessDenied(err), err)
}
