package jira

import (
	"context"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"

	"teleport-jira/internal/access"
)

// issueType finds the id of the issue type among those that the account may
// create. ok is false when there is no such type. Servers from before Data
// Center 8.4 do not tell what may be created; there the project's own list has
// to do, and the id is empty where that is missing, too.
func (p *checker) issueType(ctx context.Context, t Target) (id string, ok bool, err error) {
	check := fmt.Sprintf("issue type %s in %s", t.IssueType, t.Project)
	types, refused, err := p.creatable(ctx, t.Project)
	switch {
	case err != nil:
		return "", false, err
	case refused != "" && len(p.types[t.Project]) == 0:
		p.warn(check, refused, "the daemon can't tell whether it may be created")
		return "", true, nil
	case refused != "":
		types = p.types[t.Project]
	}
	var names []string
	for _, each := range types {
		if each.status().Is(t.IssueType) && isID(string(each.ID)) {
			p.ok(check, "found")
			p.c.issueTypes.resolve(t, string(each.ID))
			return string(each.ID), true, nil
		}
		names = append(names, string(each.Name))
	}
	p.fail(check, fmt.Sprintf("not among those that can be created: %q", names), "check jira.issue_type and the project's issue type scheme")
	return "", false, nil
}

// creatable lists the issue types that the account may create. refused says why
// Jira does not tell.
func (p *checker) creatable(ctx context.Context, project string) (types []statusJSON, refused string, err error) {
	for range maxPages {
		var page struct {
			IssueTypes []statusJSON `json:"issueTypes"` // Cloud
			Values     []statusJSON `json:"values"`     // Data Center
			Total      int          `json:"total"`
		}
		path := "/issue/createmeta/" + project + "/issuetypes" + query("startAt", strconv.Itoa(len(types)), "maxResults", "50")
		refused, err := p.ask(ctx, "/issue/createmeta/{project}/issuetypes", path, &page)
		if err != nil || refused != "" {
			return nil, refused, err
		}
		more := slices.Concat(page.IssueTypes, page.Values)
		types = append(types, more...)
		if len(more) == 0 || len(types) >= page.Total {
			break
		}
	}
	return types, "", nil
}

// createField is a field of a create screen.
type createField struct {
	FieldID    text `json:"fieldId"`
	Key        text `json:"key"`
	Name       text `json:"name"`
	Required   bool `json:"required"`
	HasDefault bool `json:"hasDefaultValue"`
}

func (f createField) id() string {
	if f.FieldID != "" {
		return string(f.FieldID)
	}
	return string(f.Key)
}

// screen checks that every required field is filled and that what is sent can
// be taken.
func (p *checker) screen(ctx context.Context, t Target, typeID string) error {
	onScreen := map[string]createField{}
	for start := 0; start < maxPages; {
		var page struct {
			Fields []createField `json:"fields"` // Cloud
			Values []createField `json:"values"` // Data Center
			Total  int           `json:"total"`
		}
		path := "/issue/createmeta/" + t.Project + "/issuetypes/" + typeID
		refused, err := p.ask(ctx, "/issue/createmeta/{project}/issuetypes/{type}", path+query("startAt", strconv.Itoa(start), "maxResults", "50"), &page)
		if err != nil {
			return err
		}
		if refused != "" {
			p.warn("create screen of "+t.Project, refused, "the daemon can't tell which fields are required")
			return nil
		}
		fields := slices.Concat(page.Fields, page.Values)
		for _, f := range fields {
			onScreen[f.id()] = f
		}
		start += len(fields)
		if len(fields) == 0 || start >= page.Total {
			break
		}
	}
	return p.compareFields(ctx, t, onScreen)
}

func (p *checker) compareFields(ctx context.Context, t Target, onScreen map[string]createField) error {
	cfg := p.c.cfg.Issue
	sent := map[string]bool{"project": true, "issuetype": true, "summary": true, "description": true, "labels": true}
	sent["components"] = len(cfg.Components) > 0
	sent["priority"] = cfg.Priority != ""
	sent["assignee"] = cfg.Assignee != ""
	sent["reporter"] = true // Jira fills it with the daemon's account
	for field := range p.c.templates.fields {
		id, err := p.c.fieldID(ctx, field)
		if err != nil {
			return err
		}
		sent[id] = true
	}
	faults := len(p.findings)
	for _, id := range slices.Sorted(maps.Keys(onScreen)) {
		if f := onScreen[id]; f.Required && !f.HasDefault && !sent[id] {
			p.fail(fmt.Sprintf("required field %s in %s", f.Name, t.Project), "the create screen demands it and nothing fills it",
				fmt.Sprintf("set it under [jira.fields] as %q, or make it optional", id))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(sent)) {
		if _, ok := onScreen[id]; ok || !sent[id] || slices.Contains([]string{"project", "issuetype", "reporter"}, id) {
			continue
		}
		if !mayBeMissing(id) {
			p.fail(fmt.Sprintf("field %s in %s", id, t.Project), "not on the create screen, and no issue can be made without it",
				"add it to the create screen of "+t.IssueType)
			continue
		}
		if id == "description" {
			p.warn("description in "+t.Project, "not on the create screen: what is requested goes into the first comment",
				"add Description to the create screen of "+t.IssueType)
			continue
		}
		if id == "labels" {
			p.warn("labels in "+t.Project, "not on the create screen: issues are made without the label that finds them when a record is lost",
				"add Labels to the create screen of "+t.IssueType)
			continue
		}
		p.warn(fmt.Sprintf("field %s in %s", id, t.Project), "not on the create screen: issues are made without it",
			"add it to the create screen, or take it out of the configuration")
	}
	if len(p.findings) == faults {
		p.ok("create screen of "+t.IssueType+" in "+t.Project, "has what the daemon fills, and demands nothing else")
	}
	return nil
}

// maxExamples bounds how many statuses an example issue is looked for.
const maxExamples = 30

// workflowCheck is what issues show of the way through an issue type's workflow.
type workflowCheck struct {
	target   Target
	statuses []access.Status // all that the issue type has
	shown    map[string]bool // ids of statuses whose transitions are known
	seen     workflows
	initial  access.Status // where the newest issue landed; zero when unknown
}

// workflow finds out which of the configured statuses can be reached. Jira
// shows transitions to an account without administration rights only on an
// issue, so that one issue in each status is looked at. Where there is none,
// nothing is proven, and the finding says so.
func (p *checker) workflow(ctx context.Context, t Target, typeID string, known []access.Status) error {
	w := &workflowCheck{target: t, statuses: known, shown: map[string]bool{}}
	scope := "project = " + quoteJQL(t.Project) + " AND issuetype = " + typeID
	for _, s := range known[:min(len(known), maxExamples)] {
		if !isID(s.ID) {
			continue
		}
		if err := p.example(ctx, w, scope+" AND status = "+s.ID); err != nil {
			return err
		}
	}
	if err := p.readInitial(ctx, w, scope); err != nil {
		return err
	}
	if w.initial.ID == "" || len(w.shown) == 0 {
		p.warn(fmt.Sprintf("workflow of %s in %s", t.IssueType, t.Project),
			"not provable: Jira shows transitions on issues only, and there is none to look at",
			"make an issue by hand, move it through all statuses and back, and check again")
		return nil
	}
	p.reachable(w, w.initial, access.Pending)
	pending := w.first(p.want.Statuses[access.Pending])
	for _, state := range slices.Sorted(maps.Keys(p.want.Statuses)) {
		from := pending
		if state == access.Ended || state == access.Revoked {
			from = w.first(p.want.Statuses[access.Approved])
		}
		if state != access.Pending && from.ID != "" {
			p.reachable(w, from, state)
		}
	}
	return nil
}

// first is the first of the configured statuses that the workflow has.
func (w *workflowCheck) first(configured []string) access.Status {
	for _, name := range configured {
		if i := slices.IndexFunc(w.statuses, func(s access.Status) bool { return s.Is(name) }); i >= 0 {
			return w.statuses[i]
		}
	}
	return access.Status{}
}

// find is the newest issue that matches, as search shows it, or nil.
func (p *checker) find(ctx context.Context, jql string) (*issueJSON, error) {
	k := call{op: "check jira", method: http.MethodPost, endpoint: "/search", read: true}
	if info := p.c.server.Load(); info != nil && info.cloud {
		k.endpoint = "/search/jql"
	}
	k.path, k.body = k.endpoint, searchBody{JQL: jql + " ORDER BY created DESC", Fields: []string{"status"}, MaxResults: 1}
	var page searchPage
	err := p.c.call(ctx, k, &page)
	switch {
	case access.ClassOf(err) == access.Permanent && err != nil:
		return nil, nil //nolint:nilerr // what can't be searched shows nothing, and the findings say so
	case err != nil || len(page.Issues) == 0:
		return nil, err
	}
	return &page.Issues[0], nil
}

// newest reads the status of the newest issue that matches, and what else is
// to be expanded; nil where no issue can be read.
func (p *checker) newest(ctx context.Context, jql, expand string) (*issueJSON, error) {
	found, err := p.find(ctx, jql)
	if err != nil || found == nil {
		return nil, err
	}
	path, err := refPath(found.ref())
	if err != nil {
		return nil, nil //nolint:nilerr // an issue that can't be named shows nothing
	}
	var issue issueJSON
	refused, err := p.ask(ctx, "/issue/{issue}", path+query("fields", "status", "expand", expand), &issue)
	if err != nil || refused != "" {
		return nil, err
	}
	return &issue, nil
}

// example reads the transitions of one issue that matches.
func (p *checker) example(ctx context.Context, w *workflowCheck, jql string) error {
	issue, err := p.newest(ctx, jql, "transitions")
	if err != nil || issue == nil || issue.Transitions == nil {
		return err
	}
	at := position{status: issue.Fields.Status.status(), transitions: *issue.Transitions}
	w.seen.learn(at)
	w.shown[at.status.ID] = true
	return nil
}

// readInitial reads where the newest issue landed when it was made.
func (p *checker) readInitial(ctx context.Context, w *workflowCheck, jql string) error {
	issue, err := p.newest(ctx, jql, "changelog")
	if err != nil || issue == nil {
		return err
	}
	w.initial = issue.Fields.Status.status()
	if issue.Changelog == nil {
		return nil
	}
	entries := issue.Changelog.all()
	if issue.Changelog.Total > len(entries) {
		w.initial = access.Status{}
		return nil
	}
	slices.SortStableFunc(entries, func(a, b history) int { return a.Created.Compare(b.Created.Time) })
	for _, entry := range entries {
		for _, item := range entry.Items {
			if item.isStatus() {
				w.initial = item.from()
				return nil
			}
		}
	}
	return nil
}

// reachable reports whether a status of the state can be reached.
func (p *checker) reachable(w *workflowCheck, from access.Status, state access.State) {
	configured := p.want.Statuses[state]
	if w.first(configured).ID == "" {
		return // The check of the statuses has said so.
	}
	isTarget := func(s access.Status) bool { return slices.ContainsFunc(configured, s.Is) }
	isClosed := p.c.isDecisive
	check := fmt.Sprintf("way from %q to %s in %s", from.Name, state, w.target.Project)
	steps := w.seen.distance(from, isTarget, isClosed)
	blank := w.withoutExample(from, isTarget, isClosed)
	switch {
	case steps == 0:
		p.ok(check, "new issues land there")
	case steps < math.MaxInt:
		p.ok(check, fmt.Sprintf("transitions on it, as this account is shown them: %d", steps))
	case len(blank) > 0:
		p.warn(check, fmt.Sprintf("not provable: Jira shows transitions on issues only, and there is no %s in %q", w.target.IssueType, blank),
			"make an issue by hand, move it through these statuses, and check again")
	default:
		p.fail(check, fmt.Sprintf("no transition open to this account leads to %q", configured),
			"add a transition to the workflow, or grant "+p.c.Self().Handle()+" the ones that are there")
	}
}

// withoutExample are the statuses that can be reached from a status and whose
// transitions no issue showed.
func (w *workflowCheck) withoutExample(from access.Status, isTarget, isClosed func(access.Status) bool) []string {
	var names []string
	for _, s := range append([]access.Status{from}, w.statuses...) {
		if w.shown[s.ID] || slices.Contains(names, s.Name) || isTarget(s) || s.ID != from.ID && isClosed(s) {
			continue
		}
		is := func(o access.Status) bool { return o.ID == s.ID }
		if w.seen.distance(from, is, isClosed) < math.MaxInt {
			names = append(names, s.Name)
		}
	}
	return names
}
