package fakejira

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// subject finds what an action is about: a live issue and an account that may
// do it.
func (s *Server) subject(issue, actor string, p Permission) (*Issue, *Account, error) {
	iss := s.lookup(issue)
	if iss == nil {
		return nil, nil, fmt.Errorf("no issue %q", issue)
	}
	who := s.world.account(actor)
	if !may(who, p, s.world.project(iss.Project)) {
		return nil, nil, fmt.Errorf("account %q lacks %s on %s", actor, p, iss.Key)
	}
	return iss, who, nil
}

// act runs an action on an issue as a person.
func (s *Server) act(what, issue, actor string, p Permission, do func(*Issue, *Account, time.Time) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	iss, who, err := s.subject(issue, actor, p)
	if err == nil {
		err = do(iss, who, now())
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", what, issue, err)
	}
	return nil
}

// Drag moves an issue, named by id or key, to a status, named by name or id,
// as the account actor does it on a board: by a transition that is open to
// it. A resolution that the screen asks for is Done. Dropping a card where it
// was changes nothing. It fails if no transition leads there.
func (s *Server) Drag(issue, status, actor string) error {
	return s.act("drag", issue, actor, TransitionIssues, func(iss *Issue, who *Account, at time.Time) error {
		p := s.world.project(iss.Project)
		target, known := p.Workflow.status(status)
		if !known {
			return fmt.Errorf("project %s has no status %q", p.Key, status)
		}
		if target == iss.Status {
			return nil
		}
		for _, t := range s.open(iss, who) {
			if to, _ := p.Workflow.status(t.To); to.ID != target.ID {
				continue
			}
			resolution := ""
			if t.onScreen("resolution") {
				resolution = resolutions()[0]
			}
			s.transition(iss, t, resolution, actor, at)
			return nil
		}
		return fmt.Errorf("no transition leads from %q to %q for %q", iss.Status.Name, target.Name, actor)
	})
}

// DragTargets are the statuses that Drag can move the issue to.
func (s *Server) DragTargets(issue, actor string) ([]Status, error) {
	var all []Status
	err := s.act("list targets of", issue, actor, BrowseProjects, func(iss *Issue, who *Account, _ time.Time) error {
		for _, t := range s.open(iss, who) {
			to, _ := s.world.project(iss.Project).Workflow.status(t.To)
			if !slices.Contains(all, to) {
				all = append(all, to)
			}
		}
		return nil
	})
	return all, err
}

// AddComment writes a public comment.
func (s *Server) AddComment(issue, actor, body string) (Comment, error) {
	var made Comment
	err := s.act("comment on", issue, actor, AddComments, func(iss *Issue, _ *Account, at time.Time) error {
		made = s.insertComment(iss, Comment{Author: actor, Body: body}, at)
		return nil
	})
	return made, err
}

// SetProperty sets an issue property, as anybody may who may edit the issue.
// Jira fires no webhook for it.
func (s *Server) SetProperty(issue, actor, key string, value json.RawMessage) error {
	return s.act("set property of", issue, actor, EditIssues, func(iss *Issue, _ *Account, at time.Time) error {
		if text := checkProperty(key, value); text != "" {
			return fmt.Errorf("key %q: %s", key, text)
		}
		s.setProperty(iss, key, value, actor, at)
		return nil
	})
}

// SetLabels replaces the labels.
func (s *Server) SetLabels(issue, actor string, labels []string) error {
	return s.act("set labels of", issue, actor, EditIssues, func(iss *Issue, _ *Account, at time.Time) error {
		for _, l := range labels {
			if text := checkLabel(l); text != "" {
				return fmt.Errorf("label: %s", text)
			}
		}
		next, entry := s.edit(iss, actor, at, []ChangeItem{labelItem(iss.Labels, labels)}, func(i *Issue) {
			i.Labels = slices.Clone(labels)
		})
		s.emitUpdated(next, *entry, "issue_updated")
		return nil
	})
}

// Reassign gives the issue to an account; the empty id takes it from
// everybody.
func (s *Server) Reassign(issue, actor, assignee string) error {
	return s.act("reassign", issue, actor, AssignIssues, func(iss *Issue, _ *Account, at time.Time) error {
		if assignee != "" && s.world.account(assignee) == nil {
			return fmt.Errorf("no account %q", assignee)
		}
		item := refItem("assignee", "assignee", iss.Assignee, s.nameOf(iss.Assignee), assignee, s.nameOf(assignee))
		next, entry := s.edit(iss, actor, at, []ChangeItem{item}, func(i *Issue) { i.Assignee = assignee })
		s.emitUpdated(next, *entry, "issue_assigned")
		return nil
	})
}

func (s *Server) nameOf(id string) string {
	if a := s.world.account(id); a != nil {
		return a.DisplayName
	}
	return ""
}

// MoveToProject moves the issue to another project: it gets a new key, keeps
// its id, and takes the status that is named, or the one of its old name, or
// the project's initial one. The issue still answers to its old key.
func (s *Server) MoveToProject(issue, actor, projectKey, status string) error {
	return s.act("move", issue, actor, MoveIssues, func(iss *Issue, who *Account, at time.Time) error {
		from, to := s.world.project(iss.Project), s.world.project(projectKey)
		if to == nil || to == from || !may(who, CreateIssues, to) {
			return fmt.Errorf("%q can't move it to project %q", actor, projectKey)
		}
		st, known := to.Workflow.status(firstOf(status, iss.Status.Name))
		if !known && status != "" {
			return fmt.Errorf("project %s has no status %q", to.Key, status)
		}
		if !known {
			st, _ = to.Workflow.status(to.Workflow.Initial)
		}
		key := s.newKey(to, iss.number())
		items := []ChangeItem{
			refItem("project", "project", from.ID, from.Name, to.ID, to.Name),
			refItem("Key", "", "", iss.Key, "", key),
		}
		if st != iss.Status {
			items = append(items, refItem("status", "status", iss.Status.ID, iss.Status.Name, st.ID, st.Name))
		}
		next, entry := s.edit(iss, actor, at, items, func(i *Issue) {
			i.OldKeys = append(slices.Clip(i.OldKeys), i.Key)
			i.Key, i.Project, i.Status, i.Type = key, to.Key, st, to.IssueTypes[0]
			i.Components = nil
		})
		s.emitUpdated(next, *entry, "issue_moved")
		return nil
	})
}

// Delete deletes the issue.
func (s *Server) Delete(issue, actor string) error {
	return s.act("delete", issue, actor, DeleteIssues, func(iss *Issue, _ *Account, at time.Time) error {
		s.remove(iss, actor, at)
		return nil
	})
}

// NewIssue is an issue that a person makes by hand.
type NewIssue struct {
	Project    string // key
	Type       string // name or id; default the project's first
	Summary    string
	Labels     []string
	Properties map[string]json.RawMessage
}

// CreateIssue makes an issue as a person does, with whatever label and
// properties they please.
func (s *Server) CreateIssue(actor string, n NewIssue) (Issue, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.world.project(n.Project)
	if p == nil || !may(s.world.account(actor), CreateIssues, p) {
		return Issue{}, fmt.Errorf("create issue: %q can't create issues in %q", actor, n.Project)
	}
	t, known := p.issueType(n.Type)
	if n.Type == "" {
		t, known = p.IssueTypes[0], true
	}
	if !known {
		return Issue{}, fmt.Errorf("create issue: no issue type %q in %s", n.Type, p.Key)
	}
	iss := s.insert(p, Issue{
		Type: t, Summary: n.Summary, Labels: slices.Clone(n.Labels), Properties: maps.Clone(n.Properties),
		Creator: actor, Reporter: actor, Priority: "Medium",
	}, now())
	return iss.clone(), nil
}
