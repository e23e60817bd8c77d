package setup

import (
	"slices"
	"strconv"
	"strings"
)

// restrict is the rule by which a move is for some people only.
const restrict = "system:restrict-issue-transition"

// The body of POST /rest/api/2/workflows/create.
type (
	workflowsBody struct {
		Scope     scopeBody      `json:"scope"`
		Statuses  []statusBody   `json:"statuses"`
		Workflows []workflowBody `json:"workflows"`
	}
	scopeBody struct {
		Type string `json:"type"`
	}
	statusBody struct {
		ID          string   `json:"id,omitempty"` // of a status that exists
		Name        string   `json:"name"`
		Category    Category `json:"statusCategory"`
		Reference   string   `json:"statusReference"`
		Description string   `json:"description"`
	}
	workflowBody struct {
		Name        string           `json:"name"`
		Description string           `json:"description"`
		Statuses    []placeBody      `json:"statuses"`
		Transitions []transitionBody `json:"transitions"`
	}
	placeBody struct {
		Reference  string            `json:"statusReference"`
		Properties map[string]string `json:"properties"`
	}
	transitionBody struct {
		ID          string          `json:"id"`
		Name        string          `json:"name"`
		Description string          `json:"description"`
		Type        string          `json:"type"`
		To          string          `json:"toStatusReference"`
		Links       []linkBody      `json:"links"`
		Conditions  *conditionsBody `json:"conditions,omitempty"`
	}
	linkBody struct {
		From     string `json:"fromStatusReference"`
		FromPort int    `json:"fromPort"`
		ToPort   int    `json:"toPort"`
	}
	conditionsBody struct {
		Operation  string     `json:"operation"`
		Conditions []ruleBody `json:"conditions"`
	}
	ruleBody struct {
		Key        string            `json:"ruleKey"`
		Parameters map[string]string `json:"parameters"`
	}
)

// workflows is what makes the workflow, with the statuses that are there.
func (w Want) workflows(known map[string]string, reference func(name string) string) workflowsBody {
	const description = "Made by teleport-jira setup"
	flow := workflowBody{Name: w.scheme(), Description: description}
	body := workflowsBody{Scope: scopeBody{Type: "GLOBAL"}}
	for _, s := range w.Statuses.list() {
		body.Statuses = append(body.Statuses, statusBody{
			ID: known[s.Name], Name: s.Name, Category: s.Category, Reference: reference(s.Name),
		})
		flow.Statuses = append(flow.Statuses, placeBody{Reference: reference(s.Name), Properties: map[string]string{}})
	}
	flow.Transitions = []transitionBody{{
		ID: "1", Name: "Create", Type: "INITIAL", To: reference(w.Statuses.Pending), Links: []linkBody{},
	}}
	for i, m := range w.Statuses.moves() {
		t := transitionBody{
			ID: strconv.Itoa(10*(i+1) + 1), Name: m.name, Type: "DIRECTED", To: reference(m.to), Conditions: w.conditions(m.by),
		}
		for _, from := range m.from {
			t.Links = append(t.Links, linkBody{From: reference(from), FromPort: 0, ToPort: 1})
		}
		flow.Transitions = append(flow.Transitions, t)
	}
	body.Workflows = []workflowBody{flow}
	return body
}

// conditions is who may make a move; nil for everybody.
func (w Want) conditions(by who) *conditionsBody {
	accounts, groups := []string{w.Daemon}, []string(nil)
	switch {
	case by == everybody, by == deciders && !w.restricted():
		return nil
	case by == deciders:
		accounts, groups = append(accounts, w.People...), w.Groups
	}
	slices.Sort(accounts)
	parameters := map[string]string{"accountIds": strings.Join(slices.Compact(accounts), ",")}
	if len(groups) > 0 {
		parameters["groupIds"] = strings.Join(groups, ",")
	}
	return &conditionsBody{Operation: "ALL", Conditions: []ruleBody{{Key: restrict, Parameters: parameters}}}
}
