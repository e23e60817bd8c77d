package fakejira

import (
	"fmt"
	"slices"
)

// RenameIssueType gives an issue type, named by name or id, another name, as an
// administrator does. Issues show the new name at once, and no webhook is sent.
func (s *Server) RenameIssueType(nameOrID, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := ""
	for _, p := range s.world.projects {
		if was, known := p.issueType(nameOrID); known {
			id = was.ID
		}
	}
	if id == "" {
		return fmt.Errorf("rename issue type %q: unknown", nameOrID)
	}
	for _, p := range s.world.projects {
		p.IssueTypes = slices.Clone(p.IssueTypes)
		for i := range p.IssueTypes {
			if p.IssueTypes[i].ID == id {
				p.IssueTypes[i].Name = name
			}
		}
	}
	for _, r := range s.order {
		for _, v := range r.versions {
			if v.issue.Type.ID == id {
				shown := *v.issue
				shown.Type.Name = name
				v.issue = &shown
			}
		}
	}
	return nil
}
