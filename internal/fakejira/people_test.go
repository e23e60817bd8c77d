package fakejira_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
)

func TestUsersOfCloud(t *testing.T) {
	j := start(t, fakejira.Board(fakejira.Cloud))
	alice := j.call(http.StatusOK, "GET", "/rest/api/2/user?accountId=alice", nil)
	require.Equal(t, "alice@example.com", alice["emailAddress"])
	require.Equal(t, "atlassian", alice["accountType"])
	require.NotContains(t, alice, "key")
	require.Equal(t, "app", j.call(http.StatusOK, "GET", "/rest/api/2/user?accountId=robot", nil)["accountType"])
	j.call(http.StatusNotFound, "GET", "/rest/api/2/user?accountId=nobody", nil)
	j.call(http.StatusBadRequest, "GET", "/rest/api/2/user?username=alice", nil)
	j.call(http.StatusBadRequest, "GET", "/rest/api/2/user", nil)
	j.as("", "").call(http.StatusUnauthorized, "GET", "/rest/api/2/user?accountId=alice", nil)

	found := j.list("/rest/api/2/user/search?query=alice@example.com")
	require.Len(t, found, 1)
	require.Equal(t, fakejira.AliceID, found[0]["accountId"])
	require.Len(t, j.list("/rest/api/2/user/search?query=c"), 2, "Carol and Clara")
	require.Len(t, j.list("/rest/api/2/user/search?query=c&maxResults=1&startAt=1"), 1)
	j.call(http.StatusBadRequest, "GET", "/rest/api/2/user/search?username=alice", nil)

	groups := j.list("/rest/api/2/user/groups?accountId=alice")
	require.Equal(t, "approvers", groups[0]["name"])
	require.NotEmpty(t, groups[0]["groupId"])
	require.Empty(t, j.list("/rest/api/2/user/groups?accountId=carol"))
	j.as("", "").call(http.StatusUnauthorized, "GET", "/rest/api/2/user/groups?accountId=alice", nil)
	j.call(http.StatusNotFound, "GET", "/rest/api/2/user/groups?accountId=nobody", nil)
}

func TestUsersOfDataCenter(t *testing.T) {
	o := fakejira.Board(fakejira.DataCenter)
	o.Accounts = append(o.Accounts, fakejira.Account{ID: "JIRAUSER10100", Name: "dora", DisplayName: "Dora Dean", Email: "dora@example.com"})
	j := start(t, o)
	for _, query := range []string{"key=JIRAUSER10100", "username=DORA"} {
		dora := j.call(http.StatusOK, "GET", "/rest/api/2/user?"+query, nil)
		require.Equal(t, "dora", dora["name"])
		require.Equal(t, "JIRAUSER10100", dora["key"])
		require.Equal(t, "dora@example.com", dora["emailAddress"])
	}
	alice := j.call(http.StatusOK, "GET", "/rest/api/2/user?key=alice&expand=groups", nil)
	require.Equal(t, "approvers", at(t, alice, "groups", "items", 0, "name"))
	alice = j.call(http.StatusOK, "GET", "/rest/api/2/user?key=alice", nil)
	require.Empty(t, at(t, alice, "groups", "items"), "groups have to be asked for")

	require.Len(t, j.list("/rest/api/2/user/search?username=dor"), 1)
	require.NoError(t, j.ChangeAccount("JIRAUSER10100", func(a *fakejira.Account) { a.Inactive = true }))
	require.Empty(t, j.list("/rest/api/2/user/search?username=dor"))
	require.Equal(t, false, j.call(http.StatusOK, "GET", "/rest/api/2/user?username=dora", nil)["active"])
	j.call(http.StatusNotFound, "GET", "/rest/api/2/user/groups?key=alice", nil)
	j.call(http.StatusBadRequest, "GET", "/rest/api/2/user/search?query=dor", nil)
}

func TestEmailsCanBeHidden(t *testing.T) {
	o := fakejira.Board(fakejira.Cloud)
	o.HideEmails = true
	j := start(t, o)
	require.NotContains(t, j.call(http.StatusOK, "GET", "/rest/api/2/user?accountId=alice", nil), "emailAddress")
	require.Contains(t, j.call(http.StatusOK, "GET", "/rest/api/2/myself", nil), "emailAddress")
	found := j.list("/rest/api/2/user/search?query=alice@example.com")
	require.Len(t, found, 1, "found by the full address all the same")
	require.NotContains(t, found[0], "emailAddress")
	require.Empty(t, j.list("/rest/api/2/user/search?query=alice@"))
}

func TestUsersNeedTheRightToBrowseThem(t *testing.T) {
	for name, tc := range map[string]struct {
		flavour      fakejira.Flavour
		user, groups string
		search, own  string
	}{
		"cloud": {
			fakejira.Cloud, "/rest/api/2/user?accountId=alice", "/rest/api/2/user/groups?accountId=alice",
			"/rest/api/2/user/search?query=alice", "/rest/api/2/user?accountId=bot",
		},
		"data center": {
			fakejira.DataCenter, "/rest/api/2/user?key=alice", "/rest/api/2/user?key=alice&expand=groups",
			"/rest/api/2/user/search?username=alice", "/rest/api/2/user?key=bot",
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := fakejira.Board(tc.flavour)
			o.GlobalPermissions = map[fakejira.Permission][]string{fakejira.BrowseUsers: {"approvers"}}
			j := start(t, o)
			j.call(http.StatusForbidden, "GET", tc.user, nil)
			j.call(http.StatusForbidden, "GET", tc.groups, nil)
			require.Empty(t, j.list(tc.search))
			j.call(http.StatusOK, "GET", tc.own, nil)
		})
	}
}

func TestAccountsCanBeAddedOnce(t *testing.T) {
	j := start(t, fakejira.Board(fakejira.Cloud))
	require.NoError(t, j.AddAccount(fakejira.Account{ID: "dora"}))
	require.Error(t, j.AddAccount(fakejira.Account{ID: "dora"}))
	require.Error(t, j.AddAccount(fakejira.Account{}))
	require.Error(t, j.ChangeAccount("nobody", func(*fakejira.Account) {}))
	all := j.Accounts()
	require.Equal(t, "dora", all[len(all)-1].DisplayName)
	require.Equal(t, fakejira.PersonAccount, all[len(all)-1].Type)
}
