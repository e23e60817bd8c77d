package fakejira_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
)

const issuesPath = "/rest/api/2/issue"

func TestServerInfoNeedsNoLogin(t *testing.T) {
	for name, tc := range map[string]struct {
		flavour fakejira.Flavour
		kind    string
	}{
		"cloud":       {fakejira.Cloud, "Cloud"},
		"data center": {fakejira.DataCenter, "Server"},
	} {
		t.Run(name, func(t *testing.T) {
			j := start(t, fakejira.Board(tc.flavour)).as("", "")
			j.SetBaseURL("https://jira.internal")
			info := j.call(http.StatusOK, "GET", "/rest/api/2/serverInfo", nil)
			require.Equal(t, tc.kind, info["deploymentType"])
			require.Equal(t, "https://jira.internal", info["baseUrl"])
		})
	}
}

func TestMyselfTellsWhoIsLoggedIn(t *testing.T) {
	cloud := start(t, fakejira.Board(fakejira.Cloud)).call(http.StatusOK, "GET", "/rest/api/2/myself", nil)
	require.Equal(t, fakejira.BotID, cloud["accountId"])
	require.Equal(t, "atlassian", cloud["accountType"])
	require.NotContains(t, cloud, "name")

	dc := start(t, fakejira.Board(fakejira.DataCenter)).call(http.StatusOK, "GET", "/rest/api/2/myself", nil)
	require.Equal(t, fakejira.BotID, dc["key"])
	require.Equal(t, fakejira.BotID, dc["name"])
	require.NotContains(t, dc, "accountId")
}

func TestWrongTokenIsAnonymousOnCloud(t *testing.T) {
	j := start(t, fakejira.Board(fakejira.Cloud))
	key := j.create()
	bad := j.as(fakejira.BotEmail, "expired")

	status, _, header := bad.do("GET", "/rest/api/2/myself", nil)
	require.Equal(t, http.StatusUnauthorized, status)
	require.Equal(t, "AUTHENTICATED_FAILED", header.Get("X-Seraph-LoginReason"))
	bad.call(http.StatusUnauthorized, "POST", issuesPath, obj{"fields": fields()})
	bad.call(http.StatusUnauthorized, "POST", issuesPath+"/"+key+"/comment", obj{"body": "x"})
	bad.call(http.StatusUnauthorized, "POST", issuesPath+"/"+key+"/transitions", obj{"transition": obj{"id": "21"}})

	bad.call(http.StatusNotFound, "GET", issuesPath+"/"+key, nil)
	require.Empty(t, bad.list("/rest/api/2/status"))
	require.Empty(t, bad.list("/rest/api/2/user/search?query=alice"))
	found := bad.call(http.StatusOK, "GET", "/rest/api/2/search/jql?jql=labels+in+(l)", nil)
	require.Empty(t, found["issues"])
}

func TestWrongTokenIsRefusedOnDataCenter(t *testing.T) {
	j := start(t, fakejira.Board(fakejira.DataCenter)).as(fakejira.BotID, "wrong")
	for _, path := range []string{"/rest/api/2/myself", "/rest/api/2/serverInfo", "/rest/api/2/status"} {
		status, body, _ := j.do("GET", path, nil)
		require.Equal(t, http.StatusUnauthorized, status)
		require.Contains(t, string(body), "<html>")
	}
}

func TestBearerLogin(t *testing.T) {
	for _, f := range flavours() {
		t.Run(f.String(), func(t *testing.T) {
			j := start(t, fakejira.Board(f))
			req := j.as("", "").request("GET", "/rest/api/2/myself", nil)
			req.Header.Set("Authorization", "Bearer "+fakejira.BotPAT)
			resp, err := j.client.RoundTrip(req)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			require.Equal(t, http.StatusOK, resp.StatusCode)
		})
	}
}

func TestBasicLoginCanBeOffOnDataCenter(t *testing.T) {
	o := fakejira.Board(fakejira.DataCenter)
	o.NoBasicAuth = true
	start(t, o).call(http.StatusForbidden, "GET", "/rest/api/2/myself", nil)
}

func TestLoginEndsWithTheToken(t *testing.T) {
	for _, f := range flavours() {
		t.Run(f.String(), func(t *testing.T) {
			j := start(t, fakejira.Board(f))
			require.NoError(t, j.ChangeAccount(fakejira.BotID, func(a *fakejira.Account) { a.Token = "renewed" }))
			status, _, _ := j.do("GET", "/rest/api/2/myself", nil)
			require.Equal(t, http.StatusUnauthorized, status)
			j.as(j.user, "renewed").call(http.StatusOK, "GET", "/rest/api/2/myself", nil)
			require.NoError(t, j.ChangeAccount(fakejira.BotID, func(a *fakejira.Account) { a.Inactive = true }))
			status, _, _ = j.as(j.user, "renewed").do("GET", "/rest/api/2/myself", nil)
			require.Equal(t, http.StatusUnauthorized, status)
		})
	}
}

func TestPermissionsAreAsked(t *testing.T) {
	for _, f := range flavours() {
		t.Run(f.String(), func(t *testing.T) {
			j := start(t, fakejira.Board(f))
			require.NoError(t, j.SetPermission("TAR", fakejira.DeleteIssues, fakejira.AliceID))
			query := "/rest/api/2/mypermissions?projectKey=TAR"
			if f == fakejira.Cloud {
				j.call(http.StatusBadRequest, "GET", query, nil)
				j.call(http.StatusBadRequest, "GET", query+"&permissions=NO_SUCH", nil)
				query += "&permissions=CREATE_ISSUES,DELETE_ISSUES"
			}
			all := j.call(http.StatusOK, "GET", query, nil)
			require.Equal(t, true, at(t, all, "permissions", "CREATE_ISSUES", "havePermission"))
			require.Equal(t, false, at(t, all, "permissions", "DELETE_ISSUES", "havePermission"))
			all = j.as("", "").call(http.StatusOK, "GET", query, nil)
			require.Equal(t, false, at(t, all, "permissions", "CREATE_ISSUES", "havePermission"))
			require.Error(t, j.SetPermission("NONE", fakejira.DeleteIssues))
		})
	}
}

func TestMissingPermissionsRefuse(t *testing.T) {
	for _, f := range flavours() {
		t.Run(f.String(), func(t *testing.T) {
			j := start(t, fakejira.Board(f))
			path := issuesPath + "/" + j.create()
			deny := func(p fakejira.Permission) { require.NoError(t, j.SetPermission("TAR", p, fakejira.AliceID)) }

			deny(fakejira.TransitionIssues)
			require.Empty(t, j.call(http.StatusOK, "GET", path+"/transitions", nil)["transitions"])
			j.call(http.StatusBadRequest, "POST", path+"/transitions", obj{"transition": obj{"id": "21"}})
			deny(fakejira.AddComments)
			j.call(http.StatusBadRequest, "POST", path+"/comment", obj{"body": "x"})
			deny(fakejira.EditIssues)
			j.call(http.StatusForbidden, "PUT", path+"/properties/k", 1)
			deny(fakejira.DeleteIssues)
			j.call(http.StatusForbidden, "DELETE", path, nil)
			deny(fakejira.CreateIssues)
			errs := j.call(http.StatusBadRequest, "POST", issuesPath, obj{"fields": fields()})
			require.NotEmpty(t, at(t, errs, "errors", "project"))
			deny(fakejira.BrowseProjects)
			j.call(http.StatusNotFound, "GET", path, nil)
			j.call(http.StatusNotFound, "GET", "/rest/api/2/project/TAR", nil)
		})
	}
}
