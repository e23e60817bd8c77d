package faketeleport_test

import (
	"slices"
	"testing"

	"github.com/gravitational/teleport/api/accessrequest"
	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/faketeleport"
)

func TestUsersAndTraits(t *testing.T) {
	c, clt := newWorld(t, faketeleport.Config{}, faketeleport.RoleAccessPlugin)
	c.PutUser(faketeleport.User{Name: "alice", Traits: map[string][]string{"jira": {"557058:0b1c"}}})
	_, err := clt.GetUser(t.Context(), "alice", false)
	require.True(t, trace.IsAccessDenied(err), err)
	_, err = clt.GetUsers(t.Context(), false)
	require.True(t, trace.IsAccessDenied(err), err)

	own, err := clt.GetCurrentUser(t.Context())
	require.NoError(t, err)
	require.Equal(t, bot, own.GetName())

	c.PutRole(faketeleport.Role{Name: "reads-users", ReadUsers: true})
	c.PutUser(faketeleport.User{Name: bot, Roles: []string{"reads-users"}})
	alice, err := clt.GetUser(t.Context(), "alice", false)
	require.NoError(t, err)
	require.Equal(t, []string{"557058:0b1c"}, alice.GetTraits()["jira"])
	all, err := clt.GetUsers(t.Context(), false)
	require.NoError(t, err)
	require.Len(t, all, 3)
	_, err = clt.GetUser(t.Context(), "nobody", false)
	require.True(t, trace.IsNotFound(err), err)
}

func TestRolesShowTheirRights(t *testing.T) {
	_, clt := newWorld(t, faketeleport.Config{}, faketeleport.RolePluginReviewer)
	roles, err := clt.GetCurrentUserRoles(t.Context())
	require.NoError(t, err)
	require.Len(t, roles, 1)
	require.Equal(t, []string{"*"}, roles[0].GetAccessReviewConditions(types.Allow).Roles)
	own, err := clt.GetRole(t.Context(), faketeleport.RolePluginReviewer)
	require.NoError(t, err)
	require.Contains(t, own.GetRules(types.Allow),
		types.NewRule(types.KindAccessRequest, []string{types.VerbList, types.VerbRead}))
	_, err = clt.GetRole(t.Context(), faketeleport.RoleReviewer)
	require.True(t, trace.IsAccessDenied(err), err)
	_, err = clt.GetRoles(t.Context())
	require.True(t, trace.IsAccessDenied(err), err)
}

func TestResourceNames(t *testing.T) {
	c, clt := newWorld(t, faketeleport.Config{ClusterName: "c"}, "looks")
	c.PutRole(faketeleport.Role{Name: "looks", ListResources: []string{types.KindNode, types.KindApp}})
	require.NoError(t, c.AddNode(`id "1"`, "db.example.com"))
	require.NoError(t, c.AddNode("id-2", "other.example.com"))
	require.NoError(t, c.AddOktaApp("app-1", "Payroll"))
	require.NoError(t, c.AddOktaGroup("group-1", "Finance"))

	id := func(kind, name string) types.ResourceID {
		return types.ResourceID{ClusterName: "c", Kind: kind, Name: name}
	}
	seen := []types.ResourceID{id(types.KindNode, `id "1"`), id(types.KindApp, "app-1"), id(types.KindNode, "gone")}
	req, err := c.CreateRequest("alice", nil, "", faketeleport.RequestOptions{Resources: seen})
	require.NoError(t, err)
	names, err := accessrequest.GetResourceNames(t.Context(), clt, req)
	require.NoError(t, err)
	require.Equal(t, []string{"/node/db.example.com", "/app/Payroll", "/c/node/gone"}, names)

	withGroup := append(slices.Clone(seen), id(types.KindUserGroup, "group-1"))
	_, err = accessrequest.GetResourceDetails(t.Context(), "c", clt, withGroup)
	require.True(t, trace.IsAccessDenied(err), "one kind without rights fails the whole call: %v", err)

	c.PutRole(faketeleport.Role{Name: "looks", ListResources: []string{"*"}})
	details, err := accessrequest.GetResourceDetails(t.Context(), "c", clt, withGroup)
	require.NoError(t, err)
	require.Equal(t, "Finance", details["/c/user_group/group-1"].FriendlyName)
}
