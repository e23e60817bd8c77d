package jira

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
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
