package fakejira

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits of texts, in characters.
const (
	maxSummary = 255
	maxLabel   = 255
	maxText    = 32_767
)

// property is an entity property in a request.
type property struct {
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value"`
}

// update is the body of create and transition calls.
type update struct {
	Fields          map[string]json.RawMessage `json:"fields"`
	Update          map[string]json.RawMessage `json:"update"`
	Properties      []property                 `json:"properties"`
	Transition      *reference                 `json:"transition"`
	HistoryMetadata json.RawMessage            `json:"historyMetadata"`
}

// reference names something by id, key, name or value.
type reference struct {
	ID        string `json:"id"`
	Key       string `json:"key"`
	Name      string `json:"name"`
	Value     string `json:"value"`
	AccountID string `json:"accountId"`
}

// draft is an issue on its way into being, and what is wrong with it.
type draft struct {
	s       *Server
	c       *call
	project *Project
	issue   Issue
	errs    fieldErrors
}

func (s *Server) createIssue(c *call) answer {
	if c.who == nil {
		return unauthorized()
	}
	var in update
	if ans, fine := c.decode(&in); !fine {
		return ans
	}
	if ans, failed := s.unstorable(c); failed {
		return ans
	}
	d := &draft{s: s, c: c, errs: fieldErrors{}, issue: Issue{Creator: c.who.ID, Reporter: c.who.ID}}
	if !d.identify(in.Fields) {
		return d.errs.answer()
	}
	d.fill(in)
	if len(d.errs) > 0 {
		return d.errs.answer()
	}
	iss := s.insert(d.project, d.issue, c.now)
	self := s.baseURL + "/rest/api/2/issue/" + iss.ID
	return answer{status: http.StatusCreated, body: object{"id": iss.ID, "key": iss.Key, "self": self}}
}

// identify finds project and type; nothing else is looked at without them.
func (d *draft) identify(fields map[string]json.RawMessage) bool {
	var project, kind reference
	if raw, given := fields["project"]; given && json.Unmarshal(raw, &project) == nil {
		d.project = d.s.world.project(firstOf(project.ID, project.Key))
	}
	if d.project == nil || !may(d.c.who, BrowseProjects, d.project) {
		d.errs.add("project", "Specify a valid project ID or key")
		return false
	}
	if !may(d.c.who, CreateIssues, d.project) {
		d.errs.add("project", "You do not have permission to create issues in this project.")
		return false
	}
	raw, given := fields["issuetype"]
	if !given || json.Unmarshal(raw, &kind) != nil {
		d.errs.add("issuetype", "Specify an issue type")
		return false
	}
	t, known := d.project.issueType(firstOf(kind.ID, kind.Name))
	if !known {
		d.errs.add("issuetype", "Specify a valid issue type")
		return false
	}
	d.issue.Type = t
	return true
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// fill takes the fields over, noting each that is wrong.
func (d *draft) fill(in update) {
	for name, raw := range in.Fields {
		d.set(name, raw)
	}
	for name := range in.Update {
		d.notSettable(name)
	}
	if _, given := in.Fields["summary"]; !given {
		d.errs.add("summary", "You must specify a summary of the issue.")
	}
	for _, f := range d.project.Fields {
		if _, given := d.issue.Fields[f.ID]; f.Required && !given {
			d.errs.add(f.ID, f.Name+" is required.")
		}
	}
	d.issue.Properties = map[string]json.RawMessage{}
	for _, p := range in.Properties {
		if text := checkProperty(p.Key, p.Value); text != "" {
			d.errs.add(p.Key, text)
		}
		d.issue.Properties[p.Key] = p.Value
	}
	if d.issue.Priority == "" {
		d.issue.Priority = "Medium"
	}
}

func (d *draft) notSettable(name string) { d.errs.add(name, offScreen(name)) }

// set takes over one field.
func (d *draft) set(name string, raw json.RawMessage) {
	if slices.Contains(d.project.OffScreen, name) {
		d.notSettable(name)
		return
	}
	switch name {
	case "project", "issuetype":
	case "summary":
		d.issue.Summary = d.text(name, raw)
		d.checkSummary()
	case "description":
		d.issue.Description = d.text(name, raw)
	case "labels":
		d.setLabels(raw)
	case "components":
		d.setComponents(raw)
	case "priority":
		d.setPriority(raw)
	case "assignee":
		d.setAssignee(raw)
	case "reporter":
		d.setReporter(raw)
	default:
		d.setCustom(name, raw)
	}
}

// text is a string field; null is the empty string.
func (d *draft) text(name string, raw json.RawMessage) string {
	var v *string
	if err := json.Unmarshal(raw, &v); err != nil {
		d.errs.add(name, "Operation value must be a string")
		return ""
	}
	if v == nil {
		return ""
	}
	if utf8.RuneCountInString(*v) > maxText {
		d.errs.add(name, "The entered text is too long. It exceeds the allowed limit of 32,767 characters.")
	}
	return *v
}

func (d *draft) checkSummary() {
	sum := d.issue.Summary
	switch {
	case strings.TrimSpace(sum) == "":
		d.errs.add("summary", "You must specify a summary of the issue.")
	case strings.ContainsAny(sum, "\r\n"):
		d.errs.add("summary", "The summary is invalid because it contains newline characters.")
	case utf8.RuneCountInString(sum) > maxSummary:
		d.errs.add("summary", "Summary can't exceed 255 characters.")
	}
}

func (d *draft) setLabels(raw json.RawMessage) {
	var labels []string
	if err := json.Unmarshal(raw, &labels); err != nil {
		d.errs.add("labels", "Operation value must be an array of strings")
		return
	}
	for _, l := range labels {
		if text := checkLabel(l); text != "" {
			d.errs.add("labels", text)
		}
	}
	slices.Sort(labels)
	d.issue.Labels = slices.Compact(labels)
}

// checkLabel tells what is wrong with a label; "" when nothing is.
func checkLabel(l string) string {
	switch {
	case l == "" || strings.ContainsAny(l, " \t\r\n"):
		return fmt.Sprintf("The label '%s' contains spaces which is invalid.", l)
	case utf8.RuneCountInString(l) > maxLabel:
		return fmt.Sprintf("The label '%s' exceeds the maximum length of 255 characters.", l)
	}
	return ""
}

func (d *draft) setComponents(raw json.RawMessage) {
	var refs []reference
	if err := json.Unmarshal(raw, &refs); err != nil {
		d.errs.add("components", "data was not an array")
		return
	}
	for _, r := range refs {
		i := slices.IndexFunc(d.project.Components, func(name string) bool {
			return name == r.Name || r.ID != "" && r.ID == componentID(d.project, name)
		})
		if i < 0 {
			d.errs.add("components", fmt.Sprintf("Component name '%s' is not valid", firstOf(r.Name, r.ID)))
			return
		}
		d.issue.Components = append(d.issue.Components, d.project.Components[i])
	}
}

func componentID(p *Project, name string) string {
	return p.ID + "0" + strconv.Itoa(slices.Index(p.Components, name))
}

func (d *draft) setPriority(raw json.RawMessage) {
	var r reference
	if json.Unmarshal(raw, &r) == nil {
		for i, name := range priorities() {
			if name == r.Name || strconv.Itoa(i+1) == r.ID {
				d.issue.Priority = name
				return
			}
		}
	}
	d.errs.add("priority", "Specify a valid 'id' or 'name' for 'priority'")
}

// priorities are Jira's own; the id of each is its place, from 1.
func priorities() []string { return []string{"Highest", "High", "Medium", "Low", "Lowest"} }

// person reads a user field: accountId or id on Cloud, name on Data Center.
func (d *draft) person(raw json.RawMessage) (*Account, bool) {
	var r *reference
	if err := json.Unmarshal(raw, &r); err != nil || r == nil {
		return nil, err == nil
	}
	return d.s.referenced(*r)
}

// referenced is the active account that a user field names.
func (s *Server) referenced(r reference) (*Account, bool) {
	a := s.world.find(func(a *Account) bool {
		if s.opts.Flavour == Cloud {
			return a.ID == firstOf(r.AccountID, r.ID)
		}
		return r.Name != "" && strings.EqualFold(a.Name, r.Name)
	})
	return a, a != nil
}

func (d *draft) setAssignee(raw json.RawMessage) {
	a, known := d.person(raw)
	switch {
	case !known || (a != nil && !may(a, BrowseProjects, d.project)):
		d.errs.add("assignee", "Specify a valid value for assignee")
	case a != nil && !may(d.c.who, AssignIssues, d.project):
		d.notSettable("assignee")
	case a != nil:
		d.issue.Assignee = a.ID
	}
}

func (d *draft) setReporter(raw json.RawMessage) {
	a, known := d.person(raw)
	switch {
	case !may(d.c.who, ModifyReporter, d.project):
		d.notSettable("reporter")
	case !known || a == nil:
		d.errs.add("reporter", "The reporter specified is not a user.")
	default:
		d.issue.Reporter = a.ID
	}
}

// insert gives a checked issue its id, key and status, and tells webhooks.
func (s *Server) insert(p *Project, iss Issue, at time.Time) *Issue {
	n := s.id("issue")
	iss.ID, iss.Key, iss.Project = strconv.FormatInt(n, 10), s.newKey(p, n), p.Key
	iss.Status, _ = p.Workflow.status(p.Workflow.Initial)
	iss.Created, iss.Updated, iss.StatusSince = at, at, at
	s.store(n, &iss, at)
	s.emitCreated(&iss)
	return &iss
}

func (s *Server) deleteIssue(c *call) answer {
	if c.who == nil {
		return unauthorized()
	}
	iss, seen := s.visible(c)
	if !seen {
		return notFound()
	}
	if !may(c.who, DeleteIssues, s.world.project(iss.Project)) {
		return forbidden("You do not have permission to delete issues in this project.")
	}
	s.remove(iss, c.who.ID, c.now)
	return answer{status: http.StatusNoContent}
}

func (s *Server) remove(iss *Issue, actor string, at time.Time) {
	deleted, _ := s.edit(iss, actor, at, nil, func(i *Issue) { i.Deleted = true })
	s.emitDeleted(deleted, actor)
}
