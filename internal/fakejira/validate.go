package fakejira

import (
	"fmt"
	"slices"
	"strings"
)

// world is the checked configuration: what exists besides issues.
type world struct {
	projects []*Project
	accounts []*Account
	statuses []Status // of all projects, each once
}

// newWorld copies projects and accounts out of o and checks that they fit
// together.
func newWorld(o Options) (*world, error) {
	w := &world{}
	for _, a := range o.Accounts {
		if err := w.addAccount(a); err != nil {
			return nil, err
		}
	}
	for _, p := range o.Projects {
		if err := w.addProject(p); err != nil {
			return nil, fmt.Errorf("project %q: %w", p.Key, err)
		}
	}
	return w, nil
}

func (w *world) addAccount(a Account) error {
	if a.ID == "" || w.account(a.ID) != nil {
		return fmt.Errorf("account id %q is empty or taken", a.ID)
	}
	if a.Name == "" {
		a.Name = a.ID
	}
	if a.Type == "" {
		a.Type = PersonAccount
	}
	if a.TimeZone == "" {
		a.TimeZone = "Etc/UTC"
	}
	if a.DisplayName == "" {
		a.DisplayName = a.Name
	}
	w.accounts = append(w.accounts, &a)
	return nil
}

func (w *world) addProject(p Project) error {
	if p.Key == "" || p.ID == "" || w.project(p.Key) != nil || w.project(p.ID) != nil {
		return fmt.Errorf("key or id is empty or taken")
	}
	if len(p.IssueTypes) == 0 {
		return fmt.Errorf("it has no issue type")
	}
	if p.Type == "" {
		p.Type = "software"
	}
	if _, ok := p.Workflow.status(p.Workflow.Initial); !ok {
		return fmt.Errorf("initial status %q is not in the workflow", p.Workflow.Initial)
	}
	if err := p.Workflow.check(); err != nil {
		return err
	}
	for _, st := range p.Workflow.Statuses {
		known := slices.IndexFunc(w.statuses, func(have Status) bool { return have.ID == st.ID })
		switch {
		case known < 0:
			w.statuses = append(w.statuses, st)
		case w.statuses[known] != st:
			return fmt.Errorf("status %s is %v in one project and %v in another", st.ID, w.statuses[known], st)
		}
	}
	w.projects = append(w.projects, &p)
	return nil
}

func (w Workflow) check() error {
	for _, t := range w.Transitions {
		for _, name := range append(slices.Clone(t.From), t.To) {
			if _, ok := w.status(name); !ok {
				return fmt.Errorf("transition %q names unknown status %q", t.Name, name)
			}
		}
		if t.ID == "" {
			return fmt.Errorf("transition %q has no id", t.Name)
		}
	}
	return nil
}

// status finds a status of the workflow by name or id.
func (w Workflow) status(nameOrID string) (Status, bool) {
	return findStatus(w.Statuses, nameOrID)
}

func findStatus(all []Status, nameOrID string) (Status, bool) {
	i := slices.IndexFunc(all, func(s Status) bool {
		return s.ID == nameOrID || strings.EqualFold(s.Name, nameOrID)
	})
	if i < 0 {
		return Status{}, false
	}
	return all[i], true
}

// project finds a project by key or id; nil when there is none.
func (w *world) project(keyOrID string) *Project {
	for _, p := range w.projects {
		if p.ID == keyOrID || strings.EqualFold(p.Key, keyOrID) {
			return p
		}
	}
	for _, p := range w.projects {
		if slices.ContainsFunc(p.FormerKeys, func(former string) bool { return strings.EqualFold(former, keyOrID) }) {
			return p
		}
	}
	return nil
}

// account finds an account by id; nil when there is none.
func (w *world) account(id string) *Account {
	for _, a := range w.accounts {
		if a.ID == id {
			return a
		}
	}
	return nil
}

// issueType finds an issue type by name or id.
func (p *Project) issueType(nameOrID string) (IssueType, bool) {
	i := slices.IndexFunc(p.IssueTypes, func(t IssueType) bool {
		return t.ID == nameOrID || strings.EqualFold(t.Name, nameOrID)
	})
	if i < 0 {
		return IssueType{}, false
	}
	return p.IssueTypes[i], true
}
