package fakejira_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
)

func TestProjectAndStatuses(t *testing.T) {
	for _, f := range flavours() {
		t.Run(f.String(), func(t *testing.T) {
			j := start(t, twoProjects(f))
			p := j.call(http.StatusOK, "GET", "/rest/api/2/project/TAR", nil)
			require.Equal(t, "10000", p["id"])
			require.Equal(t, "Task", at(t, p, "issueTypes", 0, "name"))
			require.Equal(t, "access", at(t, p, "components", 0, "name"))
			require.Equal(t, "DBA", j.call(http.StatusOK, "GET", "/rest/api/2/project/10010", nil)["key"])
			j.call(http.StatusNotFound, "GET", "/rest/api/2/project/NONE", nil)

			types := j.list("/rest/api/2/project/DBA/statuses")
			require.Len(t, types[0]["statuses"], 5)
			require.Equal(t, "new", at(t, types[0], "statuses", 0, "statusCategory", "key"))
			require.Equal(t, "indeterminate", at(t, types[0], "statuses", 4, "statusCategory", "key"))
			j.call(http.StatusNotFound, "GET", "/rest/api/2/project/NONE/statuses", nil)
			require.Len(t, j.list("/rest/api/2/status"), 5, "shared statuses count once")
		})
	}
}

func TestCreatemeta(t *testing.T) {
	for name, tc := range map[string]struct {
		flavour       fakejira.Flavour
		types, fields string
	}{
		"cloud":       {fakejira.Cloud, "issueTypes", "fields"},
		"data center": {fakejira.DataCenter, "values", "values"},
	} {
		t.Run(name, func(t *testing.T) {
			j := start(t, customised(tc.flavour, "labels"))
			path := "/rest/api/2/issue/createmeta/TAR/issuetypes"
			types := j.call(http.StatusOK, "GET", path, nil)
			require.Equal(t, "10001", at(t, types, tc.types, 0, "id"))

			required := map[string]bool{}
			for startAt, pages := 0, 0; ; pages++ {
				require.Less(t, pages, 10)
				page := j.call(http.StatusOK, "GET", path+"/10001?maxResults=5&startAt="+[]string{"0", "5", "10"}[startAt/5], nil)
				for i := range at(t, page, tc.fields).([]any) {
					f := at(t, page, tc.fields, i)
					required[at(t, f, "fieldId").(string)] = at(t, f, "required").(bool)
				}
				if startAt += 5; startAt >= int(page["total"].(float64)) {
					break
				}
			}
			require.True(t, required["summary"])
			require.True(t, required["customfield_10050"])
			require.Contains(t, required, "customfield_10051")
			require.NotContains(t, required, "labels")
			require.NotContains(t, required, "customfield_10054")

			j.call(http.StatusBadRequest, "GET", "/rest/api/2/issue/createmeta/NONE/issuetypes", nil)
			j.call(http.StatusBadRequest, "GET", path+"/9", nil)
			j.call(http.StatusBadRequest, "GET", path+"?startAt=x", nil)
			j.as("", "").call(map[fakejira.Flavour]int{fakejira.Cloud: 400, fakejira.DataCenter: 400}[tc.flavour], "GET", path, nil)
		})
	}
}

func TestFieldsHaveNamesAndIDs(t *testing.T) {
	for _, f := range flavours() {
		t.Run(f.String(), func(t *testing.T) {
			names := map[any]any{}
			for _, field := range start(t, customised(f)).list("/rest/api/2/field") {
				names[field["name"]] = field["id"]
			}
			require.Equal(t, "customfield_10051", names["Risk"])
			require.Equal(t, "labels", names["Labels"])
		})
	}
}

func TestPermissionsOfAnIssue(t *testing.T) {
	j := start(t, fakejira.Board(fakejira.Cloud))
	key := j.create()
	query := "/rest/api/2/mypermissions?permissions=USER_PICKER,ADMINISTER&issueKey="
	all := j.call(http.StatusOK, "GET", query+key, nil)
	require.Equal(t, true, at(t, all, "permissions", "USER_PICKER", "havePermission"))
	require.Equal(t, false, at(t, all, "permissions", "ADMINISTER", "havePermission"))
	j.call(http.StatusNotFound, "GET", query+"TAR-9", nil)
	j.call(http.StatusNotFound, "GET", "/rest/api/2/mypermissions?permissions=ADMINISTER&projectKey=NONE", nil)
	j.call(http.StatusOK, "GET", "/rest/api/2/mypermissions?permissions=ADMINISTER", nil)
}

func TestContradictoryOptionsAreRefused(t *testing.T) {
	for name, spoil := range map[string]func(*fakejira.Options){
		"account without id":    func(o *fakejira.Options) { o.Accounts = append(o.Accounts, fakejira.Account{Name: "x"}) },
		"project without key":   func(o *fakejira.Options) { o.Projects[0].Key = "" },
		"project twice":         func(o *fakejira.Options) { o.Projects = append(o.Projects, o.Projects[0]) },
		"no issue type":         func(o *fakejira.Options) { o.Projects[0].IssueTypes = nil },
		"unknown initial":       func(o *fakejira.Options) { o.Projects[0].Workflow.Initial = "None" },
		"unknown target":        func(o *fakejira.Options) { o.Projects[0].Workflow.Transitions[0].To = "None" },
		"unknown source":        func(o *fakejira.Options) { o.Projects[0].Workflow.Transitions[0].From = []string{"None"} },
		"transition without id": func(o *fakejira.Options) { o.Projects[0].Workflow.Transitions[0].ID = "" },
		"two statuses, one id": func(o *fakejira.Options) {
			*o = twoProjects(fakejira.Cloud)
			o.Projects[1].Workflow.Statuses[1].Name = "Other"
			o.Projects[1].Workflow.Transitions = nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := fakejira.Board(fakejira.Cloud)
			spoil(&o)
			_, err := fakejira.New(o)
			require.Error(t, err)
		})
	}
}
