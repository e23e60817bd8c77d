package fakejira

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// stamp is a time as Jira writes it, in the zone of who reads it.
func (c *call) stamp(t time.Time) string { return stamp(t, c.who) }

func stamp(t time.Time, who *Account) string {
	loc := time.UTC
	if who != nil {
		loc = who.location()
	}
	return t.In(loc).Format("2006-01-02T15:04:05.000-0700")
}

// selection is what the fields parameter asked for.
type selection struct {
	all, navigable bool
	with, without  []string
}

// selectFields reads a fields parameter; otherwise is its default.
func selectFields(wanted []string, otherwise string) selection {
	if len(wanted) == 0 {
		wanted = []string{otherwise}
	}
	var sel selection
	for _, w := range wanted {
		switch {
		case w == "*all":
			sel.all = true
		case w == "*navigable":
			sel.navigable = true
		case strings.HasPrefix(w, "-"):
			sel.without = append(sel.without, w[1:])
		default:
			sel.with = append(sel.with, w)
		}
	}
	if len(sel.with) == 0 && !sel.all && !sel.navigable && len(sel.without) > 0 {
		sel.all, sel.navigable = otherwise == "*all", true
	}
	return sel
}

// has reports whether a field is wanted. Unknown names are ignored, as in Jira.
func (s selection) has(field string) bool {
	if slices.Contains(s.without, field) {
		return false
	}
	if s.all || slices.Contains(s.with, field) {
		return true
	}
	return s.navigable && field != "comment" && field != "attachment"
}

// fieldsOf renders the wanted fields of an issue.
func (s *Server) fieldsOf(iss *Issue, sel selection, reader *Account) object {
	f := object{}
	add := func(name string, value func() any) {
		if sel.has(name) {
			f[name] = value()
		}
	}
	p := s.world.project(iss.Project)
	add("issuetype", func() any { return s.issueTypeJSON(iss.Type) })
	add("project", func() any { return s.projectRef(p) })
	add("status", func() any { return s.statusJSON(iss.Status) })
	add("priority", func() any { return s.priorityJSON(iss.Priority) })
	add("resolution", func() any { return s.resolutionJSON(iss.Resolution) })
	add("components", func() any { return s.componentsJSON(p, iss.Components) })
	add("assignee", func() any { return s.user(iss.Assignee) })
	add("reporter", func() any { return s.user(iss.Reporter) })
	add("creator", func() any { return s.user(iss.Creator) })
	add("comment", func() any { return s.commentField(iss, reader) })
	for name, value := range s.plainFields(iss, p, reader) {
		if sel.has(name) {
			f[name] = value
		}
	}
	return f
}

func (s *Server) componentsJSON(p *Project, names []string) []object {
	all := []object{}
	for _, name := range names {
		id := componentID(p, name)
		all = append(all, object{"id": id, "name": name, "self": s.baseURL + "/rest/api/2/component/" + id})
	}
	return all
}

// plainFields are the fields that refer to nothing else, and those that the
// double leaves empty.
func (s *Server) plainFields(iss *Issue, p *Project, reader *Account) object {
	self := s.baseURL + "/rest/api/2/issue/" + iss.Key
	none := []object{}
	f := object{
		"summary": iss.Summary, "description": orNull(iss.Description), "labels": append([]string{}, iss.Labels...),
		"created": stamp(iss.Created, reader), "updated": stamp(iss.Updated, reader), "resolutiondate": nil,
		"votes":    object{"self": self + "/votes", "votes": 0, "hasVoted": false},
		"watches":  object{"self": self + "/watchers", "watchCount": 0, "isWatching": false},
		"progress": object{"progress": 0, "total": 0}, "aggregateprogress": object{"progress": 0, "total": 0},
		"timetracking": object{}, "workratio": -1,
		"issuelinks": none, "subtasks": none, "attachment": none, "fixVersions": none, "versions": none,
		"environment": nil, "duedate": nil, "lastViewed": nil, "timespent": nil, "timeestimate": nil, "timeoriginalestimate": nil,
		"aggregatetimespent": nil, "aggregatetimeestimate": nil, "aggregatetimeoriginalestimate": nil,
	}
	if !iss.Resolved.IsZero() {
		f["resolutiondate"] = stamp(iss.Resolved, reader)
	}
	if s.opts.Flavour == Cloud {
		f["statuscategorychangedate"] = stamp(iss.StatusSince, reader)
		f["security"] = nil
	}
	for _, custom := range p.Fields {
		f[custom.ID] = iss.Fields[custom.ID]
	}
	return f
}

// orNull is how Jira shows an empty text.
func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func (s *Server) issueTypeJSON(t IssueType) object {
	return object{
		"self": s.baseURL + "/rest/api/2/issuetype/" + t.ID, "id": t.ID, "name": t.Name,
		"description": "", "iconUrl": s.baseURL + "/images/icons/issuetypes/task.png", "subtask": false, "avatarId": 10318,
	}
}

func (s *Server) projectRef(p *Project) object {
	ref := object{
		"self": s.baseURL + "/rest/api/2/project/" + p.ID, "id": p.ID, "key": p.Key, "name": p.Name,
		"avatarUrls": s.avatars(), "projectTypeKey": p.Type,
	}
	if s.opts.Flavour == Cloud {
		ref["simplified"] = false
	}
	return ref
}

func (s *Server) statusJSON(st Status) object {
	return object{
		"self": s.baseURL + "/rest/api/2/status/" + st.ID, "id": st.ID, "name": st.Name, "description": "",
		"iconUrl": s.baseURL + "/images/icons/statuses/generic.png", "statusCategory": s.categoryJSON(st.Category),
	}
}

func (s *Server) categoryJSON(c Category) object {
	id, colour, name := 2, "blue-gray", "To Do"
	switch c {
	case InProgress:
		id, colour, name = 4, "yellow", "In Progress"
	case Done:
		id, colour, name = 3, "green", "Done"
	}
	return object{
		"self": s.baseURL + "/rest/api/2/statuscategory/" + strconv.Itoa(id),
		"id":   id, "key": c, "colorName": colour, "name": name,
	}
}

func (s *Server) priorityJSON(name string) object {
	id := strconv.Itoa(slices.Index(priorities(), name) + 1)
	return object{
		"self": s.baseURL + "/rest/api/2/priority/" + id, "id": id, "name": name,
		"iconUrl": s.baseURL + "/images/icons/priorities/medium.svg",
	}
}

// resolutions are the names of the resolutions; the id of each is 10000 plus
// its place.
func resolutions() []string { return []string{"Done", "Won't Do", "Declined", "Duplicate"} }

// resolutionJSON is nil for an unresolved issue.
func (s *Server) resolutionJSON(name string) any {
	i := slices.Index(resolutions(), name)
	if i < 0 {
		return nil
	}
	id := strconv.Itoa(10_000 + i)
	return object{"self": s.baseURL + "/rest/api/2/resolution/" + id, "id": id, "name": name, "description": ""}
}

// issueJSON is an issue as GET and search answer it: the wanted fields and
// properties, and what else was to be expanded.
func (s *Server) issueJSON(c *call, iss *Issue, sel selection, properties, expand []string) object {
	o := object{
		"expand": "operations,versionedRepresentations,editmeta,changelog,renderedFields",
		"id":     iss.ID, "key": iss.Key,
		"self":   s.baseURL + "/rest/api/2/issue/" + iss.ID,
		"fields": s.fieldsOf(iss, sel, c.who),
	}
	if slices.Contains(expand, "changelog") {
		o["changelog"] = s.changelogJSON(iss, c)
	}
	if slices.Contains(expand, "transitions") {
		o["transitions"] = s.transitionsJSON(iss, c.who, slices.Contains(expand, "transitions.fields"))
	}
	if len(properties) > 0 {
		shown := object{}
		for _, k := range keysOf(iss.Properties) {
			if slices.Contains(properties, k) || slices.Contains(properties, "*all") {
				shown[k] = iss.Properties[k]
			}
		}
		o["properties"] = shown
	}
	return o
}

func (s *Server) getIssue(c *call) answer {
	iss, seen := s.visible(c)
	if !seen {
		return notFound()
	}
	return ok(s.issueJSON(c, iss, selectFields(c.list("fields"), "*all"), c.list("properties"), c.list("expand")))
}
