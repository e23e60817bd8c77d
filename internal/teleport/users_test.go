package teleport_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/faketeleport"
)

const usersRole = "users"

func newUsersWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, faketeleport.Config{}, faketeleport.RoleAccessPlugin, usersRole)
	w.cluster.PutRole(faketeleport.Role{Name: usersRole, ReadUsers: true})
	for name, ids := range map[string][]string{"alice": {"a1", "a2", "a1"}, "bob": {"b1"}, "robert": {"b1"}} {
		w.cluster.PutUser(faketeleport.User{Name: name, Traits: map[string][]string{"jira_id": ids}})
	}
	return w
}

func TestUsersByTrait(t *testing.T) {
	for name, tc := range map[string]struct {
		trait, value string
		want         []string
	}{
		"one":           {"jira_id", "a2", []string{"alice"}},
		"value twice":   {"jira_id", "a1", []string{"alice"}},
		"several":       {"jira_id", "b1", []string{"bob", "robert"}},
		"none":          {"jira_id", "c1", nil},
		"another trait": {"logins", "a1", nil},
		"empty value":   {"jira_id", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			clt := newUsersWorld(t).connect()
			got, err := clt.UsersByTrait(t.Context(), tc.trait, tc.value)
			require.NoError(t, err)
			require.ElementsMatch(t, tc.want, got)
		})
	}
}

func TestUsersAreReadOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newUsersWorld(t)
		clt := w.connect()
		for range 5 {
			_, err := clt.UsersByTrait(t.Context(), "jira_id", "a1")
			require.NoError(t, err)
		}
		require.Equal(t, 1, w.cluster.Calls()["ListUsers"])
		w.cluster.DeleteUser("alice")
		pass(2 * time.Minute)
		got, err := clt.UsersByTrait(t.Context(), "jira_id", "a1")
		require.NoError(t, err)
		require.Empty(t, got)
	})
}

func TestMissingRightToReadUsersNamesTheRule(t *testing.T) {
	w := newWorld(t, faketeleport.Config{})
	clt := w.connect()
	for range 3 {
		_, err := clt.UsersByTrait(t.Context(), "jira_id", "a1")
		require.Equal(t, access.Permanent, access.ClassOf(err))
		require.ErrorContains(t, err, "resources: [user]")
	}
	require.Equal(t, 1, w.cluster.Calls()["ListUsers"], "a refusal is remembered for a while")
}
