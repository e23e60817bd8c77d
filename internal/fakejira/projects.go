package fakejira

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

func (s *Server) serverInfo(c *call) answer {
	info := object{
		"baseUrl": s.baseURL, "version": s.opts.Version, "versionNumbers": versionNumbers(s.opts.Version),
		"deploymentType": s.opts.Flavour.String(), "buildNumber": 100200, "buildDate": "2026-01-01T00:00:00.000+0000",
		"serverTime": c.stamp(c.now), "scmInfo": "0000000000000000000000000000000000000000", "serverTitle": "Jira",
	}
	if s.opts.Flavour == Cloud {
		info["displayUrl"] = s.baseURL
		info["serverTimeZone"] = "Etc/UTC"
	}
	return ok(info)
}

func versionNumbers(version string) []int {
	numbers := []int{}
	for part := range strings.SplitSeq(version, ".") {
		digits := strings.TrimRight(part, "-ABCDEFGHIJKLMNOPQRSTUVWXYZ")
		if n, err := strconv.Atoi(digits); err == nil {
			numbers = append(numbers, n)
		}
	}
	return numbers
}

// projectPermissions and globalPermissions are what mypermissions knows.
func projectPermissions() []Permission {
	return []Permission{
		BrowseProjects, CreateIssues, EditIssues, AddComments, TransitionIssues,
		DeleteIssues, MoveIssues, AssignIssues, ModifyReporter,
	}
}

func globalPermissions() []Permission { return []Permission{BrowseUsers, Administer} }

// myPermissions answers what the caller may do: in the project or issue that
// the query names, else in any project. Cloud wants to be told which.
func (s *Server) myPermissions(c *call) answer {
	wanted := c.list("permissions")
	if s.opts.Flavour == Cloud && len(wanted) == 0 {
		return failure(http.StatusBadRequest, "The 'permissions' query parameter is required.")
	}
	projects, ans := s.permissionScope(c)
	if projects == nil {
		return ans
	}
	all := object{}
	for _, p := range append(projectPermissions(), globalPermissions()...) {
		if s.opts.Flavour == Cloud && !slices.Contains(wanted, string(p)) {
			continue
		}
		all[string(p)] = s.permissionJSON(c.who, p, projects)
	}
	if s.opts.Flavour == Cloud && len(all) < len(wanted) {
		return failure(http.StatusBadRequest, "Unrecognized permission")
	}
	return ok(object{"permissions": all})
}

func (s *Server) permissionJSON(who *Account, p Permission, projects []*Project) object {
	kind, have := "PROJECT", slices.ContainsFunc(projects, func(project *Project) bool { return may(who, p, project) })
	if slices.Contains(globalPermissions(), p) {
		kind, have = "GLOBAL", s.mayGlobally(who, p)
	}
	return object{
		"id": "1" + strconv.Itoa(len(p)), "key": string(p), "name": strings.ReplaceAll(string(p), "_", " "),
		"type": kind, "description": "", "havePermission": have,
	}
}

// permissionScope are the projects that the query is about; nil with the
// answer if they can't be seen.
func (s *Server) permissionScope(c *call) ([]*Project, answer) {
	if issue := firstOf(c.query.Get("issueId"), c.query.Get("issueKey")); issue != "" {
		c.params = map[string]string{"issue": issue}
		iss, seen := s.visible(c)
		if !seen {
			return nil, notFound()
		}
		return []*Project{s.world.project(iss.Project)}, answer{}
	}
	key := firstOf(c.query.Get("projectId"), c.query.Get("projectKey"))
	if key == "" {
		return append([]*Project{}, s.world.projects...), answer{}
	}
	p := s.world.project(key)
	if p == nil || c.who != nil && !may(c.who, BrowseProjects, p) {
		return nil, noProject(key)
	}
	return []*Project{p}, answer{}
}

func noProject(key string) answer {
	return failure(http.StatusNotFound, "No project could be found with key '"+key+"'.")
}

// visibleProject is the project that the path names, if the caller sees it.
func (s *Server) visibleProject(c *call) *Project {
	p := s.world.project(c.params["project"])
	if p == nil || !may(c.who, BrowseProjects, p) && !may(c.who, CreateIssues, p) {
		return nil
	}
	return p
}

func (s *Server) getProject(c *call) answer {
	p := s.visibleProject(c)
	if p == nil {
		return noProject(c.params["project"])
	}
	o := s.projectRef(p)
	types := []object{}
	for _, t := range p.IssueTypes {
		types = append(types, s.issueTypeJSON(t))
	}
	components := []object{}
	for _, name := range p.Components {
		id := componentID(p, name)
		components = append(components, object{
			"id": id, "name": name, "self": s.baseURL + "/rest/api/2/component/" + id, "isAssigneeTypeValid": false,
		})
	}
	o["issueTypes"], o["components"], o["versions"], o["roles"] = types, components, []object{}, object{}
	o["description"], o["assigneeType"] = "", "UNASSIGNED"
	o["expand"] = "description,lead,issueTypes,url,projectKeys"
	return ok(o)
}

func (s *Server) projectStatuses(c *call) answer {
	p := s.visibleProject(c)
	if p == nil {
		return noProject(c.params["project"])
	}
	statuses := []object{}
	for _, st := range p.Workflow.Statuses {
		statuses = append(statuses, s.statusJSON(st))
	}
	types := []object{}
	for _, t := range p.IssueTypes {
		types = append(types, object{
			"self": s.baseURL + "/rest/api/2/issuetype/" + t.ID, "id": t.ID, "name": t.Name,
			"subtask": false, "statuses": statuses,
		})
	}
	return ok(types)
}

// getStatuses lists the statuses of all workflows; nothing to anonymous
// callers.
func (s *Server) getStatuses(c *call) answer {
	all := []object{}
	if c.who != nil {
		for _, st := range s.world.statuses {
			all = append(all, s.statusJSON(st))
		}
	}
	return ok(all)
}
