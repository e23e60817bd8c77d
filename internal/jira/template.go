package jira

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"
	"time"

	"teleport-jira/internal/access"
	"teleport-jira/internal/jira/markup"
)

// TemplateData is what the templates of an issue may use. In a description
// every inserted value is escaped; in summaries and custom fields values are
// inserted as they are. Functions: join LIST SEPARATOR, date TIME, wiki TEXT
// (escapes) and, in descriptions, link TEXT ADDRESS.
type TemplateData struct {
	ID                 string             // the request's id
	URL                string             // its page in Teleport; empty when unknown
	User               string             // who asks
	Roles              List               // what for
	Reason             string             // why, in the user's words
	State              string             // "pending" when the issue is made in time
	Created            time.Time          // when it was made
	Expires            time.Time          // when the pending request vanishes
	AccessExpires      time.Time          // when the access ends once approved
	MaxDuration        time.Time          // zero: not limited
	SessionTTL         time.Time          // zero: not limited
	AssumeStart        time.Time          // zero: at once
	LoginHint          string             // the login asked for
	LongTerm           bool               // can only be promoted, in Teleport
	Resources          []access.Resource  // each with Kind, ID and Name
	SuggestedReviewers List               // Teleport users
	Annotations        map[string]List    // from the requester's roles
	Thresholds         []access.Threshold // each with Name, Approve and Deny
}

// List is a list of texts. A template that inserts it as a whole gets its
// items separated by commas; it can be ranged over and joined as well.
type List []string

// String implements fmt.Stringer.
func (l List) String() string { return strings.Join(l, ", ") }

func dataOf(d access.Draft) TemplateData {
	r := d.Request
	annotations := make(map[string]List, len(r.Annotations))
	for key, values := range r.Annotations {
		annotations[key] = values
	}
	return TemplateData{
		ID: string(r.ID), URL: d.URL, User: r.User, Roles: List(r.Roles), Reason: r.Reason, State: string(r.State),
		Created: r.Created, Expires: r.Expires, AccessExpires: r.AccessExpires, MaxDuration: r.MaxDuration,
		SessionTTL: r.SessionTTL, AssumeStart: r.AssumeStart, LoginHint: r.LoginHint, LongTerm: r.LongTerm,
		Resources: r.Resources, SuggestedReviewers: List(r.SuggestedReviewers), Annotations: annotations, Thresholds: r.Thresholds,
	}
}

// sample has something in every field, so that a dry run meets every mistake.
func sample() TemplateData {
	return TemplateData{
		ID: "id", URL: "https://example.com", User: "user", Roles: []string{"role"}, Reason: "reason", State: "pending",
		Resources:          []access.Resource{{Kind: "node", ID: "id", Name: "name"}},
		SuggestedReviewers: []string{"reviewer"}, Annotations: map[string]List{"key": {"value"}},
		Thresholds: []access.Threshold{{Name: "default", Approve: 1, Deny: 1}},
	}
}

// templates are the parsed templates of an issue; nil ones are built in.
type templates struct {
	summary     *template.Template
	description *template.Template
	fields      map[string]any // strings are *template.Template
}

// parseTemplates parses and tries all templates and names every fault.
func parseTemplates(cfg IssueConfig) (*templates, error) {
	t := &templates{fields: map[string]any{}}
	var errs []error
	var err error
	if t.summary, err = parseTemplate("summary", cfg.Summary, false); err != nil {
		errs = append(errs, err)
	}
	if t.description, err = parseTemplate("description", cfg.Description, true); err != nil {
		errs = append(errs, err)
	}
	for _, field := range slices.Sorted(maps.Keys(cfg.Fields)) {
		if t.fields[field], err = parseValue("fields."+field, cfg.Fields[field]); err != nil {
			errs = append(errs, err)
		}
	}
	return t, errors.Join(errs...)
}

// parseTemplate gives nil for no text.
func parseTemplate(key, text string, escaped bool) (*template.Template, error) {
	if text == "" {
		return nil, nil
	}
	t, err := template.New(key).Funcs(functions(escaped)).Option("missingkey=zero").Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	if escaped {
		for _, each := range t.Templates() {
			if each.Tree != nil {
				escapeActions(each.Root)
			}
		}
	}
	if err := t.Execute(&strings.Builder{}, sample()); err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	return t, nil
}

// parseValue parses the strings within a value of any shape.
func parseValue(key string, value any) (any, error) {
	return within(key, value, func(key string, leaf any) (any, error) {
		if text, ok := leaf.(string); ok && text != "" {
			return parseTemplate(key, text, false)
		}
		return leaf, nil
	})
}

// within is a value of the same shape with each of its leaves changed. key says
// where in the value a leaf is.
func within(key string, value any, change func(key string, leaf any) (any, error)) (any, error) {
	var err error
	switch v := value.(type) {
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			if list[i], err = within(key, item, change); err != nil {
				return nil, err
			}
		}
		return list, nil
	case map[string]any:
		object := make(map[string]any, len(v))
		for name, item := range v {
			if object[name], err = within(key+"."+name, item, change); err != nil {
				return nil, err
			}
		}
		return object, nil
	}
	return change(key, value)
}

const escapeFunction = "_escape"

// functions are what templates may call; link exists in descriptions only.
func functions(escaped bool) template.FuncMap {
	all := template.FuncMap{
		"join": func(list []string, separator string) string { return strings.Join(list, separator) },
		"date": date,
		"wiki": escape,
	}
	if escaped {
		all["link"] = link
		all[escapeFunction] = escape
	}
	return all
}

// inert is wiki markup that this package made and that needs no escaping.
type inert string

func escape(value any) inert {
	if done, ok := value.(inert); ok {
		return done
	}
	return inert(markup.Escape(fmt.Sprint(value)))
}

// link is a link that shows text, or the text alone if address is none.
func link(text, address string) inert {
	shown := markup.EscapeLine(text)
	if target := safeURL(address); target != "" {
		return inert("[" + shown + "|" + target + "]")
	}
	return inert(shown)
}

// date is a time as people read it; empty for none.
func date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05 MST")
}

// escapeActions makes every action that prints end in the escape function.
func escapeActions(node parse.Node) {
	switch n := node.(type) {
	case *parse.ListNode:
		if n == nil {
			return
		}
		for _, child := range n.Nodes {
			escapeActions(child)
		}
	case *parse.ActionNode:
		if len(n.Pipe.Decl) == 0 {
			identifier := parse.NewIdentifier(escapeFunction).SetPos(n.Pos)
			n.Pipe.Cmds = append(n.Pipe.Cmds, &parse.CommandNode{
				NodeType: parse.NodeCommand, Pos: n.Pos, Args: []parse.Node{identifier},
			})
		}
	case *parse.IfNode:
		escapeActions(n.List)
		escapeActions(n.ElseList)
	case *parse.RangeNode:
		escapeActions(n.List)
		escapeActions(n.ElseList)
	case *parse.WithNode:
		escapeActions(n.List)
		escapeActions(n.ElseList)
	}
}

// execute runs a template.
func execute(t *template.Template, data TemplateData) (string, error) {
	var out strings.Builder
	if err := t.Execute(&out, data); err != nil {
		return "", err
	}
	return out.String(), nil
}

// render runs the templates within a value of any shape.
func render(value any, data TemplateData) (any, error) {
	return within("", value, func(_ string, leaf any) (any, error) {
		if t, ok := leaf.(*template.Template); ok {
			return execute(t, data)
		}
		return leaf, nil
	})
}
