package fakejira_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
)

// searchPath is the flavour's search.
func searchPath(f fakejira.Flavour) string {
	if f == fakejira.Cloud {
		return "/rest/api/2/search/jql"
	}
	return "/rest/api/2/search"
}

// find gives the keys that a query finds, in order.
func (j *jira) find(jql string, more ...string) []string {
	j.t.Helper()
	body := obj{"jql": jql, "fields": []string{"key"}, "maxResults": 100}
	for _, id := range more {
		body["reconcileIssues"] = append(asInts(body["reconcileIssues"]), mustInt(j.t, id))
	}
	answer := j.call(http.StatusOK, "POST", searchPath(j.Flavour()), body)
	keys := []string{}
	for _, iss := range answer["issues"].([]any) {
		keys = append(keys, iss.(obj)["key"].(string))
	}
	return keys
}

func asInts(v any) []int64 {
	l, _ := v.([]int64)
	return l
}

func mustInt(tb testing.TB, s string) int64 {
	tb.Helper()
	var n int64
	_, err := fmt.Sscan(s, &n)
	require.NoError(tb, err)
	return n
}

func TestSearchIsGoneOnCloud(t *testing.T) {
	j := start(t, fakejira.Board(fakejira.Cloud))
	for _, path := range []string{"/rest/api/2/search", "/rest/api/3/search"} {
		j.call(http.StatusGone, "GET", path+"?jql=project=TAR", nil)
		j.call(http.StatusGone, "POST", path, obj{"jql": "project=TAR"})
	}
	start(t, fakejira.Board(fakejira.DataCenter)).call(http.StatusNotFound, "GET", "/rest/api/2/search/jql?jql=project=TAR", nil)
}

func TestCloudSearchGivesIDsAndTokens(t *testing.T) {
	j := start(t, fakejira.Board(fakejira.Cloud))
	for range 5 {
		j.create("l")
	}
	jql := "project = TAR ORDER BY created ASC, id ASC"
	query := "/rest/api/2/search/jql?maxResults=2&jql=" + url.QueryEscape(jql)
	page := j.call(http.StatusOK, "GET", query, nil)
	require.Equal(t, obj{"id": "10000"}, at(t, page, "issues", 0))
	require.Equal(t, false, page["isLast"])
	require.NotContains(t, page, "total")

	var ids []string
	token := ""
	for range 3 {
		body := obj{"jql": jql, "maxResults": 2, "fields": []string{"status", "labels"}, "properties": []string{"p"}}
		if token != "" {
			body["nextPageToken"] = token
		}
		page = j.call(http.StatusOK, "POST", "/rest/api/2/search/jql", body)
		for i := range page["issues"].([]any) {
			ids = append(ids, at(t, page, "issues", i, "id").(string))
			require.Len(t, at(t, page, "issues", i, "fields"), 2)
			require.Empty(t, at(t, page, "issues", i, "properties"))
		}
		token, _ = page["nextPageToken"].(string)
	}
	require.Equal(t, []string{"10000", "10001", "10002", "10003", "10004"}, ids)
	require.Equal(t, true, page["isLast"])
	require.NotContains(t, page, "nextPageToken")

	j.call(http.StatusBadRequest, "GET", query+"&nextPageToken=nonsense", nil)
	other := at(t, j.call(http.StatusOK, "GET", query, nil), "nextPageToken").(string)
	j.call(http.StatusBadRequest, "GET", "/rest/api/2/search/jql?jql=status+not+in+(Approved)&nextPageToken="+other, nil)
}

func TestDataCenterSearchCounts(t *testing.T) {
	j := start(t, fakejira.Board(fakejira.DataCenter))
	for range 5 {
		j.create("l")
	}
	page := j.call(http.StatusOK, "GET", "/rest/api/2/search?startAt=3&maxResults=2&fields=status&jql=project%3DTAR+order+by+key", nil)
	require.InDelta(t, 5, page["total"], 0)
	require.Equal(t, "TAR-4", at(t, page, "issues", 0, "key"))
	require.Len(t, at(t, page, "issues", 0, "fields"), 1)
	page = j.call(http.StatusOK, "POST", "/rest/api/2/search", obj{"jql": ""})
	require.Len(t, page["issues"], 5)
	require.NotContains(t, at(t, page, "issues", 0, "fields"), "comment", "it is not navigable")
	j.call(http.StatusBadRequest, "POST", "/rest/api/2/search", obj{"jql": "", "reconcileIssues": []int{1}})
}

func TestCloudSearchLimits(t *testing.T) {
	j := start(t, fakejira.Board(fakejira.Cloud))
	for name, body := range map[string]obj{
		"unbounded":           {"jql": "order by created"},
		"empty":               {"jql": ""},
		"too many reconciled": {"jql": "project=TAR", "reconcileIssues": make([]int, 51)},
		"too many properties": {"jql": "project=TAR", "properties": strings.Split("abcdef", "")},
		"start":               {"jql": "project=TAR", "startAt": 1},
		"unknown parameter":   {"jql": "project=TAR", "colour": 1},
	} {
		t.Run(name, func(*testing.T) { j.call(http.StatusBadRequest, "POST", "/rest/api/2/search/jql", body) })
	}
	o := fakejira.Board(fakejira.Cloud)
	o.PageCap = 3
	j = start(t, o)
	for range 4 {
		j.create()
	}
	require.Len(t, j.find("project = TAR"), 3, "the server may give less than asked for")
}

func TestSearchLagsWrites(t *testing.T) {
	for _, f := range flavours() {
		t.Run(f.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := fakejira.Board(f)
				o.SearchLag = time.Minute
				j := start(t, o)
				key := j.create("l")
				iss, err := j.Issue(key)
				require.NoError(t, err)
				require.Empty(t, j.find("labels = l"))
				if f == fakejira.Cloud {
					require.Equal(t, []string{key}, j.find("labels = l", iss.ID), "reconciled issues are current")
				}
				elapse(time.Minute)
				require.Equal(t, []string{key}, j.find("labels = l"))

				require.NoError(t, j.Drag(key, "Approved", fakejira.AliceID))
				require.Equal(t, []string{key}, j.find("status = Pending"), "the index is stale")
				elapse(30 * time.Second)
				require.NoError(t, j.Drag(key, "Denied", fakejira.AliceID))
				require.NoError(t, j.Delete(key, fakejira.AliceID))
				elapse(30 * time.Second)
				require.Equal(t, []string{key}, j.find("status = Approved"))
				elapse(30 * time.Second)
				require.Empty(t, j.find("project = TAR"))

				j.SetSearchLag(0)
				last := j.create()
				require.Equal(t, []string{last}, j.find("project = TAR"))
			})
		})
	}
}

func TestJQL(t *testing.T) {
	for _, f := range flavours() {
		t.Run(f.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := twoProjects(f)
				j := start(t, o)
				j.create("teleport-abc", "db")                                                                   // TAR-1
				_, err := j.CreateIssue(fakejira.CarolID, fakejira.NewIssue{Project: "DBA", Summary: "x \"y\""}) // DBA-1
				require.NoError(t, err)
				elapse(3 * time.Hour)
				j.create("it's") // TAR-2
				require.NoError(t, j.Drag("TAR-2", "Approved", fakejira.AliceID))
				elapse(10 * time.Minute)

				for _, tc := range []struct{ jql, want string }{
					{`project = TAR`, "TAR-2 TAR-1"},
					{`PROJECT in (tar, "DBA") order BY key ASC`, "DBA-1 TAR-1 TAR-2"},
					{`project = 10010`, "DBA-1"},
					{`labels = "teleport-abc"`, "TAR-1"},
					{`labels = Teleport-ABC`, "TAR-1"},
					{`labels = teleport`, ""},
					{`labels in (db, x)`, "TAR-1"},
					{`labels not in (db, x)`, "TAR-2"}, // DBA-1 has none
					{`labels = 'it\'s'`, "TAR-2"},
					{`status = approved`, "TAR-2"},
					{`status in ("10100", Triage) order by created desc`, "DBA-1 TAR-1"},
					{`status not in (Approved)`, "DBA-1 TAR-1"},
					{`creator = currentUser()`, "TAR-2 TAR-1"},
					{`creator in (carol, currentuser()) AND project = DBA`, "DBA-1"},
					{`issuetype = Access`, "DBA-1"},
					{`updated >= -15m`, "TAR-2"},
					{`updated >= "-5m"`, ""},
					{`updated >= "-4h 30m"`, "TAR-2 DBA-1 TAR-1"},
					{`created >= "-1d" AND status in ("10100", Triage) order by updated ASC, key`, "DBA-1 TAR-1"},
					{`project in (TAR, DBA) ORDER BY id`, "TAR-1 DBA-1 TAR-2"},
				} {
					require.Equal(t, tc.want, strings.Join(j.find(tc.jql), " "), tc.jql)
				}
			})
		})
	}
}

func TestJQLRefuses(t *testing.T) {
	for _, f := range flavours() {
		t.Run(f.String(), func(t *testing.T) {
			j := start(t, fakejira.Board(f))
			j.create()
			for _, jql := range []string{
				`project = NONE`, `status = Triage`, `creator = nobody`, `issuetype = Epic`,
				`colour = red`, `labels ~ x`, `labels >= x`, `labels in x`, `labels in (x`, `labels in ()`, `labels =`, `= x`, `labels x`,
				`(labels = x`, `labels = x)`, `labels = x AND`, `labels = x y`, `labels is x`, `labels = "x`, `labels = "x\q"`, `labels = "x\`,
				`labels = a:b`, `labels = AND`, `labels not x`, `labels = x ORDER created`, `labels = x ORDER BY colour`, `labels = x ORDER BY`,
				`updated >= soon`, `updated = "-5m"`, `updated in (-5m)`, `updated >= "-99999999999999999999d"`, `AND labels = x`,
				`labels = currentUser()`, `creator = membersOf()`, `creator = currentUser(`, `project = TAR order by key,key,key,key,key,key,key,key`,
				strings.Repeat("(", 200) + "labels = x", "labels = x AND order by created",
				// What Jira knows and the double does not.
				`labels = x OR labels = y`, `NOT labels = x`, `labels != x`, `labels is EMPTY`, `key = TAR-1`, `(labels = x)`,
			} {
				errs := j.call(http.StatusBadRequest, "POST", searchPath(f), obj{"jql": jql})
				require.NotEmpty(t, errs["errorMessages"], jql)
			}
		})
	}
}

func TestSearchExpands(t *testing.T) {
	for _, tc := range []struct {
		flavour fakejira.Flavour
		expand  any
	}{
		{fakejira.Cloud, "changelog,transitions"},
		{fakejira.DataCenter, []string{"changelog", "transitions"}},
	} {
		t.Run(tc.flavour.String(), func(t *testing.T) {
			j := start(t, fakejira.Board(tc.flavour))
			require.NoError(t, j.Drag(j.create(), "Approved", fakejira.AliceID))
			found := j.call(http.StatusOK, "POST", searchPath(tc.flavour), obj{"jql": "project = TAR", "fields": []string{"status"}, "expand": tc.expand})
			require.Equal(t, "Approved", at(t, found, "issues", 0, "changelog", "histories", 0, "items", 0, "toString"))
			require.NotEmpty(t, at(t, found, "issues", 0, "transitions"))
		})
	}
}

func TestAnonymousSearchFindsNothing(t *testing.T) {
	for _, f := range flavours() {
		t.Run(f.String(), func(t *testing.T) {
			j := start(t, fakejira.Board(f))
			j.create("l")
			anonymous := j.as("", "")
			require.Empty(t, anonymous.find("labels = l"))
			require.Empty(t, anonymous.find("creator = currentUser()"))
			anonymous.call(http.StatusBadRequest, "POST", searchPath(f), obj{"jql": "project = TAR"})
		})
	}
}
