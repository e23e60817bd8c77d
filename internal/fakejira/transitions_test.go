package fakejira_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
)

// desk is Board with rules: see fakejira.ServiceDeskWorkflow.
func desk(f fakejira.Flavour) fakejira.Options {
	o := fakejira.Board(f)
	o.Projects[0].Workflow = fakejira.ServiceDeskWorkflow()
	return o
}

func move(id string, fields obj) obj {
	body := obj{"transition": obj{"id": id}}
	if fields != nil {
		body["fields"] = fields
	}
	return body
}

func TestOnlyOpenTransitionsAreListed(t *testing.T) {
	for _, f := range flavours() {
		t.Run(f.String(), func(t *testing.T) {
			j := start(t, desk(f))
			key := j.create()
			path := issuesPath + "/" + key + "/transitions"
			list := j.call(http.StatusOK, "GET", path, nil)
			require.Len(t, list["transitions"], 1)
			require.Equal(t, "Pending", at(t, list, "transitions", 0, "to", "name"))
			require.NotContains(t, at(t, list, "transitions", 0), "fields")

			j.call(http.StatusNoContent, "POST", path, move("11", nil))
			list = j.call(http.StatusOK, "GET", path+"?expand=transitions.fields", nil)
			require.Len(t, list["transitions"], 3)
			require.Equal(t, true, at(t, list, "transitions", 0, "fields", "resolution", "required"))
			only := j.call(http.StatusOK, "GET", path+"?transitionId=31", nil)
			require.Equal(t, "Denied", at(t, only, "transitions", 0, "to", "name"))
		})
	}
}

func TestTransitionsThatAreNotOpenAreRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		flavour fakejira.Flavour
		option  int
		want    int
	}{
		"by default":      {fakejira.Cloud, 0, http.StatusBadRequest},
		"with a conflict": {fakejira.Cloud, http.StatusConflict, http.StatusConflict},
		"data center 500": {fakejira.DataCenter, http.StatusInternalServerError, http.StatusInternalServerError},
	} {
		t.Run(name, func(t *testing.T) {
			o := desk(tc.flavour)
			o.BadTransition = tc.option
			j := start(t, o)
			key := j.create()
			j.call(tc.want, "POST", issuesPath+"/"+key+"/transitions", move("21", obj{"resolution": obj{"name": "Done"}}))
			j.call(tc.want, "POST", issuesPath+"/"+key+"/transitions", move("99", nil))
			iss, err := j.Issue(key)
			require.NoError(t, err)
			require.Equal(t, "Backlog", iss.Status.Name)
			require.Empty(t, iss.Changelog)
		})
	}
}

func TestResolutionIsForScreensThatHaveIt(t *testing.T) {
	for _, f := range flavours() {
		t.Run(f.String(), func(t *testing.T) {
			j := start(t, desk(f))
			key := j.create()
			path := issuesPath + "/" + key + "/transitions"
			done := obj{"resolution": obj{"name": "Won't Do"}}
			errs := j.call(http.StatusBadRequest, "POST", path, move("11", done))
			require.Contains(t, errs["errors"], "resolution")
			j.call(http.StatusNoContent, "POST", path, move("11", nil))
			errs = j.call(http.StatusBadRequest, "POST", path, move("21", nil))
			require.Contains(t, errs["errors"], "resolution")
			errs = j.call(http.StatusBadRequest, "POST", path, move("21", obj{"resolution": obj{"name": "None"}}))
			require.Contains(t, errs["errors"], "resolution")
			j.call(http.StatusNoContent, "POST", path, move("21", done))

			iss, err := j.Issue(key)
			require.NoError(t, err)
			require.Equal(t, "Won't Do", iss.Resolution)
			require.False(t, iss.Resolved.IsZero())
			shown := j.call(http.StatusOK, "GET", issuesPath+"/"+key, nil)
			require.Equal(t, "Won't Do", at(t, shown, "fields", "resolution", "name"))

			require.NoError(t, j.Drag(key, "Pending", fakejira.AliceID))
			iss, err = j.Issue(key)
			require.NoError(t, err)
			require.Empty(t, iss.Resolution, "a reopened issue is unresolved")
		})
	}
}

func TestMalformedTransitionsAreRefused(t *testing.T) {
	j := start(t, fakejira.Board(fakejira.Cloud))
	path := issuesPath + "/" + j.create() + "/transitions"
	for name, body := range map[string]obj{
		"no id":        {"transition": obj{}},
		"none":         {},
		"a name":       {"transition": obj{"id": "Approve"}},
		"with a field": move("21", obj{"summary": "new"}),
		"with update":  {"transition": obj{"id": "21"}, "update": obj{"comment": []obj{}}},
	} {
		t.Run(name, func(*testing.T) { j.call(http.StatusBadRequest, "POST", path, body) })
	}
}

func TestConditionsOfTransitions(t *testing.T) {
	o := fakejira.Board(fakejira.Cloud)
	for i := range o.Projects[0].Workflow.Transitions {
		o.Projects[0].Workflow.Transitions[i].Allowed = []string{"approvers"}
	}
	j := start(t, o)
	key := j.create()
	list := j.call(http.StatusOK, "GET", issuesPath+"/"+key+"/transitions", nil)
	require.Empty(t, list["transitions"])
	j.call(http.StatusBadRequest, "POST", issuesPath+"/"+key+"/transitions", move("21", nil))
	require.Error(t, j.Drag(key, "Approved", fakejira.CarolID))
	targets, err := j.DragTargets(key, fakejira.CarolID)
	require.NoError(t, err)
	require.Empty(t, targets)
	require.NoError(t, j.Drag(key, "Approved", fakejira.AliceID))
}
