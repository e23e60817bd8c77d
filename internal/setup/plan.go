package setup

import (
	"errors"
	"fmt"
	"strings"
)

// Found is what is there already. An empty id means that there is none.
type Found struct {
	Project, IssueType                             string
	Statuses                                       map[string]string // ids by name, of statuses that all projects share
	Workflow                                       bool
	WorkflowScheme, PermissionScheme, IssueTypeSet string
	Filter, Board                                  string
	// Ours: the project uses the workflow scheme that an earlier run has made.
	Ours bool
}

// Step is one thing to make, or one that is there.
type Step struct {
	Kind kind
	Text string // for people
	Done bool   // it is there, and stays as it is
}

// kind says what a step makes.
type kind string

const (
	makeIssueType        kind = "issue type"
	makeWorkflow         kind = "workflow"
	makeWorkflowScheme   kind = "workflow scheme"
	makePermissionScheme kind = "permission scheme"
	makeIssueTypeScheme  kind = "issue type scheme"
	makeProject          kind = "project"
	makeFilter           kind = "filter"
	makeBoard            kind = "board"
)

// ErrUnrelated is that the project was not made by an earlier run.
var ErrUnrelated = errors.New("the project exists and was not made by this command, which changes nothing in it: " +
	"set jira.project to a key that is free, or follow the manual way in the documentation")

// Plan returns the steps from what is found to what is wanted, in the order in which
// they are made. It is ErrUnrelated where the project is somebody else's.
func Plan(w Want, f Found) ([]Step, error) {
	if f.Project != "" && !f.Ours {
		return nil, ErrUnrelated
	}
	names := make([]string, 0, len(w.Statuses.list()))
	for _, s := range w.Statuses.list() {
		name := s.Name
		if f.Statuses[s.Name] == "" {
			name += " (new)"
		}
		names = append(names, name)
	}
	return []Step{
		{makeIssueType, fmt.Sprintf("issue type %q", w.IssueType), f.IssueType != ""},
		{makeWorkflow, fmt.Sprintf("workflow %q with the statuses %s, and these moves:%s", w.scheme(), strings.Join(names, ", "), w.describeMoves()), f.Workflow},
		{makeWorkflowScheme, fmt.Sprintf("workflow scheme %q", w.scheme()), f.WorkflowScheme != ""},
		{makeIssueTypeScheme, fmt.Sprintf("issue type scheme %q with that type alone", w.scheme()), f.IssueTypeSet != ""},
		{makePermissionScheme, fmt.Sprintf("permission scheme %q: everybody with access to Jira sees, moves and comments on issues, the daemon's account alone makes and edits them", w.scheme()), f.PermissionScheme != ""},
		{makeProject, fmt.Sprintf("project %s with these schemes", w.Project), f.Project != ""},
		{makeFilter, fmt.Sprintf("filter %q, shared with whoever sees the project", w.scheme()), f.Filter != ""},
		{makeBoard, fmt.Sprintf("board %q", w.board()), f.Board != ""},
	}, nil
}

// describeMoves lists the moves, one a line.
func (w Want) describeMoves() string {
	var b strings.Builder
	for _, m := range w.Statuses.moves() {
		by := "everybody"
		switch {
		case m.by == theDaemon:
			by = "the daemon"
		case m.by == deciders && w.restricted():
			by = "whom [review] lets decide, and the daemon"
		}
		fmt.Fprintf(&b, "\n      %s: %s -> %s, by %s", m.name, strings.Join(m.from, ", "), m.to, by)
	}
	return b.String()
}

// restricted reports whether the workflow itself says who decides.
func (w Want) restricted() bool { return len(w.People)+len(w.Groups) > 0 }
