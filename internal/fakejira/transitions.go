package fakejira

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// open are the transitions that who may take now.
func (s *Server) open(iss *Issue, who *Account) []Transition {
	p := s.world.project(iss.Project)
	if !may(who, TransitionIssues, p) {
		return nil
	}
	var all []Transition
	for _, t := range p.Workflow.Transitions {
		if t.startsIn(iss.Status) && (len(t.Allowed) == 0 || who.holds(t.Allowed)) {
			all = append(all, t)
		}
	}
	return all
}

func (t Transition) startsIn(st Status) bool {
	return len(t.From) == 0 || slices.ContainsFunc(t.From, func(from string) bool {
		return from == st.ID || strings.EqualFold(from, st.Name)
	})
}

// onScreen reports whether a field may be sent with the transition.
func (t Transition) onScreen(field string) bool {
	return slices.Contains(t.Required, field) || t.Resolution && field == "resolution"
}

func (s *Server) getTransitions(c *call) answer {
	iss, seen := s.visible(c)
	if !seen {
		return notFound()
	}
	list := s.transitionsJSON(iss, c.who, slices.Contains(c.list("expand"), "transitions.fields"))
	if id := c.query.Get("transitionId"); id != "" {
		list = slices.DeleteFunc(list, func(t object) bool { return t["id"] != id })
	}
	return ok(object{"expand": "transitions", "transitions": list})
}

func (s *Server) transitionsJSON(iss *Issue, who *Account, fields bool) []object {
	p := s.world.project(iss.Project)
	list := []object{}
	for _, t := range s.open(iss, who) {
		to, _ := p.Workflow.status(t.To)
		o := object{"id": t.ID, "name": t.Name, "to": s.statusJSON(to)}
		if s.opts.Flavour == Cloud {
			o["hasScreen"] = t.Resolution || len(t.Required) > 0
			o["isGlobal"] = len(t.From) == 0
			o["isInitial"], o["isAvailable"], o["isConditional"], o["looped"] = false, true, len(t.Allowed) > 0, to == iss.Status
		}
		if fields {
			o["fields"] = s.screenJSON(p, t)
		}
		list = append(list, o)
	}
	return list
}

// screenJSON describes the fields on a transition's screen.
func (s *Server) screenJSON(p *Project, t Transition) object {
	all := object{}
	names := t.Required
	if t.Resolution && !slices.Contains(names, "resolution") {
		names = append(slices.Clone(names), "resolution")
	}
	for _, name := range names {
		meta := s.fieldMeta(p, name)
		meta["required"] = slices.Contains(t.Required, name)
		if s.opts.Flavour == Cloud {
			delete(meta, "fieldId")
		}
		all[name] = meta
	}
	return all
}

func (s *Server) doTransition(c *call) answer {
	if c.who == nil {
		return unauthorized()
	}
	iss, seen := s.visible(c)
	if !seen {
		return notFound()
	}
	var in update
	if ans, fine := c.decode(&in); !fine {
		return ans
	}
	if in.Transition == nil || in.Transition.ID == "" {
		return failure(http.StatusBadRequest, "Missing 'transition' identifier")
	}
	if _, err := strconv.Atoi(in.Transition.ID); err != nil {
		return failure(http.StatusBadRequest, "'transition' identifier must be an integer")
	}
	openNow := s.open(iss, c.who)
	i := slices.IndexFunc(openNow, func(t Transition) bool { return t.ID == in.Transition.ID })
	if i < 0 {
		return failure(s.opts.BadTransition, fmt.Sprintf(
			"It seems that you have tried to perform a workflow operation (%s) that is not valid for the current state of this issue (%s). "+
				"The likely cause is that somebody has changed the issue recently, please look at the issue history for details.",
			in.Transition.ID, iss.Key))
	}
	resolution, ans, fine := s.checkScreen(openNow[i], in)
	if !fine {
		return ans
	}
	s.transition(iss, openNow[i], resolution, c.who.ID, c.now)
	return answer{status: http.StatusNoContent}
}

// checkScreen reads the fields that come with a transition.
func (s *Server) checkScreen(t Transition, in update) (resolution string, ans answer, fine bool) {
	errs := fieldErrors{}
	for name := range in.Update {
		errs.add(name, offScreen(name))
	}
	for name, raw := range in.Fields {
		if !t.onScreen(name) {
			errs.add(name, offScreen(name))
			continue
		}
		if name != "resolution" {
			continue
		}
		var r reference
		if json.Unmarshal(raw, &r) == nil {
			resolution = resolutionNamed(r)
		}
		if resolution == "" {
			errs.add(name, fmt.Sprintf("Resolution name '%s' is not valid", r.Name))
		}
	}
	for _, name := range t.Required {
		if _, given := in.Fields[name]; !given {
			errs.add(name, name+" is required.")
		}
	}
	return resolution, errs.answer(), len(errs) == 0
}

func offScreen(name string) string {
	return fmt.Sprintf("Field '%s' cannot be set. It is not on the appropriate screen, or unknown.", name)
}

// resolutionNamed is the name of the resolution that r means; "" when none.
func resolutionNamed(r reference) string {
	for i, name := range resolutions() {
		if strings.EqualFold(name, r.Name) || r.ID == strconv.Itoa(10_000+i) {
			return name
		}
	}
	return ""
}

// transition moves an issue. An issue that leaves the done statuses loses its
// resolution, as Jira's own workflows do it.
func (s *Server) transition(iss *Issue, t Transition, resolution, actor string, at time.Time) {
	p := s.world.project(iss.Project)
	from := iss.Status
	to, _ := p.Workflow.status(t.To)
	if resolution == "" && to.Category == Done {
		resolution = iss.Resolution
	}
	var items []ChangeItem
	if resolution != iss.Resolution {
		items = append(items, refItem("resolution", "resolution",
			resolutionID(iss.Resolution), iss.Resolution, resolutionID(resolution), resolution))
	}
	if to != from { // a global transition may lead to where the issue is: Jira notes no change then
		items = append(items, refItem("status", "status", from.ID, from.Name, to.ID, to.Name))
	}
	next, entry := s.edit(iss, actor, at, items, func(i *Issue) {
		if to != from {
			i.Status, i.StatusSince = to, at
		}
		if resolution != i.Resolution {
			i.Resolution, i.Resolved = resolution, time.Time{}
			if resolution != "" {
				i.Resolved = at
			}
		}
	})
	if entry == nil {
		entry = &Change{ID: itoa(s.id("change")), Author: actor, At: at}
	}
	s.emitUpdated(next, *entry, t.event(from, to))
}

func resolutionID(name string) string {
	i := slices.Index(resolutions(), name)
	if i < 0 {
		return ""
	}
	return strconv.Itoa(10_000 + i)
}

// event is Data Center's name for a transition.
func (t Transition) event(from, to Status) string {
	switch {
	case t.Event != "":
		return t.Event
	case strings.EqualFold(to.Name, "Closed"):
		return "issue_closed"
	case to.Category == Done:
		return "issue_resolved"
	case from.Category == Done:
		return "issue_reopened"
	case to.Category == InProgress:
		return "issue_work_started"
	}
	return "issue_generic"
}
