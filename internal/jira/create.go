package jira

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"teleport-jira/internal/access"
	"teleport-jira/internal/wikitext"
	"teleport-jira/internal/wikitext/templates"
)

// newIssue is an issue to be made. go-jira's own type carries no properties.
type newIssue struct {
	Fields     map[string]any `json:"fields"`
	Properties []property     `json:"properties"`
}

// properties say which request of which cluster the issue is made for.
func properties(d access.Draft) ([]property, error) {
	id, err := json.Marshal(string(d.Request.ID))
	all := []property{{Key: requestProperty, Value: id}}
	if err != nil || d.Cluster == "" {
		return all, err
	}
	cluster, err := json.Marshal(d.Cluster)
	return append(all, property{Key: clusterProperty, Value: cluster}), err
}

// CreateIssue makes an issue with its properties and label. Where Jira refuses
// nothing but fields that are nice to have, because they are not on the
// project's create screen, the issue is made without them: a refusal has no
// effect, so that asking again is safe. Each such field is warned of once.
func (c *Client) CreateIssue(ctx context.Context, d access.Draft) (access.IssueRef, error) {
	k := call{
		op: "create issue for request", key: string(d.Request.ID), method: http.MethodPost,
		endpoint: "/issue", path: "/issue", yields: true,
	}
	if _, err := access.ParseRequestID(string(d.Request.ID)); err != nil {
		return access.IssueRef{}, k.error(access.Permanent, err)
	}
	if !c.isConfigured(d.Project) {
		return access.IssueRef{}, k.error(access.Permanent, errors.New("project "+d.Project+" is not configured"))
	}
	fields, err := c.issueFields(ctx, d)
	if err != nil {
		return access.IssueRef{}, err
	}
	properties, err := properties(d)
	if err != nil {
		return access.IssueRef{}, k.error(access.Permanent, err)
	}
	k.body = newIssue{Fields: fields, Properties: properties}
	var answer issueJSON
	facts, err := c.sendIssue(ctx, k, d, fields, &answer)
	if err != nil {
		return access.IssueRef{}, err
	}
	ref := answer.ref()
	if !validRef(ref) {
		e := k.error(access.Temporary, errors.New("the answer does not name the new issue"))
		e.Ambiguous = true
		return access.IssueRef{}, e
	}
	if facts != "" {
		c.commentFacts(ctx, ref, facts)
	}
	return ref, nil
}

// sendIssue sends the issue, in a reduced wording where Jira failed on the full
// one before, and once more without the fields that it refuses. facts is the
// description, where that was one of them.
func (c *Client) sendIssue(ctx context.Context, k call, d access.Draft, fields map[string]any, answer *issueJSON) (facts string, err error) {
	text := "create " + string(d.Request.ID)
	switch c.reductions.first(text, 3) {
	case 1:
		reduceFields(fields)
	case 2:
		ownWords(fields, d)
	}
	err = c.call(ctx, k, answer)
	if refused := removableFields(err, fields); len(refused) > 0 {
		c.warnRefusedFields(d, refused, err)
		for _, field := range refused {
			if field == "description" {
				facts, _ = fields[field].(string)
			}
			delete(fields, field)
		}
		err = c.call(ctx, k, answer)
	}
	c.reductions.note(text, err)
	return facts, err
}

// reduceFields takes out of all texts what Jira may be unable to store.
func reduceFields(fields map[string]any) {
	for id, value := range fields {
		if text, ok := value.(string); ok {
			fields[id] = wikitext.Storable(text)
		}
	}
}

// ownWords leaves of an issue what identifies it and nothing that people typed.
func ownWords(fields map[string]any, d access.Draft) {
	reduceFields(fields)
	d.Request.Reason, d.Request.Resources = "", nil
	data := templates.DataOf(d)
	fields["summary"] = wikitext.Storable(wikitext.LimitPlain(wikitext.Line(defaultSummary(data)), maxSummary))
	fields["description"] = wikitext.Storable(wikitext.Limit(defaultDescription(data), maxText))
}

// factsKey is the dedup key of the comment that stands for the description.
const factsKey = "description"

// commentFacts writes the description as the issue's first comment. The issue
// stands without it, too, and names the request: a failure is logged.
func (c *Client) commentFacts(ctx context.Context, ref access.IssueRef, facts string) {
	path, err := refPath(ref)
	if err == nil {
		k := call{
			op: "comment on issue", key: refName(ref), method: http.MethodPost,
			endpoint: "/issue/{issue}/comment", path: path + "/comment", issue: path, wantStatus: http.StatusCreated,
		}
		err = c.writeComment(ctx, k, mark{Mark: factsKey}, []string{facts, wikitext.Storable(facts)})
	}
	if err != nil {
		c.log.Error("the issue has no description and the comment in its place failed: put Description on the create screen",
			"issue_key", ref.Key, "error", err)
	}
}

// issueFields are the fields of the new issue.
func (c *Client) issueFields(ctx context.Context, d access.Draft) (map[string]any, error) {
	data := templates.DataOf(d)
	fields := map[string]any{
		"project":     c.projectRef(d.Project),
		"issuetype":   c.issueTypes.ref(Target{d.Project, d.IssueType}),
		"summary":     c.summary(data),
		"description": c.description(data),
		"labels":      c.labels(d),
	}
	if len(c.cfg.Issue.Components) > 0 {
		var components []map[string]string
		for _, name := range c.cfg.Issue.Components {
			components = append(components, map[string]string{"name": name})
		}
		fields["components"] = components
	}
	if c.cfg.Issue.Priority != "" {
		fields["priority"] = nameOrID(c.cfg.Issue.Priority)
	}
	if err := c.addPeople(ctx, fields, d); err != nil {
		return nil, err
	}
	return fields, c.addCustom(ctx, fields, data)
}

// nameOrID refers to something by its id if it is a number, else by its name.
func nameOrID(s string) map[string]string {
	if isID(s) {
		return map[string]string{"id": s}
	}
	return map[string]string{"name": s}
}

// labels are the finding label, the configured ones and the draft's, each once.
func (c *Client) labels(d access.Draft) []string {
	labels := []string{d.Request.ID.Label()}
	for _, label := range slices.Concat(c.cfg.Issue.Labels, d.Labels) {
		if validLabel(label) && !slices.Contains(labels, label) {
			labels = append(labels, label)
		}
	}
	return labels
}

// addPeople sets assignee and reporter where the people are found. That
// somebody is not found keeps no issue from being made.
func (c *Client) addPeople(ctx context.Context, fields map[string]any, d access.Draft) error {
	people := map[string]string{}
	if c.cfg.Issue.Assignee != "" {
		people["assignee"] = c.cfg.Issue.Assignee
	}
	if c.cfg.Issue.Reporter == Requester {
		people["reporter"] = requesterHandle(d.Request.User)
	}
	if len(people) == 0 {
		return nil
	}
	info, err := c.info(ctx)
	if err != nil {
		return err
	}
	for _, field := range slices.Sorted(maps.Keys(people)) {
		who, err := c.cachedUser(ctx, people[field])
		switch {
		case err == nil && info.cloud:
			fields[field] = map[string]string{"accountId": who.ID}
		case err == nil:
			fields[field] = map[string]string{"name": who.Name}
		case access.ClassOf(err) == access.Permanent:
			c.log.Debug("no jira account found", "request_id", string(d.Request.ID), "field", field, "error", err)
		default:
			return err
		}
	}
	return nil
}

// requesterHandle names a Teleport user's account by what is like their name: the
// address, or else the user name that only Data Center has.
func requesterHandle(user string) string {
	if strings.Contains(user, "@") {
		return string(access.HandleEmail) + ":" + user
	}
	return string(access.HandleName) + ":" + user
}

// addCustom sets the configured custom fields. None replaces a field of the
// daemon's own, and a template that fails for this request costs the field, not
// the issue.
func (c *Client) addCustom(ctx context.Context, fields map[string]any, data templates.Data) error {
	for _, field := range slices.Sorted(maps.Keys(c.templates.fields)) {
		id, err := c.fieldID(ctx, field)
		if err != nil {
			return err
		}
		value, err := templates.Render(c.templates.fields[field], data)
		if err != nil {
			c.warnTemplate("fields."+field, data, err)
			continue
		}
		if _, taken := fields[id]; !taken {
			fields[id] = value
		}
	}
	return nil
}

// fieldID is the id of a custom field that is given by id or name.
func (c *Client) fieldID(ctx context.Context, field string) (string, error) {
	if strings.HasPrefix(field, "customfield_") {
		return field, nil
	}
	known := map[string]string{}
	if read := c.fieldIDs.Load(); read != nil {
		known = *read
	} else {
		var all []struct {
			ID   text `json:"id"`
			Name text `json:"name"`
		}
		k := call{op: "read fields", method: http.MethodGet, endpoint: "/field", path: "/field", read: true}
		err := c.call(ctx, k, &all)
		if err != nil && access.ClassOf(err) != access.Permanent {
			return "", err
		}
		for _, f := range all {
			known[strings.ToLower(string(f.Name))] = string(f.ID)
		}
		if err == nil { // what is refused now may be granted later
			c.fieldIDs.Store(&known)
		}
	}
	if id := known[strings.ToLower(field)]; id != "" {
		return id, nil
	}
	return field, nil // a system field, or one that Jira's refusal will name
}

// mayBeMissing reports whether issues are made without a field that the create
// screen lacks.
func mayBeMissing(field string) bool {
	return !slices.Contains([]string{"project", "issuetype", "summary"}, field)
}

// removableFields gives the fields that Jira refused, if it refused nothing else
// and none of them is needed.
func removableFields(err error, sent map[string]any) []string {
	refused := refusedFields(err, sent)
	if !slices.ContainsFunc(refused, func(field string) bool { return !mayBeMissing(field) }) {
		return refused
	}
	return nil
}

// refusedFields gives the fields that Jira refused, if it refused nothing but
// fields that were sent.
func refusedFields(err error, sent map[string]any) []string {
	var refused *refusedError
	if !errors.As(err, &refused) || refused.status != http.StatusBadRequest {
		return nil
	}
	for _, field := range refused.fields {
		if _, ours := sent[field]; !ours {
			return nil
		}
	}
	return refused.fields
}

// warnRefusedFields tells the operator of fields that issues are made without.
func (c *Client) warnRefusedFields(d access.Draft, fields []string, err error) {
	for _, field := range fields {
		if !c.refusedFields.First(d.Project + "/" + d.IssueType + "/" + field) {
			continue
		}
		c.log.Warn("jira refuses a field, issues are made without it: put it on the create screen or take it out of the configuration",
			"project", d.Project, "issue_type", d.IssueType, "field", field, "request_id", string(d.Request.ID), "error", err)
	}
}
