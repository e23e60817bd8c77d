package fakejira

import (
	"fmt"
	"slices"
)

// RenameStatus gives a status, named by name or id, another name, as an
// administrator does. Issues show the new name at once; changelogs keep the name
// that the status had when they were written, and no webhook is sent.
func (s *Server) RenameStatus(status, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	was, known := findStatus(s.world.statuses, status)
	if _, taken := findStatus(s.world.statuses, name); !known || taken {
		return fmt.Errorf("rename status %q to %q: known %v, name taken %v", status, name, known, taken)
	}
	renamed := func(all []Status) []Status {
		all = slices.Clone(all)
		for i := range all {
			if all[i].ID == was.ID {
				all[i].Name = name
			}
		}
		return all
	}
	byID := func(named string) string {
		if st, found := findStatus(s.world.statuses, named); found {
			return st.ID
		}
		return named
	}
	for _, p := range s.world.projects {
		steps := slices.Clone(p.Workflow.Transitions)
		for i, step := range steps {
			steps[i].To, steps[i].From = byID(step.To), slices.Clone(step.From)
			for n, from := range step.From {
				steps[i].From[n] = byID(from)
			}
		}
		p.Workflow.Transitions, p.Workflow.Initial = steps, byID(p.Workflow.Initial)
		p.Workflow.Statuses = renamed(p.Workflow.Statuses)
	}
	s.world.statuses = renamed(s.world.statuses)
	for _, r := range s.order {
		for _, v := range r.versions {
			if v.issue.Status.ID == was.ID {
				shown := *v.issue
				shown.Status.Name = name
				v.issue = &shown
			}
		}
	}
	return nil
}
