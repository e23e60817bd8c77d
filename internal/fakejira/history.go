package fakejira

import (
	"fmt"
	"slices"
	"time"
)

// EditHistory changes an issue's changelog, as imports, restored backups and
// faulty databases do. Nobody can do it through Jira.
func (s *Server) EditHistory(issue string, edit func([]Change) []Change) error {
	return s.act("edit history of", issue, BotID, BrowseProjects, func(iss *Issue, _ *Account, at time.Time) error {
		s.edit(iss, "", at, nil, func(i *Issue) { i.Changelog = edit(slices.Clone(i.Changelog)) })
		return nil
	})
}

// ChangeType gives the issue another type and, as Jira asks where the types'
// workflows differ, another status along with it: no transition is made.
func (s *Server) ChangeType(issue, actor, typeName, status string) error {
	return s.act("change type of", issue, actor, EditIssues, func(iss *Issue, _ *Account, at time.Time) error {
		p := s.world.project(iss.Project)
		t, knownType := p.issueType(typeName)
		st, knownStatus := p.Workflow.status(status)
		if !knownType || !knownStatus {
			return fmt.Errorf("project %s has no type %q or no status %q", p.Key, typeName, status)
		}
		items := []ChangeItem{
			refItem("issuetype", "issuetype", iss.Type.ID, iss.Type.Name, t.ID, t.Name),
			refItem("status", "status", iss.Status.ID, iss.Status.Name, st.ID, st.Name),
		}
		next, entry := s.edit(iss, actor, at, items, func(i *Issue) { i.Type, i.Status = t, st })
		s.emitUpdated(next, *entry, "issue_updated")
		return nil
	})
}
