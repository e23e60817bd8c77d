package plan

import (
	"slices"

	"teleport-jira/internal/access"
)

// Settings are the operator's rules. They are read-only once in use.
type Policy struct {
	Statuses Statuses
	Default  Route
	Routes   []Route // the first match wins; none means Default
	Review   ReviewRules
}

// Statuses maps states to the statuses, by name or id, that stand for them.
// The first of a list is only a preference: any of them will do.
type Statuses map[access.State][]string

// StateOf is the state that a status stands for; ok is false for a status that
// the mapping does not know. Of several states that share a status it is the
// first in the order below: approved and promoted usually share one.
func (s Statuses) StateOf(status access.Status) (state access.State, ok bool) {
	for _, state := range []access.State{access.Pending, access.Approved, access.Denied, access.Expired, access.Promoted} {
		if s.Has(state, status) {
			return state, true
		}
	}
	return "", false
}

// Has tells whether the status stands for the state.
func (s Statuses) Has(state access.State, status access.Status) bool {
	return slices.ContainsFunc(s[state], status.Is)
}

// Route says where the issues of some requests go.
type Route struct {
	Roles       []string            // each a Glob; any requested role matches; empty matches all
	Annotations map[string][]string // each key must have one of the values
	Project     string
	IssueType   string
	Labels      []string
	Skip        bool // no issue for these
}

// RouteOf is the route of a request.
func (s Policy) RouteOf(req *access.Request) Route {
	for _, r := range s.Routes {
		if r.matches(req) {
			return r.or(s.Default)
		}
	}
	return s.Default
}

func (r Route) matches(req *access.Request) bool {
	anyRole := len(r.Roles) == 0 || slices.ContainsFunc(req.Roles, func(role string) bool {
		return slices.ContainsFunc(r.Roles, func(pattern string) bool { return Glob(pattern).Match(role) })
	})
	if !anyRole {
		return false
	}
	for key, wanted := range r.Annotations {
		if !slices.ContainsFunc(req.Annotations[key], func(v string) bool { return slices.Contains(wanted, v) }) {
			return false
		}
	}
	return true
}

func (r Route) or(d Route) Route {
	if r.Project == "" {
		r.Project = d.Project
	}
	if r.IssueType == "" {
		r.IssueType = d.IssueType
	}
	return r
}
