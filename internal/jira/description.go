package jira

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/template"
	"time"

	"teleport-jira/internal/access"
	"teleport-jira/internal/wikitext"
	"teleport-jira/internal/wikitext/templates"
)

// maxSummary is one less than what Jira takes.
const maxSummary = 254

// summary is the issue's title on one line. A template that fails for this
// request, or gives nothing, costs its own text, not the issue.
func (c *Client) summary(data templates.Data) string {
	text := ""
	if t := c.templates.summary; t != nil {
		var err error
		if text, err = templates.Execute(t, data); err != nil {
			c.warnTemplate("summary", data, err)
			text = ""
		}
	}
	return wikitext.LimitPlain(cmp.Or(wikitext.Line(text), wikitext.Line(defaultSummary(data))), maxSummary)
}

func defaultSummary(d templates.Data) string {
	switch {
	case len(d.Roles) > 0:
		return d.User + " requested " + strings.Join(d.Roles, ", ")
	case len(d.Resources) == 1:
		return d.User + " requested " + d.Resources[0].Kind + " " + nameOf(d.Resources[0])
	case len(d.Resources) > 1:
		return fmt.Sprintf("%s requested %d resources", d.User, len(d.Resources))
	}
	return d.User + " requested access"
}

// description is the issue's description in wiki markup, see summary.
func (c *Client) description(data templates.Data) string {
	if t := c.templates.description; t != nil {
		text, err := templates.Execute(t, data)
		if err == nil {
			return wikitext.Limit(text, maxText)
		}
		c.warnTemplate("description", data, err)
	}
	return wikitext.Limit(defaultDescription(data), maxText)
}

func (c *Client) warnTemplate(key string, data templates.Data, err error) {
	c.log.Warn("an issue template fails for this request, using what is built in: correct the template",
		"template", key, "request_id", data.ID, "error", err)
}

// defaultDescription puts what is short first, so that only what people typed
// can be cut.
func defaultDescription(d templates.Data) string {
	var b strings.Builder
	line := func(label, value string) {
		if value != "" {
			fmt.Fprintf(&b, "*%s:* %s\n", label, wikitext.EscapeLine(value))
		}
	}
	line("User", d.User)
	line("Roles", strings.Join(d.Roles, ", "))
	line("Request ID", d.ID)
	line("Created", templates.Date(d.Created))
	line("Request expires", templates.Date(d.Expires))
	line("Access until", templates.Date(d.AccessExpires))
	line("Max duration", until(d.Created, d.MaxDuration))
	line("Session TTL", until(d.Created, d.SessionTTL))
	line("Access starts", templates.Date(d.AssumeStart))
	line("Login hint", d.LoginHint)
	line("Suggested reviewers", strings.Join(d.SuggestedReviewers, ", "))
	for _, t := range d.Thresholds {
		line("Needs", fmt.Sprintf("%d to approve, %d to deny%s", t.Approve, t.Deny, thresholdName(t)))
	}
	if d.LongTerm {
		line("Long-term", "this request can be approved in Teleport only, by promotion; it can be denied here")
	}
	if templates.SafeURL(d.URL) != "" {
		fmt.Fprintf(&b, "\n%s\n", templates.Link("Open the request in Teleport", d.URL))
	}
	if strings.TrimSpace(d.Reason) != "" {
		fmt.Fprintf(&b, "\n*Reason:*\n%s\n", wikitext.Escape(strings.TrimSpace(d.Reason)))
	}
	if len(d.Resources) > 0 {
		b.WriteString("\n*Requested resources:*\n")
		for _, r := range d.Resources {
			fmt.Fprintf(&b, "* %s\n", wikitext.EscapeLine(r.Kind+" "+nameOf(r)))
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func nameOf(r access.Resource) string { return cmp.Or(r.Name, r.ID) }

func thresholdName(t access.Threshold) string {
	if t.Name == "" {
		return ""
	}
	return " (" + t.Name + ")"
}

// until is a moment with how long after the start it is.
func until(start, end time.Time) string {
	if end.IsZero() {
		return ""
	}
	if length := end.Sub(start).Round(time.Minute); !start.IsZero() && length > 0 {
		return templates.Date(end) + " (" + strings.TrimSuffix(length.String(), "0s") + ")"
	}
	return templates.Date(end)
}

// issueTemplates are the parsed templates of an issue; nil ones are built in.
type issueTemplates struct {
	summary     *template.Template
	description *template.Template
	fields      map[string]any // strings are *template.Template
}

// parseTemplates parses and tries all templates and names every fault.
func parseTemplates(cfg IssueConfig) (*issueTemplates, error) {
	t := &issueTemplates{fields: map[string]any{}}
	var errs []error
	var err error
	if t.summary, err = templates.Parse("summary", cfg.Summary, templates.Plain); err != nil {
		errs = append(errs, err)
	}
	if t.description, err = templates.Parse("description", cfg.Description, templates.Wiki); err != nil {
		errs = append(errs, err)
	}
	for _, field := range slices.Sorted(maps.Keys(cfg.Fields)) {
		if t.fields[field], err = templates.ParseValue("fields."+field, cfg.Fields[field]); err != nil {
			errs = append(errs, err)
		}
	}
	return t, errors.Join(errs...)
}
