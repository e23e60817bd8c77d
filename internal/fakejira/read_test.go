package fakejira_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
)

// twoProjects is Board with a second project DBA that shares the statuses and
// has one of its own.
func twoProjects(f fakejira.Flavour) fakejira.Options {
	o := fakejira.Board(f)
	w := fakejira.BoardWorkflow()
	w.Statuses = append(w.Statuses, fakejira.Status{ID: "10200", Name: "Triage", Category: fakejira.InProgress})
	w.Initial = "Triage"
	o.Projects = append(o.Projects, fakejira.Project{
		ID: "10010", Key: "DBA", Name: "Databases", IssueTypes: []fakejira.IssueType{{ID: "10009", Name: "Access"}}, Workflow: w,
	})
	return o
}

func TestGetIssueHonoursFieldsAndProperties(t *testing.T) {
	for _, f := range flavours() {
		t.Run(f.String(), func(t *testing.T) {
			j := start(t, fakejira.Board(f))
			path := issuesPath + "/" + j.create("a")
			require.NoError(t, j.SetProperty("TAR-1", fakejira.CarolID, "teleportAccessRequestId", []byte(`"forged"`)))

			all := j.call(http.StatusOK, "GET", path, nil)
			require.NotContains(t, all, "properties")
			require.NotContains(t, all, "changelog")
			require.Contains(t, all["fields"], "comment")

			some := j.call(http.StatusOK, "GET", path+"?fields=status,labels,nonsense&properties=teleportAccessRequestId,none", nil)
			require.Len(t, some["fields"], 2)
			require.Equal(t, "forged", at(t, some, "properties", "teleportAccessRequestId"))
			require.Len(t, some["properties"], 1)

			without := j.call(http.StatusOK, "GET", path+"?fields=-comment", nil)
			require.NotContains(t, without["fields"], "comment")
			require.Contains(t, without["fields"], "summary")

			byID := j.call(http.StatusOK, "GET", issuesPath+"/"+all["id"].(string)+"?expand=transitions", nil)
			require.Len(t, byID["transitions"], 4)
		})
	}
}

func TestPathsResolveLikeTomcat(t *testing.T) {
	j := start(t, fakejira.Board(fakejira.Cloud))
	s := &jira{Server: j.Server, t: t, client: j.RoundTripper(), user: j.user, token: j.token}
	me := s.call(http.StatusOK, "GET", "/rest/api/2/issue/../myself", nil)
	require.Equal(t, fakejira.BotID, me["accountId"], "dot segments reach other resources")
	s.call(http.StatusBadRequest, "GET", "/rest/api/2/issue/TAR-1%2fcomment", nil)
	s.call(http.StatusNotFound, "GET", "/rest/api/2/nonsense", nil)
	s.call(http.StatusMethodNotAllowed, "POST", "/rest/api/2/myself", obj{})
}

func TestPrefixStandsBeforePaths(t *testing.T) {
	o := fakejira.Board(fakejira.Cloud)
	o.PathPrefix = "/ex/jira/0000-cloud"
	j := start(t, o)
	j.call(http.StatusOK, "GET", "/ex/jira/0000-cloud/rest/api/2/myself", nil)
	s := &jira{Server: j.Server, t: t, client: j.RoundTripper(), user: j.user, token: j.token}
	s.call(http.StatusNotFound, "GET", "/rest/api/2/myself", nil)
}

func TestChangelogOrderDependsOnFlavour(t *testing.T) {
	for name, tc := range map[string]struct {
		flavour fakejira.Flavour
		shown   []string
	}{
		"cloud shows the newest three, newest first": {fakejira.Cloud, []string{"Denied", "Approved", "Denied"}},
		"data center shows all, oldest first":        {fakejira.DataCenter, []string{"Approved", "Denied", "Approved", "Denied"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := fakejira.Board(tc.flavour)
			o.ChangelogCap = 3
			j := start(t, o)
			key := j.create()
			for range 2 {
				require.NoError(t, j.Drag(key, "Approved", fakejira.AliceID))
				require.NoError(t, j.Drag(key, "Denied", fakejira.BobID))
			}
			iss := j.call(http.StatusOK, "GET", issuesPath+"/"+key+"?expand=changelog", nil)
			var shown []string
			for i := range at(t, iss, "changelog", "histories").([]any) {
				shown = append(shown, at(t, iss, "changelog", "histories", i, "items", 0, "toString").(string))
			}
			require.Equal(t, tc.shown, shown)
			require.InDelta(t, 4, at(t, iss, "changelog", "total"), 0)
			_, hasID := at(t, iss, "changelog", "histories", 0, "items", 0).(obj)["fieldId"]
			require.Equal(t, tc.flavour == fakejira.Cloud, hasID, "fieldId is on Cloud only")
		})
	}
}

func TestPagedChangelogIsOldestFirstAndOnCloudOnly(t *testing.T) {
	j := start(t, fakejira.Board(fakejira.Cloud))
	key := j.create()
	for _, status := range []string{"Approved", "Denied", "Expired"} {
		require.NoError(t, j.Drag(key, status, fakejira.AliceID))
	}
	page := j.call(http.StatusOK, "GET", issuesPath+"/"+key+"/changelog?maxResults=2", nil)
	require.Equal(t, "Approved", at(t, page, "values", 0, "items", 0, "toString"))
	require.Equal(t, false, page["isLast"])
	page = j.call(http.StatusOK, "GET", issuesPath+"/"+key+"/changelog?startAt=2&maxResults=2", nil)
	require.Equal(t, "Expired", at(t, page, "values", 0, "items", 0, "toString"))
	require.Equal(t, true, page["isLast"])
	require.Equal(t, fakejira.AliceID, at(t, page, "values", 0, "author", "accountId"))

	dc := start(t, fakejira.Board(fakejira.DataCenter))
	dc.call(http.StatusNotFound, "GET", issuesPath+"/"+dc.create()+"/changelog", nil)
}

func TestMovedIssueKeepsIDAndAnswersToItsOldKey(t *testing.T) {
	for _, f := range flavours() {
		t.Run(f.String(), func(t *testing.T) {
			j := start(t, twoProjects(f))
			key := j.create()
			before, err := j.Issue(key)
			require.NoError(t, err)
			require.NoError(t, j.MoveToProject(key, fakejira.CarolID, "DBA", "Approved"))

			iss := j.call(http.StatusOK, "GET", issuesPath+"/"+key+"?expand=changelog", nil)
			require.Equal(t, "DBA-1", iss["key"])
			require.Equal(t, before.ID, iss["id"])
			require.Equal(t, "DBA", at(t, iss, "fields", "project", "key"))
			changed := map[any]any{}
			for i := range at(t, iss, "changelog", "histories", 0, "items").([]any) {
				item := at(t, iss, "changelog", "histories", 0, "items", i)
				changed[at(t, item, "field")] = at(t, item, "toString")
			}
			require.Equal(t, map[any]any{"project": "Databases", "Key": "DBA-1", "status": "Approved"}, changed)

			after, err := j.Issue("DBA-1")
			require.NoError(t, err)
			require.Equal(t, []string{key}, after.OldKeys)
		})
	}
}

func TestTimesAreInTheReadersZone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := fakejira.Board(fakejira.Cloud)
		o.Accounts[0].TimeZone = "Asia/Kolkata"
		j := start(t, o)
		key := j.create()
		want := time.Now().In(time.FixedZone("", 19_800)).Format("2006-01-02T15:04:05.000-0700")
		require.Equal(t, want, at(t, j.call(http.StatusOK, "GET", issuesPath+"/"+key, nil), "fields", "created"))
	})
}

func TestPropertiesAreKept(t *testing.T) {
	for _, f := range flavours() {
		t.Run(f.String(), func(t *testing.T) {
			j := start(t, fakejira.Board(f))
			path := issuesPath + "/" + j.create() + "/properties"
			j.call(http.StatusNotFound, "GET", path+"/k", nil)
			j.call(http.StatusCreated, "PUT", path+"/k", obj{"a": 1})
			j.call(http.StatusOK, "PUT", path+"/k", obj{"a": 2})
			require.InDelta(t, 2, at(t, j.call(http.StatusOK, "GET", path+"/k", nil), "value", "a"), 0)
			require.Equal(t, "k", at(t, j.call(http.StatusOK, "GET", path, nil), "keys", 0, "key"))
			j.call(http.StatusNoContent, "DELETE", path+"/k", nil)
			j.call(http.StatusNotFound, "DELETE", path+"/k", nil)
		})
	}
}

func TestCommentsArePaged(t *testing.T) {
	for _, f := range flavours() {
		t.Run(f.String(), func(t *testing.T) {
			j := start(t, fakejira.Board(f))
			key := j.create()
			path := issuesPath + "/" + key + "/comment"
			for i := range 5 {
				_, err := j.AddComment(key, fakejira.AliceID, fmt.Sprint("comment ", i))
				require.NoError(t, err)
			}
			page := j.call(http.StatusOK, "GET", path+"?startAt=1&maxResults=2", nil)
			require.InDelta(t, 5, page["total"], 0)
			require.Len(t, page["comments"], 2)
			require.Equal(t, "comment 1", at(t, page, "comments", 0, "body"))
			newest := j.call(http.StatusOK, "GET", path+"?orderBy=-created&maxResults=1", nil)
			require.Equal(t, "comment 4", at(t, newest, "comments", 0, "body"))
			require.Len(t, j.call(http.StatusOK, "GET", path, nil)["comments"], 5)
			j.call(http.StatusBadRequest, "GET", path+"?orderBy=colour", nil)

			id := at(t, newest, "comments", 0, "id").(string)
			require.Equal(t, "comment 4", j.call(http.StatusOK, "GET", path+"/"+id, nil)["body"])
			j.call(http.StatusNotFound, "GET", path+"/1", nil)
		})
	}
}

func TestCommentsCarryPropertiesOnlyWhenAsked(t *testing.T) {
	for _, f := range flavours() {
		t.Run(f.String(), func(t *testing.T) {
			j := start(t, fakejira.Board(f))
			path := issuesPath + "/" + j.create() + "/comment"
			made := j.call(http.StatusCreated, "POST", path, obj{"body": "b", "properties": []obj{{"key": "mark", "value": "review-1"}}})
			require.NotContains(t, made, "properties")
			require.NotContains(t, at(t, j.call(http.StatusOK, "GET", path, nil), "comments", 0), "properties")
			shown := j.call(http.StatusOK, "GET", path+"?expand=properties", nil)
			require.Equal(t, "review-1", at(t, shown, "comments", 0, "properties", 0, "value"))
		})
	}
}

func TestCommentRefusals(t *testing.T) {
	j := start(t, fakejira.Board(fakejira.Cloud))
	path := issuesPath + "/" + j.create() + "/comment"
	for name, body := range map[string]obj{
		"empty":          {"body": " "},
		"none":           {},
		"too long":       {"body": string(make([]rune, 32_768))},
		"bad property":   {"body": "b", "properties": []obj{{"key": "", "value": 1}}},
		"unknown field":  {"body": "b", "colour": "red"},
		"bad visibility": {"body": "b", "visibility": obj{"type": "planet", "value": "x"}},
	} {
		t.Run(name, func(*testing.T) { j.call(http.StatusBadRequest, "POST", path, body) })
	}
	j.call(http.StatusNotFound, "POST", issuesPath+"/TAR-9/comment", obj{"body": "b"})
}

func TestInternalNotesAreForServiceDesksOnly(t *testing.T) {
	for kind, public := range map[string]bool{"service_desk": false, "software": true} {
		t.Run(kind, func(t *testing.T) {
			o := fakejira.Board(fakejira.Cloud)
			o.Projects[0].Type = kind
			o.Projects[0].Permissions = map[fakejira.Permission][]string{
				fakejira.BrowseProjects: {fakejira.BotID, fakejira.ClientID},
			}
			j := start(t, o)
			key := j.create()
			made := j.call(http.StatusCreated, "POST", issuesPath+"/"+key+"/comment", obj{
				"body": "secret", "properties": []obj{{"key": "sd.public.comment", "value": obj{"internal": true}}},
			})
			require.Equal(t, public, made["jsdPublic"])
			iss, err := j.Issue(key)
			require.NoError(t, err)
			require.Equal(t, !public, iss.Comments[0].Internal)
			seen := j.as("clara@example.com", "customer-token").call(http.StatusOK, "GET", issuesPath+"/"+key+"/comment", nil)
			require.Equal(t, public, len(seen["comments"].([]any)) == 1)
		})
	}
}

func TestStatusNamesAreInTheCallersLanguage(t *testing.T) {
	for _, f := range flavours() {
		t.Run(f.String(), func(t *testing.T) {
			o := fakejira.Board(f)
			o.Translations = map[string]string{"Pending": "Wartend", "Approved": "Genehmigt"}
			j := start(t, o)
			path := issuesPath + "/" + j.create()
			require.Equal(t, "Wartend", at(t, j.call(http.StatusOK, "GET", path, nil), "fields", "status", "name"))
			list := j.call(http.StatusOK, "GET", path+"/transitions", nil)
			require.Equal(t, "Genehmigt", at(t, list, "transitions", 1, "to", "name"))
			require.Equal(t, "Wartend", j.list("/rest/api/2/status")[0]["name"])
			require.Equal(t, "Wartend", at(t, j.list("/rest/api/2/project/TAR/statuses")[0], "statuses", 0, "name"))

			req := j.request("GET", path, nil)
			req.Header.Set("Accept-Language", "en-US")
			resp, err := j.client.RoundTrip(req)
			require.NoError(t, err)
			defer resp.Body.Close()
			var iss obj
			require.NoError(t, json.NewDecoder(resp.Body).Decode(&iss))
			require.Equal(t, "Pending", at(t, iss, "fields", "status", "name"))
		})
	}
}

func TestRestrictedCommentsAreForTheirGroup(t *testing.T) {
	j := start(t, fakejira.Board(fakejira.Cloud))
	path := issuesPath + "/" + j.create() + "/comment"
	alice, carol := j.as("alice@example.com", "alice-token"), j.as("carol@example.com", "carol-token")
	made := j.call(http.StatusCreated, "POST", path, obj{"body": "b", "visibility": obj{"type": "group", "value": "approvers"}})
	require.Equal(t, "approvers", at(t, made, "visibility", "value"))
	require.Len(t, alice.call(http.StatusOK, "GET", path, nil)["comments"], 1)
	require.Empty(t, carol.call(http.StatusOK, "GET", path, nil)["comments"])
	carol.call(http.StatusNotFound, "GET", path+"/"+made["id"].(string), nil)
}
