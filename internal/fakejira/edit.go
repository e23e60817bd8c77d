package fakejira

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// editIssue changes summary and description, the fields that the double has on
// its edit screen. What is as it was leaves no changelog entry.
func (s *Server) editIssue(c *call) answer {
	iss, ans := s.editable(c)
	if iss == nil {
		return ans
	}
	var in update
	if ans, fine := c.decode(&in); !fine {
		return ans
	}
	screen := *s.world.project(iss.Project)
	screen.OffScreen = screen.OffEditScreen
	d := &draft{s: s, c: c, project: &screen, issue: *iss, errs: fieldErrors{}}
	for name, raw := range in.Fields {
		if name != "summary" && name != "description" {
			d.notSettable(name)
			continue
		}
		d.set(name, raw)
	}
	for name := range in.Update {
		d.notSettable(name)
	}
	if len(d.errs) > 0 {
		return d.errs.answer()
	}
	s.editText(iss, c.who.ID, d.issue.Summary, d.issue.Description, c.now)
	return answer{status: http.StatusNoContent}
}

// editText gives the issue another text, with one changelog entry.
func (s *Server) editText(iss *Issue, actor, summary, description string, at time.Time) {
	var items []ChangeItem
	if summary != iss.Summary {
		items = append(items, refItem("summary", "summary", "", iss.Summary, "", summary))
	}
	if description != iss.Description {
		items = append(items, refItem("description", "description", "", iss.Description, "", description))
	}
	if len(items) == 0 {
		return
	}
	next, entry := s.edit(iss, actor, at, items, func(i *Issue) { i.Summary, i.Description = summary, description })
	s.emitUpdated(next, *entry, "issue_updated")
}

// EditText gives an issue another summary and description, as anybody may who
// may edit it.
func (s *Server) EditText(issue, actor, summary, description string) error {
	return s.act("edit text of", issue, actor, EditIssues, func(iss *Issue, _ *Account, at time.Time) error {
		s.editText(iss, actor, summary, description, at)
		return nil
	})
}

// EditComment gives a comment another text. Jira shows who edited it last.
func (s *Server) EditComment(issue, actor, comment, body string) error {
	return s.act("edit comment of", issue, actor, AddComments, func(iss *Issue, _ *Account, at time.Time) error {
		n := slices.IndexFunc(iss.Comments, func(c Comment) bool { return c.ID == comment })
		if n < 0 {
			return fmt.Errorf("no comment %q", comment)
		}
		s.edit(iss, actor, at, nil, func(i *Issue) {
			i.Comments = slices.Clone(i.Comments)
			i.Comments[n].Body, i.Comments[n].EditedBy = body, actor
		})
		return nil
	})
}
