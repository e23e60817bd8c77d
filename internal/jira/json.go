package jira

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"teleport-jira/internal/access"
	"teleport-jira/internal/wikitext"
)

// The types in this file are what the client reads of Jira's answers: only
// what it needs, tolerant of types that differ between deployments, so that no
// foreign field can spoil the decoding.

// text is a string that some versions send as a number or boolean. Anything
// else is taken for empty.
type text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *text) UnmarshalJSON(raw []byte) error {
	raw = bytes.TrimSpace(raw)
	var s string
	switch {
	case json.Unmarshal(raw, &s) == nil:
		*t = text(s)
	case len(raw) > 0 && raw[0] != '{' && raw[0] != '[' && !bytes.Equal(raw, []byte("null")):
		*t = text(raw)
	default:
		*t = ""
	}
	return nil
}

// account is a user as both deployments show it.
type account struct {
	AccountID   text `json:"accountId"`
	AccountType text `json:"accountType"`
	Key         text `json:"key"`
	Name        text `json:"name"`
	Email       text `json:"emailAddress"`
	DisplayName text `json:"displayName"`
	Active      text `json:"active"`
}

// actor is the account in the daemon's words. Where Jira does not say whether
// it is active it is not.
func (a account) actor() access.Actor {
	active, _ := strconv.ParseBool(string(a.Active))
	who := access.Actor{
		ID: string(a.AccountID), Email: string(a.Email),
		DisplayName: string(a.DisplayName), Type: access.AccountType(a.AccountType), Active: active,
	}
	if who.ID == "" {
		who.ID, who.Name = string(a.Key), string(a.Name)
		if who.ID != "" && who.Type == "" {
			who.Type = access.AccountPerson // Data Center has only people
		}
	}
	return who
}

// timestamp is a time in Jira's format; zero where it can't be read.
type timestamp struct{ time.Time }

// UnmarshalJSON implements json.Unmarshaler.
func (m *timestamp) UnmarshalJSON(raw []byte) error {
	var t text
	if err := t.UnmarshalJSON(raw); err != nil {
		return err
	}
	for _, layout := range []string{"2006-01-02T15:04:05.999-0700", time.RFC3339Nano} {
		if at, err := time.Parse(layout, string(t)); err == nil {
			m.Time = at
			return nil
		}
	}
	m.Time = time.Time{}
	return nil
}

type statusJSON struct {
	ID       text `json:"id"`
	Name     text `json:"name"`
	Category struct {
		Key text `json:"key"`
	} `json:"statusCategory"`
}

func (s statusJSON) status() access.Status {
	return access.Status{ID: string(s.ID), Name: string(s.Name)}
}

type projectJSON struct {
	ID         text         `json:"id"`
	Key        text         `json:"key"`
	Type       text         `json:"projectTypeKey"` // software | business | service_desk
	IssueTypes []statusJSON `json:"issueTypes"`
}

type issueJSON struct {
	ID     text `json:"id"`
	Key    text `json:"key"`
	Fields struct {
		Status  statusJSON   `json:"status"`
		Project projectJSON  `json:"project"`
		Labels  []text       `json:"labels"`
		Updated timestamp    `json:"updated"`
		Comment *commentPage `json:"comment"`
		Summary text         `json:"summary"`
		Creator account      `json:"creator"`
		Created timestamp    `json:"created"`
		// Description is wiki markup.
		Description text `json:"description"`
	} `json:"fields"`
	Properties  map[string]json.RawMessage `json:"properties"`
	Changelog   *historyPage               `json:"changelog"`
	Transitions *[]transition              `json:"transitions"`
}

func (i issueJSON) ref() access.IssueRef {
	return access.IssueRef{ID: string(i.ID), Key: string(i.Key)}
}

func (i issueJSON) labels() []string {
	labels := make([]string, 0, len(i.Fields.Labels))
	for _, l := range i.Fields.Labels {
		labels = append(labels, string(l))
	}
	return labels
}

// requestID is the property's value, if it is one; the label serves people and
// searches, the property says which request the issue was made for.
func (i issueJSON) requestID() access.RequestID {
	var value text
	if raw, ok := i.Properties[requestProperty]; ok && value.UnmarshalJSON(raw) == nil {
		if id, err := access.ParseRequestID(string(value)); err == nil {
			return id
		}
	}
	return ""
}

// requestIDInvalid reports whether the property is there and names no request.
func (i issueJSON) requestIDInvalid() bool {
	_, present := i.Properties[requestProperty]
	return present && i.requestID() == ""
}

// cluster is the name of the cluster whose daemon created the issue; "" where the
// issue does not say.
func (i issueJSON) cluster() string {
	var value text
	if raw, ok := i.Properties[clusterProperty]; !ok || value.UnmarshalJSON(raw) != nil {
		return ""
	}
	return string(value)
}

// holder is who reserved the issue last; "" for nobody.
func (i issueJSON) holder() string {
	var value text
	if raw, ok := i.Properties[holderProperty]; !ok || value.UnmarshalJSON(raw) != nil {
		return ""
	}
	return string(value)
}

func (i issueJSON) summary() access.IssueSummary {
	return access.IssueSummary{
		Ref: i.ref(), Project: string(i.Fields.Project.Key), Status: i.Fields.Status.status(),
		Labels: i.labels(), RequestID: i.requestID(), Cluster: i.cluster(), Updated: i.Fields.Updated.Time,
	}
}

type commentPage struct {
	Comments []commentJSON `json:"comments"`
	Total    int           `json:"total"`
}

func (p *commentPage) isComplete() bool { return p.Comments != nil }

type commentJSON struct {
	ID         text       `json:"id"`
	Author     account    `json:"author"`
	Editor     account    `json:"updateAuthor"`
	Body       text       `json:"body"`
	Created    timestamp  `json:"created"`
	Properties []property `json:"properties"`
	JSDPublic  *bool      `json:"jsdPublic"`
}

func (c commentJSON) comment() access.Comment {
	comment := access.Comment{
		ID: string(c.ID), Author: c.Author.actor(), EditedBy: c.Editor.actor(), Body: wikitext.Plain(string(c.Body)), Created: c.Created.Time,
	}
	if comment.EditedBy.ID == "" {
		comment.EditedBy = comment.Author
	}
	return comment
}

// dedupKey is the dedup key of one of the daemon's own comments.
func (c commentJSON) dedupKey() string {
	for _, p := range c.Properties {
		var value struct {
			Mark text `json:"mark"`
		}
		if p.Key == dedupProperty && json.Unmarshal(p.Value, &value) == nil {
			return string(value.Mark)
		}
	}
	return ""
}

// access returns what the comment's property says of the request's access; ok is
// false where it says nothing.
func (c commentJSON) access() (period access.Period, ok bool) {
	for _, p := range c.Properties {
		var value struct {
			From  access.UnixTime `json:"from"`
			Until access.UnixTime `json:"until"`
			Ended access.End      `json:"ended"`
		}
		if p.Key == dedupProperty && json.Unmarshal(p.Value, &value) == nil && value.Until > 0 {
			return access.Period{From: value.From, Until: value.Until, End: value.Ended}, true
		}
	}
	return access.Period{}, false
}

// property is an entity property.
type property struct {
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value"`
}

// historyPage is a page of a changelog: "histories" within an issue, "values"
// from Cloud's own endpoint.
type historyPage struct {
	Histories []history `json:"histories"`
	Values    []history `json:"values"`
	Total     int       `json:"total"`
	IsLast    bool      `json:"isLast"`
}

func (p *historyPage) isComplete() bool { return p.Histories != nil || p.Values != nil }

func (p *historyPage) all() []history { return append(slices.Clone(p.Histories), p.Values...) }

type history struct {
	ID      text         `json:"id"`
	Author  account      `json:"author"`
	Created timestamp    `json:"created"`
	Items   []changeItem `json:"items"`
}

type changeItem struct {
	Field      string `json:"field"`
	FieldID    string `json:"fieldId"` // Cloud only
	FieldType  string `json:"fieldtype"`
	From       text   `json:"from"`
	FromString text   `json:"fromString"`
	To         text   `json:"to"`
	ToString   text   `json:"toString"`
}

// is tells a system field from a custom field of that name.
func (i changeItem) is(field string) bool {
	if i.FieldID != "" {
		return i.FieldID == field
	}
	return i.Field == field && i.FieldType != "custom"
}

// leftProject reports whether the entry brought the issue into another project,
// and the key of the one that it left; "" where the entry does not name it.
func (h history) leftProject() (key string, left bool) {
	for _, item := range h.Items {
		left = left || item.is("project")
		if item.Field != "Key" || item.FieldType == "custom" { // Cloud and Data Center do not agree on its id
			continue
		}
		left = true
		if was, err := access.ParseIssueKey(string(item.FromString)); err == nil {
			key = was[:strings.LastIndexByte(was, '-')]
		}
	}
	return key, left
}

// changesWorkflow reports whether a status in the entry was chosen along with another
// workflow, and not reached by a transition.
func (h history) changesWorkflow() bool {
	return slices.ContainsFunc(h.Items, func(i changeItem) bool { return i.Field == "Workflow" && i.FieldType != "custom" })
}

// changesType reports whether the entry gave the issue another type.
func (h history) changesType() bool {
	return slices.ContainsFunc(h.Items, func(i changeItem) bool { return i.is("issuetype") })
}

// editsText reports whether the entry changed the summary or the description.
func (h history) editsText() bool {
	return slices.ContainsFunc(h.Items, func(i changeItem) bool { return i.is("summary") || i.is("description") })
}

func (i changeItem) isStatus() bool { return i.is("status") }

func (i changeItem) from() access.Status {
	return access.Status{ID: string(i.From), Name: string(i.FromString)}
}

func (i changeItem) to() access.Status {
	return access.Status{ID: string(i.To), Name: string(i.ToString)}
}

// query encodes parameters for a path.
func query(pairs ...string) string {
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	return "?" + values.Encode()
}

// quoteJQL makes a JQL string of foreign text.
func quoteJQL(s string) string {
	s = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", " ", "\r", " ").Replace(s)
	return `"` + s + `"`
}
