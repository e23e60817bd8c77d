package fakejira

import (
	"net/http"
	"strings"
)

// Routes, for Fault.Route and as they stand in Call.Route. Issue and comment
// stand for ids or keys.
const (
	RouteServerInfo      = "/rest/api/2/serverInfo"
	RouteMyself          = "/rest/api/2/myself"
	RoutePermissions     = "/rest/api/2/mypermissions"
	RouteProject         = "/rest/api/2/project/{project}"
	RouteProjectStatuses = "/rest/api/2/project/{project}/statuses"
	RouteStatuses        = "/rest/api/2/status"
	RouteField           = "/rest/api/2/field"
	RouteCreateTypes     = "/rest/api/2/issue/createmeta/{project}/issuetypes"
	RouteCreateFields    = "/rest/api/2/issue/createmeta/{project}/issuetypes/{type}"
	RouteUser            = "/rest/api/2/user"
	RouteUserSearch      = "/rest/api/2/user/search"
	RouteUserGroups      = "/rest/api/2/user/groups"
	RouteGroups          = "/rest/api/2/groups/picker"
	RouteIssues          = "/rest/api/2/issue"
	RouteIssue           = "/rest/api/2/issue/{issue}"
	RouteChangelog       = "/rest/api/2/issue/{issue}/changelog"
	RouteComments        = "/rest/api/2/issue/{issue}/comment"
	RouteComment         = "/rest/api/2/issue/{issue}/comment/{comment}"
	RouteTransitions     = "/rest/api/2/issue/{issue}/transitions"
	RouteProperties      = "/rest/api/2/issue/{issue}/properties"
	RouteProperty        = "/rest/api/2/issue/{issue}/properties/{property}"
	RouteSearch          = "/rest/api/2/search"
	RouteSearch3         = "/rest/api/3/search"
	RouteSearchJQL       = "/rest/api/2/search/jql"
)

// route ties a method and a path to what answers it.
type route struct {
	method  string
	pattern string
	serve   func(*call) answer
}

// match compares a path with the pattern, segment by segment.
func (r route) match(path string) (map[string]string, bool) {
	want, have := strings.Split(r.pattern, "/"), strings.Split(path, "/")
	if len(want) != len(have) {
		return nil, false
	}
	var params map[string]string
	for i, w := range want {
		switch {
		case strings.HasPrefix(w, "{") && have[i] != "":
			if params == nil {
				params = map[string]string{}
			}
			params[strings.Trim(w, "{}")] = have[i]
		case w != have[i]:
			return nil, false
		}
	}
	return params, true
}

// allRoutes are the endpoints of the flavour. Literal paths stand before
// patterns that would match them too.
func (s *Server) allRoutes() []route {
	get, post, put, del := http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete
	all := []route{
		{get, RouteServerInfo, s.serverInfo},
		{get, RouteMyself, s.myself},
		{get, RoutePermissions, s.myPermissions},
		{get, RouteProject, s.getProject},
		{get, RouteProjectStatuses, s.projectStatuses},
		{get, RouteStatuses, s.getStatuses},
		{get, RouteField, s.getFields},
		{get, RouteCreateTypes, s.createTypes},
		{get, RouteCreateFields, s.createFields},
		{get, RouteUser, s.getUser},
		{get, RouteUserSearch, s.searchUsers},
		{get, RouteGroups, s.pickGroups},
		{post, RouteIssues, s.createIssue},
		{get, RouteIssue, s.getIssue},
		{put, RouteIssue, s.editIssue},
		{del, RouteIssue, s.deleteIssue},
		{get, RouteComments, s.getComments},
		{post, RouteComments, s.addComment},
		{get, RouteComment, s.getComment},
		{get, RouteTransitions, s.getTransitions},
		{post, RouteTransitions, s.doTransition},
		{get, RouteProperties, s.getProperties},
		{get, RouteProperty, s.getProperty},
		{put, RouteProperty, s.putProperty},
		{del, RouteProperty, s.deleteProperty},
	}
	if s.opts.Flavour == DataCenter {
		return append(all, route{get, RouteSearch, s.searchPaged}, route{post, RouteSearch, s.searchPaged})
	}
	all = append(all, s.adminRoutes()...)
	return append(all,
		route{get, RouteUserGroups, s.userGroups},
		route{get, RouteChangelog, s.getChangelog},
		route{get, RouteSearch, s.searchRemoved},
		route{post, RouteSearch, s.searchRemoved},
		route{get, RouteSearch3, s.searchRemoved},
		route{post, RouteSearch3, s.searchRemoved},
		route{get, RouteSearchJQL, s.searchJQL},
		route{post, RouteSearchJQL, s.searchJQL},
	)
}
