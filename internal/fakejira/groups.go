package fakejira

import (
	"slices"
	"strings"
)

// pickGroups finds groups whose names contain the query. Callers without the
// right to browse users get an empty list, as documented.
func (s *Server) pickGroups(c *call) answer {
	wanted := strings.ToLower(c.query.Get("query"))
	found := []object{}
	for _, name := range s.groupNames() {
		if !s.mayGlobally(c.who, BrowseUsers) || !strings.Contains(strings.ToLower(name), wanted) {
			continue
		}
		group := object{"name": name, "html": name, "labels": []object{}}
		if s.opts.Flavour == Cloud {
			group["groupId"] = groupID(name)
		}
		found = append(found, group)
	}
	return ok(object{"header": "Showing matching groups", "total": len(found), "groups": found})
}

// groupNames are all groups that have a member.
func (s *Server) groupNames() []string {
	var names []string
	for _, a := range s.world.accounts {
		names = append(names, a.Groups...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
