package fakejira

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// workflowsIn is the body that makes workflows.
type workflowsIn struct {
	Scope    struct{ Type string }
	Statuses []struct {
		ID, Name, Description           string
		StatusCategory, StatusReference string
	}
	Workflows []struct {
		Name, Description string
		Statuses          []struct {
			StatusReference string
			Properties      map[string]string
		}
		Transitions []transitionIn
	}
}

type transitionIn struct {
	ID, Name, Description, Type, ToStatusReference string
	Links                                          []struct {
		FromStatusReference string
		FromPort, ToPort    int
	}
	Conditions *struct {
		Operation  string
		Conditions []struct {
			RuleKey    string
			Parameters map[string]string
		}
	}
}

func (s *Server) checkWorkflows(c *call) answer {
	var in struct {
		Payload           workflowsIn
		ValidationOptions struct{ Levels []string }
	}
	if ans, fine := c.decode(&in); !fine {
		return ans
	}
	errs := []object{}
	if _, err := s.workflowOf(in.Payload); err != nil {
		errs = append(errs, object{"level": "ERROR", "type": "WORKFLOW", "code": "INVALID", "message": err.Error()})
	}
	return ok(object{"errors": errs})
}

func (s *Server) createWorkflows(c *call) answer {
	var in workflowsIn
	if ans, fine := c.decode(&in); !fine {
		return ans
	}
	flow, err := s.workflowOf(in)
	if err != nil {
		return failure(http.StatusBadRequest, err.Error())
	}
	for i, st := range flow.Statuses {
		if st.ID == "" {
			flow.Statuses[i].ID = strconv.FormatInt(s.id("status")+500, 10)
		}
	}
	one := &scheme{id: s.id("workflow"), name: in.Workflows[0].Name, workflow: flow}
	s.made.workflows = append(s.made.workflows, one)
	return ok(object{"statuses": []object{}, "workflows": []object{{"id": fmt.Sprintf("00000000-0000-4000-8000-%012d", one.id), "name": one.name}}})
}

// workflowOf is the workflow of a body, or what is wrong with that. The lock is held.
func (s *Server) workflowOf(in workflowsIn) (Workflow, error) {
	var flow Workflow
	if len(in.Workflows) != 1 || in.Scope.Type != "GLOBAL" {
		return flow, fmt.Errorf("the double takes one global workflow at a time")
	}
	w := in.Workflows[0]
	if w.Name == "" || byName(s.made.workflows, w.Name) != nil {
		return flow, fmt.Errorf("a workflow named %q exists", w.Name)
	}
	names, err := s.statusesOf(in, &flow)
	if err != nil {
		return flow, err
	}
	for _, t := range w.Transitions {
		to, known := names[t.ToStatusReference]
		if !known {
			return flow, fmt.Errorf("the transition %q leads to no status", t.Name)
		}
		if t.Type == "INITIAL" {
			flow.Initial = to
			continue
		}
		move, err := s.transitionOf(t, names)
		if err != nil {
			return flow, err
		}
		move.To = to
		flow.Transitions = append(flow.Transitions, move)
	}
	if flow.Initial == "" {
		return flow, fmt.Errorf("the workflow has no initial transition")
	}
	return flow, nil
}

// statusesOf adds the statuses, and returns their names by reference.
func (s *Server) statusesOf(in workflowsIn, flow *Workflow) (map[string]string, error) {
	categories := map[string]Category{"TODO": ToDo, "IN_PROGRESS": InProgress, "DONE": Done}
	names := map[string]string{}
	for _, st := range in.Statuses {
		category, known := categories[st.StatusCategory]
		used := slices.ContainsFunc(s.world.statuses, func(o Status) bool { return o.Name == st.Name && o.ID != st.ID })
		if !known || st.Name == "" || st.StatusReference == "" || used {
			return nil, fmt.Errorf("the status %q is not valid, or its name is used by another", st.Name)
		}
		one := Status{ID: st.ID, Name: st.Name, Category: category}
		if i := slices.IndexFunc(s.world.statuses, func(o Status) bool { return o.ID == st.ID }); st.ID != "" && i >= 0 {
			one = s.world.statuses[i]
		}
		names[st.StatusReference] = st.Name
		flow.Statuses = append(flow.Statuses, one)
	}
	return names, nil
}

// transitionOf is a transition without where it leads.
func (s *Server) transitionOf(t transitionIn, names map[string]string) (Transition, error) {
	move := Transition{ID: t.ID, Name: t.Name}
	for _, l := range t.Links {
		from, known := names[l.FromStatusReference]
		if !known {
			return move, fmt.Errorf("the transition %q begins at no status", t.Name)
		}
		move.From = append(move.From, from)
	}
	if t.Type == "DIRECTED" && len(move.From) == 0 {
		return move, fmt.Errorf("the transition %q begins nowhere", t.Name)
	}
	if t.Conditions == nil {
		return move, nil
	}
	for _, rule := range t.Conditions.Conditions {
		if rule.RuleKey != "system:restrict-issue-transition" {
			return move, fmt.Errorf("the rule %q is not known", rule.RuleKey)
		}
		move.Allowed = append(move.Allowed, splitList([]string{rule.Parameters["accountIds"]})...)
		move.Allowed = append(move.Allowed, s.groupsWithIDs(strings.Split(rule.Parameters["groupIds"], ","))...)
	}
	return move, nil
}

// groupsWithIDs are the names of groups.
func (s *Server) groupsWithIDs(ids []string) []string {
	var out []string
	for _, name := range s.groupNames() {
		if slices.Contains(ids, groupID(name)) {
			out = append(out, name)
		}
	}
	return out
}
