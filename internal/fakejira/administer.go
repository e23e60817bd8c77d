package fakejira

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// What administrators make over the API of Jira Cloud: issue types, workflows with
// their statuses, schemes, projects, filters and boards. The way to a board is Jira
// Software's. Bodies and answers are those of Atlassian's document of the platform
// API, version 2.
const (
	RouteIssueTypes       = "/rest/api/2/issuetype"
	RouteStatusSearch     = "/rest/api/2/statuses/search"
	RouteWorkflowSearch   = "/rest/api/2/workflows/search"
	RouteWorkflowCheck    = "/rest/api/2/workflows/create/validation"
	RouteWorkflowCreate   = "/rest/api/2/workflows/create"
	RouteWorkflowSchemes  = "/rest/api/2/workflowscheme"
	RouteWorkflowUses     = "/rest/api/2/workflowscheme/project"
	RouteIssueTypeSchemes = "/rest/api/2/issuetypescheme"
	RoutePermSchemes      = "/rest/api/2/permissionscheme"
	RouteProjects         = "/rest/api/2/project"
	RouteFilters          = "/rest/api/2/filter"
	RouteFilterSearch     = "/rest/api/2/filter/search"
	RouteBoards           = "/rest/agile/1.0/board"
)

// scheme is a thing with a name that administrators make.
type scheme struct {
	id          int64
	name        string
	types       []string                // of an issue type scheme
	workflow    Workflow                // of a workflow
	uses        string                  // the workflow of a scheme
	permissions map[Permission][]string // of a permission scheme; see Project.Permissions
	jql         string                  // of a filter
	project     string                  // of a board: its key
}

// administration is what administrators have made.
type administration struct {
	types                                          []IssueType
	workflows, flowSchemes, typeSchemes, permitted []*scheme
	filters, boards                                []*scheme
	flowSchemeOf                                   map[string]int64 // by project id
}

// adminRoutes are the endpoints for administrators.
func (s *Server) adminRoutes() []route {
	get, post := http.MethodGet, http.MethodPost
	admin := func(serve func(*call) answer) func(*call) answer {
		return func(c *call) answer {
			switch {
			case c.who == nil:
				return unauthorized()
			case !s.mayGlobally(c.who, Administer):
				return forbidden("You are not authorized to perform this operation. Administrator privileges are required.")
			}
			return serve(c)
		}
	}
	return []route{
		{get, RouteIssueTypes, s.listIssueTypes},
		{post, RouteIssueTypes, admin(s.createIssueType)},
		{get, RouteStatusSearch, admin(s.searchStatuses)},
		{get, RouteWorkflowSearch, admin(func(c *call) answer { return c.values(s.made.workflows, "queryString") })},
		{post, RouteWorkflowCheck, admin(s.checkWorkflows)},
		{post, RouteWorkflowCreate, admin(s.createWorkflows)},
		{get, RouteWorkflowSchemes, admin(func(c *call) answer { return c.values(s.made.flowSchemes, "") })},
		{post, RouteWorkflowSchemes, admin(s.createFlowScheme)},
		{get, RouteWorkflowUses, admin(s.workflowUses)},
		{get, RouteIssueTypeSchemes, admin(func(c *call) answer { return c.values(s.made.typeSchemes, "queryString") })},
		{post, RouteIssueTypeSchemes, admin(s.createTypeScheme)},
		{get, RoutePermSchemes, admin(s.listPermSchemes)},
		{post, RoutePermSchemes, admin(s.createPermScheme)},
		{post, RouteProjects, admin(s.createProject)},
		{post, RouteFilters, admin(s.createFilter)},
		{get, RouteFilterSearch, admin(func(c *call) answer { return c.values(s.made.filters, "filterName") })},
		{get, RouteBoards, admin(s.listBoards)},
		{post, RouteBoards, admin(s.createBoard)},
	}
}

// values is a page of things, by part of the name where the query has one.
func (c *call) values(all []*scheme, query string) answer {
	start, size, ok1 := c.page(50, 100)
	if !ok1 {
		return failure(http.StatusBadRequest, "startAt and maxResults must be numbers")
	}
	var found []*scheme
	for _, one := range all {
		if query == "" || strings.Contains(strings.ToLower(one.name), strings.ToLower(c.query.Get(query))) {
			found = append(found, one)
		}
	}
	values := []object{}
	for _, one := range slicePage(found, start, size) {
		values = append(values, object{"id": c.idOf(one), "name": one.name})
	}
	return ok(object{
		"values": values, "startAt": start, "maxResults": size, "total": len(found), "isLast": start+len(values) >= len(found),
	})
}

// idOf is the id as the endpoint writes it: a number for workflow schemes and
// boards.
func (c *call) idOf(one *scheme) any {
	if c.route.pattern == RouteWorkflowSchemes || c.route.pattern == RouteBoards {
		return one.id
	}
	return strconv.FormatInt(one.id, 10)
}

func byName(all []*scheme, name string) *scheme {
	for _, one := range all {
		if one.name == name {
			return one
		}
	}
	return nil
}

func byID(all []*scheme, id int64) *scheme {
	for _, one := range all {
		if one.id == id {
			return one
		}
	}
	return nil
}

func taken(name string) answer {
	return failure(http.StatusBadRequest, "The name '"+name+"' is empty or used already.")
}

func (s *Server) listIssueTypes(c *call) answer {
	all := []object{}
	if c.who != nil {
		for _, t := range s.issueTypes() {
			all = append(all, s.issueTypeJSON(t))
		}
	}
	return ok(all)
}

// issueTypes are all of the site. The lock is held.
func (s *Server) issueTypes() []IssueType {
	all := slices.Clone(s.made.types)
	for _, p := range s.world.projects {
		for _, t := range p.IssueTypes {
			if !slices.ContainsFunc(all, func(o IssueType) bool { return o.ID == t.ID }) {
				all = append(all, t)
			}
		}
	}
	return all
}

func (s *Server) createIssueType(c *call) answer {
	var in struct {
		Name, Description string
		HierarchyLevel    int
		Type              string
	}
	if ans, fine := c.decode(&in); !fine {
		return ans
	}
	if in.Name == "" || slices.ContainsFunc(s.issueTypes(), func(t IssueType) bool { return strings.EqualFold(t.Name, in.Name) }) {
		return failure(http.StatusConflict, "An issue type with this name already exists.")
	}
	t := IssueType{ID: strconv.FormatInt(s.id("issuetype")+1000, 10), Name: in.Name}
	s.made.types = append(s.made.types, t)
	return answer{status: http.StatusCreated, body: s.issueTypeJSON(t)}
}

func (s *Server) searchStatuses(c *call) answer {
	start, size, fine := c.page(200, 200)
	if !fine {
		return failure(http.StatusBadRequest, "startAt and maxResults must be numbers")
	}
	names := map[Category]string{ToDo: "TODO", InProgress: "IN_PROGRESS", Done: "DONE"}
	found := []object{}
	for _, st := range s.world.statuses {
		if strings.Contains(strings.ToLower(st.Name), strings.ToLower(c.query.Get("searchString"))) {
			found = append(found, object{
				"id": st.ID, "name": st.Name, "description": "", "statusCategory": names[st.Category], "scope": object{"type": "GLOBAL"},
			})
		}
	}
	page := slicePage(found, start, size)
	return ok(object{
		"values": page, "startAt": start, "maxResults": size, "total": len(found), "isLast": start+len(page) >= len(found),
	})
}

func (s *Server) createFlowScheme(c *call) answer {
	var in struct{ Name, Description, DefaultWorkflow string }
	if ans, fine := c.decode(&in); !fine {
		return ans
	}
	if in.Name == "" || byName(s.made.flowSchemes, in.Name) != nil {
		return taken(in.Name)
	}
	if byName(s.made.workflows, in.DefaultWorkflow) == nil {
		return failure(http.StatusBadRequest, "The workflow '"+in.DefaultWorkflow+"' does not exist.")
	}
	one := &scheme{id: s.id("workflowscheme"), name: in.Name, uses: in.DefaultWorkflow}
	s.made.flowSchemes = append(s.made.flowSchemes, one)
	return answer{status: http.StatusCreated, body: object{
		"id": one.id, "name": one.name, "description": in.Description, "defaultWorkflow": one.uses, "draft": false, "issueTypeMappings": object{},
	}}
}

func (s *Server) workflowUses(c *call) answer {
	values := []object{}
	for _, id := range c.list("projectId") {
		used := object{"name": "Default Workflow Scheme", "defaultWorkflow": "jira"}
		if one := byID(s.made.flowSchemes, s.made.flowSchemeOf[id]); one != nil {
			used = object{"id": one.id, "name": one.name, "defaultWorkflow": one.uses}
		}
		values = append(values, object{"projectIds": []string{id}, "workflowScheme": used})
	}
	return ok(object{"values": values})
}

func (s *Server) createTypeScheme(c *call) answer {
	var in struct {
		Name, Description, DefaultIssueTypeID string
		IssueTypeIDs                          []string `json:"issueTypeIds"`
	}
	if ans, fine := c.decode(&in); !fine {
		return ans
	}
	if in.Name == "" || byName(s.made.typeSchemes, in.Name) != nil {
		return failure(http.StatusConflict, "The name is used already.")
	}
	if len(in.IssueTypeIDs) == 0 || !slices.Contains(in.IssueTypeIDs, in.DefaultIssueTypeID) {
		return failure(http.StatusBadRequest, "The default issue type has to be one of the scheme's.")
	}
	one := &scheme{id: s.id("issuetypescheme"), name: in.Name, types: in.IssueTypeIDs}
	s.made.typeSchemes = append(s.made.typeSchemes, one)
	return answer{status: http.StatusCreated, body: object{"issueTypeSchemeId": strconv.FormatInt(one.id, 10)}}
}

func (s *Server) listPermSchemes(*call) answer {
	all := []object{}
	for _, one := range s.made.permitted {
		all = append(all, object{"id": one.id, "name": one.name, "self": s.baseURL + RoutePermSchemes + "/" + strconv.FormatInt(one.id, 10)})
	}
	return ok(object{"permissionSchemes": all})
}

func (s *Server) createPermScheme(c *call) answer {
	var in struct {
		Name, Description string
		Permissions       []struct {
			Permission Permission
			Holder     struct{ Type, Parameter, Value string }
		}
	}
	if ans, fine := c.decode(&in); !fine {
		return ans
	}
	if in.Name == "" || byName(s.made.permitted, in.Name) != nil {
		return taken(in.Name)
	}
	one := &scheme{id: s.id("permissionscheme"), name: in.Name, permissions: map[Permission][]string{}}
	for _, p := range projectPermissions() {
		one.permissions[p] = []string{}
	}
	everybody := map[Permission]bool{}
	for _, p := range in.Permissions {
		switch {
		case p.Holder.Type == "applicationRole" && p.Holder.Parameter == "":
			everybody[p.Permission] = true
		case p.Holder.Type == "user" && s.world.account(p.Holder.Parameter) != nil, p.Holder.Type == "group":
			one.permissions[p.Permission] = append(one.permissions[p.Permission], p.Holder.Parameter)
		default:
			return failure(http.StatusBadRequest, "The holder '"+p.Holder.Type+"' is invalid.")
		}
	}
	for p := range everybody {
		delete(one.permissions, p) // as a project writes it
	}
	s.made.permitted = append(s.made.permitted, one)
	return answer{status: http.StatusCreated, body: object{"id": one.id, "name": one.name}}
}

func (s *Server) createFilter(c *call) answer {
	var in struct {
		Name, Description, JQL string
		SharePermissions       []struct {
			Type    string
			Project struct{ ID string }
		}
	}
	if ans, fine := c.decode(&in); !fine {
		return ans
	}
	if in.Name == "" || byName(s.made.filters, in.Name) != nil {
		return taken(in.Name)
	}
	one := &scheme{id: s.id("filter"), name: in.Name, jql: in.JQL}
	s.made.filters = append(s.made.filters, one)
	return ok(object{"id": strconv.FormatInt(one.id, 10), "name": one.name, "jql": one.jql, "self": s.baseURL + RouteFilters + "/" + strconv.FormatInt(one.id, 10)})
}

func (s *Server) listBoards(c *call) answer {
	var all []*scheme
	for _, one := range s.made.boards {
		if key := c.query.Get("projectKeyOrId"); key == "" || one.project == key {
			all = append(all, one)
		}
	}
	return c.values(all, "name")
}

func (s *Server) createBoard(c *call) answer {
	var in struct {
		Name, Type string
		FilterID   int64
		Location   struct{ Type, ProjectKeyOrID string }
	}
	if ans, fine := c.decode(&in); !fine {
		return ans
	}
	if in.Name == "" || in.Type != "kanban" && in.Type != "scrum" || byID(s.made.filters, in.FilterID) == nil || s.world.project(in.Location.ProjectKeyOrID) == nil {
		return failure(http.StatusBadRequest, "Name, type, filter and location have to be given.")
	}
	one := &scheme{id: s.id("board"), name: in.Name, project: in.Location.ProjectKeyOrID}
	s.made.boards = append(s.made.boards, one)
	return answer{status: http.StatusCreated, body: object{
		"id": one.id, "name": one.name, "type": in.Type, "self": s.baseURL + RouteBoards + "/" + strconv.FormatInt(one.id, 10),
	}}
}

// createProject makes a company-managed project with schemes in place of a template.
func (s *Server) createProject(c *call) answer {
	var in struct {
		Key, Name, ProjectTypeKey, ProjectTemplateKey, LeadAccountID, AssigneeType, Description string
		WorkflowScheme, IssueTypeScheme, PermissionScheme                                       int64
	}
	if ans, fine := c.decode(&in); !fine {
		return ans
	}
	flow, types, permitted := byID(s.made.flowSchemes, in.WorkflowScheme), byID(s.made.typeSchemes, in.IssueTypeScheme), byID(s.made.permitted, in.PermissionScheme)
	switch {
	case s.world.project(in.Key) != nil:
		return fieldErrors{"projectKey": "Project '" + in.Name + "' uses this project key."}.answer()
	case in.ProjectTemplateKey != "":
		return failure(http.StatusBadRequest, "A template can't be given with schemes.")
	case in.ProjectTypeKey == "" || flow == nil || types == nil || permitted == nil || s.world.account(in.LeadAccountID) == nil:
		return failure(http.StatusBadRequest, "Project type, lead or a scheme does not exist.")
	}
	p := Project{
		ID: strconv.FormatInt(s.id("project")+500, 10), Key: in.Key, Name: in.Name, Type: in.ProjectTypeKey,
		Workflow: byName(s.made.workflows, flow.uses).workflow, Permissions: permitted.permissions,
	}
	for _, t := range s.issueTypes() {
		if slices.Contains(types.types, t.ID) {
			p.IssueTypes = append(p.IssueTypes, t)
		}
	}
	if err := s.world.addProject(p); err != nil {
		return failure(http.StatusBadRequest, err.Error())
	}
	if s.made.flowSchemeOf == nil {
		s.made.flowSchemeOf = map[string]int64{}
	}
	s.made.flowSchemeOf[p.ID] = flow.id
	id, _ := strconv.ParseInt(p.ID, 10, 64)
	return answer{status: http.StatusCreated, body: object{"id": id, "key": p.Key, "self": s.baseURL + RouteProjects + "/" + p.ID}}
}
