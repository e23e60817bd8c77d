package fakejira_test

import (
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
)

// customised is Board with custom fields, one of them required, and without
// labels on the create screen if off.
func customised(f fakejira.Flavour, off ...string) fakejira.Options {
	o := fakejira.Board(f)
	o.Projects[0].OffScreen = off
	o.Projects[0].Fields = []fakejira.Field{
		{ID: "customfield_10050", Name: "Request", Required: true},
		{ID: "customfield_10051", Name: "Risk", Type: fakejira.SelectField, Choices: []string{"low", "high"}},
		{ID: "customfield_10052", Name: "Score", Type: fakejira.NumberField},
		{ID: "customfield_10053", Name: "Teams", Type: fakejira.MultiSelect, Choices: []string{"db", "web"}},
		{ID: "customfield_10054", Name: "Hidden", OffScreen: true},
	}
	return o
}

// with are fields of a complete issue of a customised Jira, changed; nil takes
// a field away.
func with(changes obj) obj {
	all := fields("teleport-abc")
	all["customfield_10050"] = "abc"
	maps.Copy(all, changes)
	maps.DeleteFunc(all, func(_ string, v any) bool { return v == nil })
	return all
}

func TestCreateStoresEveryField(t *testing.T) {
	for name, tc := range map[string]struct {
		flavour fakejira.Flavour
		person  string
	}{
		"cloud":       {fakejira.Cloud, "accountId"},
		"data center": {fakejira.DataCenter, "name"},
	} {
		t.Run(name, func(t *testing.T) {
			j := start(t, customised(tc.flavour))
			made := j.call(http.StatusCreated, "POST", issuesPath, obj{
				"fields": with(obj{
					"description": "why\nnot", "priority": obj{"name": "High"}, "components": []obj{{"name": "access"}},
					"assignee": obj{tc.person: fakejira.AliceID}, "reporter": obj{tc.person: fakejira.CarolID},
					"customfield_10051": obj{"value": "high"}, "customfield_10052": 7.5, "customfield_10053": []obj{{"value": "web"}},
				}),
				"properties": []obj{{"key": "teleportAccessRequestId", "value": "abc"}},
			})
			iss, err := j.Issue(made["id"].(string))
			require.NoError(t, err)
			require.Equal(t, made["key"], iss.Key)
			require.Equal(t, []string{"teleport-abc"}, iss.Labels)
			require.Equal(t, fakejira.BotID, iss.Creator)
			require.Equal(t, fakejira.CarolID, iss.Reporter)
			require.Equal(t, fakejira.AliceID, iss.Assignee)
			require.Equal(t, "Pending", iss.Status.Name)
			require.Equal(t, "High", iss.Priority)
			require.Equal(t, []string{"access"}, iss.Components)
			require.JSONEq(t, `"abc"`, string(iss.Properties["teleportAccessRequestId"]))
			require.InDelta(t, 7.5, iss.Fields["customfield_10052"], 0)

			shown := j.call(http.StatusOK, "GET", issuesPath+"/"+iss.Key, nil)
			require.Equal(t, "high", at(t, shown, "fields", "customfield_10051", "value"))
			require.Equal(t, "web", at(t, shown, "fields", "customfield_10053", 0, "value"))
			require.Equal(t, "why\nnot", at(t, shown, "fields", "description"))
			require.Equal(t, "High", at(t, shown, "fields", "priority", "name"))
		})
	}
}

func TestCreateRefusesAndNamesTheField(t *testing.T) {
	long := strings.Repeat("ü", 256)
	for name, tc := range map[string]struct {
		changes obj
		field   string
	}{
		"no summary":            {obj{"summary": nil}, "summary"},
		"blank summary":         {obj{"summary": "  "}, "summary"},
		"summary of two lines":  {obj{"summary": "a\nb"}, "summary"},
		"long summary":          {obj{"summary": long}, "summary"},
		"summary is a number":   {obj{"summary": 7}, "summary"},
		"unknown project":       {obj{"project": obj{"key": "NONE"}}, "project"},
		"no project":            {obj{"project": nil}, "project"},
		"unknown type":          {obj{"issuetype": obj{"name": "Epic"}}, "issuetype"},
		"no type":               {obj{"issuetype": nil}, "issuetype"},
		"label with space":      {obj{"labels": []string{"a b"}}, "labels"},
		"empty label":           {obj{"labels": []string{""}}, "labels"},
		"long label":            {obj{"labels": []string{long}}, "labels"},
		"labels are a string":   {obj{"labels": "a"}, "labels"},
		"long description":      {obj{"description": strings.Repeat("x", 32_768)}, "description"},
		"unknown component":     {obj{"components": []obj{{"name": "none"}}}, "components"},
		"unknown priority":      {obj{"priority": obj{"name": "Urgent"}}, "priority"},
		"unknown assignee":      {obj{"assignee": obj{"name": "x", "accountId": "x"}}, "assignee"},
		"unknown reporter":      {obj{"reporter": obj{"name": "x", "accountId": "x"}}, "reporter"},
		"required field":        {obj{"customfield_10050": nil}, "customfield_10050"},
		"unknown custom field":  {obj{"customfield_99999": "x"}, "customfield_99999"},
		"field off the screen":  {obj{"customfield_10054": "x"}, "customfield_10054"},
		"unknown field":         {obj{"colour": "red"}, "colour"},
		"unknown choice":        {obj{"customfield_10051": obj{"value": "none"}}, "customfield_10051"},
		"text for a number":     {obj{"customfield_10052": "7"}, "customfield_10052"},
		"number for a text":     {obj{"customfield_10050": 7}, "customfield_10050"},
		"one for many":          {obj{"customfield_10053": obj{"value": "db"}}, "customfield_10053"},
		"unknown among many":    {obj{"customfield_10053": []obj{{"value": "x"}}}, "customfield_10053"},
		"system field off":      {obj{"priority": obj{"name": "High"}}, ""},
		"status can't be given": {obj{"status": obj{"name": "Approved"}}, "status"},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.field == "" {
				j := start(t, customised(fakejira.Cloud, "priority"))
				errs := j.call(http.StatusBadRequest, "POST", issuesPath, obj{"fields": with(tc.changes)})
				require.NotEmpty(t, at(t, errs, "errors", "priority"))
				return
			}
			for _, f := range flavours() {
				t.Run(f.String(), func(t *testing.T) {
					j := start(t, customised(f))
					errs := j.call(http.StatusBadRequest, "POST", issuesPath, obj{"fields": with(tc.changes)})
					require.NotEmpty(t, at(t, errs, "errors", tc.field))
					require.Empty(t, errs["errorMessages"])
					require.Empty(t, j.Issues())
				})
			}
		})
	}
}

func TestCreateTakesTextsUpToTheirLimit(t *testing.T) {
	j := start(t, customised(fakejira.Cloud))
	j.call(http.StatusCreated, "POST", issuesPath, obj{"fields": with(obj{
		"summary": strings.Repeat("ü", 255), "description": strings.Repeat("ü", 32_767), "labels": []string{strings.Repeat("l", 255)},
	})})
}

func TestReporterNeedsAPermission(t *testing.T) {
	j := start(t, fakejira.Board(fakejira.Cloud))
	require.NoError(t, j.SetPermission("TAR", fakejira.ModifyReporter))
	f := fields()
	f["reporter"] = obj{"accountId": fakejira.AliceID}
	errs := j.call(http.StatusBadRequest, "POST", issuesPath, obj{"fields": f})
	require.NotEmpty(t, at(t, errs, "errors", "reporter"))
}

func TestCreateRefusesMalformedBodies(t *testing.T) {
	j := start(t, fakejira.Board(fakejira.Cloud))
	j.call(http.StatusBadRequest, "POST", issuesPath, obj{"field": fields()})
	j.call(http.StatusBadRequest, "POST", issuesPath, []int{1})
	req := j.request("POST", issuesPath, obj{"fields": fields()})
	req.Header.Set("Content-Type", "text/plain")
	resp, err := j.client.RoundTrip(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusUnsupportedMediaType, resp.StatusCode)
	require.Empty(t, j.Issues())
}

func TestDeletedIssueIsGone(t *testing.T) {
	for _, f := range flavours() {
		t.Run(f.String(), func(t *testing.T) {
			j := start(t, fakejira.Board(f))
			key := j.create()
			j.call(http.StatusNoContent, "DELETE", issuesPath+"/"+key, nil)
			j.call(http.StatusNotFound, "GET", issuesPath+"/"+key, nil)
			j.call(http.StatusNotFound, "DELETE", issuesPath+"/"+key, nil)
			iss, err := j.Issue(key)
			require.NoError(t, err)
			require.True(t, iss.Deleted)
			require.Equal(t, "TAR-2", j.create(), "keys are not used again")
		})
	}
}
