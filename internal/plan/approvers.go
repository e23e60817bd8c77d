package plan

import (
	"slices"
	"strings"

	"teleport-jira/internal/access"
)

// Approvers are one rule about who may decide: whom it names, and whoever is in
// one of the groups. One that is empty lets everybody decide.
type Approvers struct {
	Names  []string // handles, see access.ParseHandle
	Groups []string // handles, see access.ParseGroup
}

func (a Approvers) isEmpty() bool { return len(a.Names) == 0 && len(a.Groups) == 0 }

// key is the same for equal rules only.
func (a Approvers) key() string {
	return strings.Join(a.Names, "\n") + "\x00" + GroupsKey(a.Groups)
}

// GroupsKey names a list of groups in Person.RouteGroups.
func GroupsKey(groups []string) string { return strings.Join(groups, "\n") }

// ApproversOf returns the rules that whoever decides the request has to satisfy,
// all of them: those of every route that any requested role matches, and the
// general ones for routes without their own and for roles without a route. A
// harmless role beside another never opens an easier door.
func (p Policy) ApproversOf(req *access.Request) []Approvers {
	general := Approvers{p.Review.Approvers, p.Review.ApproverGroups}
	var all []Approvers
	add := func(a Approvers) {
		if a.isEmpty() {
			a = general
		}
		if !slices.ContainsFunc(all, func(b Approvers) bool { return a.key() == b.key() }) {
			all = append(all, a)
		}
	}
	one := *req
	for i := range max(1, len(req.Roles)) {
		one.Roles = req.Roles[i:min(i+1, len(req.Roles))]
		matched := false
		for _, route := range p.Routes {
			if route.matches(&one) {
				matched = true
				add(route.Approvers)
			}
		}
		if !matched {
			add(general)
		}
	}
	return all
}

// satisfies reports whether the person may decide by one rule.
func (p Policy) satisfies(s Snapshot, who access.Actor, a Approvers) bool {
	if a.isEmpty() || p.isAny(who, a.Names) {
		return true
	}
	if len(a.Groups) == 0 || s.Person == nil {
		return false
	}
	if GroupsKey(a.Groups) == GroupsKey(p.Review.ApproverGroups) {
		return s.Person.InGroups
	}
	return s.Person.RouteGroups[GroupsKey(a.Groups)]
}

// Names reports whether the rule names the account itself, whatever its groups
// are.
func (p Policy) Names(a Approvers, who access.Actor) bool { return p.isAny(who, a.Names) }

// namesForAll reports whether each of the request's rules names the account.
func (p Policy) namesForAll(req *access.Request, who access.Actor) bool {
	return !slices.ContainsFunc(p.ApproversOf(req), func(a Approvers) bool { return !p.Names(a, who) })
}

// HiddenRoutes returns the index of each route that no request reaches, since an
// earlier one takes all that it matches, with the index of that one.
func HiddenRoutes(routes []Route) map[int]int {
	hidden := map[int]int{}
	for i, later := range routes {
		for j, earlier := range routes[:i] {
			if earlier.covers(later) {
				hidden[i] = j
				break
			}
		}
	}
	return hidden
}

// covers reports whether the route matches every request that the other matches,
// as far as that can be told from the patterns.
func (r Route) covers(other Route) bool {
	for key, wanted := range r.Annotations {
		values, given := other.Annotations[key]
		if !given || slices.ContainsFunc(values, func(v string) bool { return !slices.Contains(wanted, v) }) {
			return false
		}
	}
	if len(r.Roles) == 0 {
		return true
	}
	return len(other.Roles) > 0 && !slices.ContainsFunc(other.Roles, func(role string) bool {
		return !slices.ContainsFunc(r.Roles, func(pattern string) bool { return Glob(pattern).Match(role) })
	})
}
