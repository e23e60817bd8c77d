package fakejira

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// systemFields are the fields on a create screen that Jira itself knows, in
// the order of createmeta.
func systemFields() []string {
	return []string{"summary", "issuetype", "project", "description", "labels", "components", "priority", "assignee", "reporter"}
}

// createTypes is createmeta's list of issue types.
func (s *Server) createTypes(c *call) answer {
	p, start, size, ans := s.createScope(c)
	if p == nil {
		return ans
	}
	types := []object{}
	for _, t := range p.IssueTypes {
		types = append(types, s.issueTypeJSON(t))
	}
	return ok(s.metaPage("issueTypes", types, start, size))
}

// createFields is createmeta's list of the fields of an issue type.
func (s *Server) createFields(c *call) answer {
	p, start, size, ans := s.createScope(c)
	if p == nil {
		return ans
	}
	if i := slices.IndexFunc(p.IssueTypes, func(t IssueType) bool { return t.ID == c.params["type"] }); i < 0 {
		return failure(http.StatusBadRequest, "Issue type with id '"+c.params["type"]+"' does not exist or is not available in the project.")
	}
	fields := []object{}
	for _, name := range systemFields() {
		if !slices.Contains(p.OffScreen, name) {
			fields = append(fields, s.fieldMeta(p, name))
		}
	}
	for _, f := range p.Fields {
		if !f.OffScreen {
			fields = append(fields, s.fieldMeta(p, f.ID))
		}
	}
	return ok(s.metaPage("fields", fields, start, size))
}

// createScope finds the project and the page; a nil project comes with the
// answer.
func (s *Server) createScope(c *call) (p *Project, start, size int, ans answer) {
	p = s.world.project(c.params["project"])
	if p == nil || !may(c.who, CreateIssues, p) {
		return nil, 0, 0, failure(http.StatusBadRequest, "No project could be found with key or id '"+c.params["project"]+"'.")
	}
	start, size, fine := c.page(50, 200)
	if !fine {
		return nil, 0, 0, failure(http.StatusBadRequest, "startAt and maxResults have to be numbers.")
	}
	return p, start, size, answer{}
}

// metaPage is a page of createmeta: Data Center names the list "values".
func (s *Server) metaPage(name string, all []object, start, size int) object {
	part := slicePage(all, start, size)
	page := object{"startAt": start, "maxResults": size, "total": len(all)}
	if s.opts.Flavour == DataCenter {
		page["values"], page["isLast"] = part, start+len(part) >= len(all)
		return page
	}
	page[name] = part
	return page
}

// fieldMeta describes a field as createmeta and transition screens do.
func (s *Server) fieldMeta(p *Project, id string) object {
	meta := object{
		"name": strings.ToUpper(id[:1]) + id[1:], "key": id, "fieldId": id, "hasDefaultValue": false, "operations": []string{"set"},
		"required": id == "summary" || id == "issuetype" || id == "project",
	}
	schema := object{"type": "string", "system": id}
	var choices []object
	switch id {
	case "labels":
		schema["type"], schema["items"] = "array", "string"
		meta["operations"] = []string{"add", "set", "remove"}
	case "components":
		schema["type"], schema["items"] = "array", "component"
		for _, name := range p.Components {
			choices = append(choices, object{"id": componentID(p, name), "name": name})
		}
	case "assignee", "reporter":
		schema["type"] = "user"
	case "priority":
		schema["type"] = "priority"
		for _, name := range priorities() {
			choices = append(choices, s.priorityJSON(name))
		}
	case "resolution":
		schema["type"] = "resolution"
		for _, name := range resolutions() {
			choices = append(choices, object{"name": name, "id": resolutionID(name)})
		}
	case "issuetype", "project":
		schema["type"] = id
	}
	if i := slices.IndexFunc(p.Fields, func(f Field) bool { return f.ID == id }); i >= 0 {
		f := p.Fields[i]
		meta["name"], meta["required"] = f.Name, f.Required
		schema, choices = f.schema(), f.choicesJSON()
	}
	meta["schema"] = schema
	if choices != nil {
		meta["allowedValues"] = choices
	}
	if s.opts.Flavour == DataCenter {
		delete(meta, "key")
	}
	return meta
}

// schema is the JSON type of a custom field.
func (f Field) schema() object {
	const kinds = "com.atlassian.jira.plugin.system.customfieldtypes:"
	schema := object{"type": "string", "custom": kinds + "textfield"}
	switch f.Type {
	case NumberField:
		schema = object{"type": "number", "custom": kinds + "float"}
	case SelectField:
		schema = object{"type": "option", "custom": kinds + "select"}
	case MultiSelect:
		schema = object{"type": "array", "items": "option", "custom": kinds + "multiselect"}
	}
	if n, err := strconv.Atoi(strings.TrimPrefix(f.ID, "customfield_")); err == nil {
		schema["customId"] = n
	}
	return schema
}

func (f Field) choicesJSON() []object {
	var all []object
	for i, c := range f.Choices {
		all = append(all, object{"id": strconv.Itoa(10_000 + i), "value": c})
	}
	return all
}

// getFields lists all fields with their names.
func (s *Server) getFields(c *call) answer {
	if c.who == nil && s.opts.Flavour == DataCenter {
		return unauthorized()
	}
	all := []object{}
	for _, id := range append(systemFields(), "status", "resolution", "creator", "created", "updated") {
		all = append(all, object{
			"id": id, "key": id, "name": strings.ToUpper(id[:1]) + id[1:], "custom": false,
			"orderable": true, "navigable": true, "searchable": true, "clauseNames": []string{id},
			"schema": object{"type": "string", "system": id},
		})
	}
	for _, p := range s.world.projects {
		for _, f := range p.Fields {
			all = append(all, object{
				"id": f.ID, "key": f.ID, "name": f.Name, "custom": true, "orderable": true, "navigable": true,
				"searchable": true, "clauseNames": []string{f.ID, f.Name}, "schema": f.schema(),
			})
		}
	}
	if s.opts.Flavour == DataCenter {
		for _, f := range all {
			delete(f, "key")
		}
	}
	return ok(all)
}
