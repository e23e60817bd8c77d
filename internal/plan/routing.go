package plan

import (
	"slices"

	"teleport-jira/internal/access"
)

// Route is where the issues of some requests go.
type Route struct {
	Roles       []string            // each a Glob; any requested role matches; empty matches all
	Annotations map[string][]string // each key must have one of the values
	Project     string
	IssueType   string
	Labels      []string
	Skip        bool      // no issue for these
	Approvers   Approvers // in place of the general ones; empty: those
}

// RouteOf returns the route of a request.
func (p Policy) RouteOf(req *access.Request) Route {
	for _, r := range p.Routes {
		if r.matches(req) {
			return r.or(p.Default)
		}
	}
	return p.Default
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
