package jira

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"text/template"
	"time"

	"teleport-jira/internal/access"
	"teleport-jira/internal/ttlcache"
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

// Shares of the default summary, in bytes. None can push another out.
const (
	userShare     = 90
	resourceShare = 70
	countShare    = len(" and 1000 more")
)

// defaultSummary says who requests what: the roles, and the resources that a
// request by resource is really for.
func defaultSummary(d templates.Data) string {
	var resources []string
	for _, r := range d.Resources {
		resources = append(resources, r.Kind+" "+nameOf(r))
	}
	text := access.List([]string{d.User}, userShare) + " requested "
	room := maxSummary - len(text) - countShare
	switch {
	case len(d.Roles) > 0 && len(resources) > 0:
		named := ": " + access.List(resources, resourceShare)
		return text + access.List(d.Roles, room-resourceShare-countShare-len(": ")) + named
	case len(d.Roles) > 0:
		return text + access.List(d.Roles, room)
	case len(resources) > 0:
		return text + access.List(resources, room)
	}
	return text + "access"
}

// pluginSummary is the summary of the existing plugin's issues.
func pluginSummary(d templates.Data) string {
	return d.User + " requested " + strings.Join(d.Roles, ", ")
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

// Shares of the default description, in bytes of markup. What is left is the
// reason's.
const (
	lineShare = 400
	listShare = 6000
	maxNeeds  = 10 // thresholds that are shown
)

// defaultDescription gives each part its own share, so that nothing that a
// requester types can push roles or resources out. The reason stands last, in a
// frame of its own that its text can't leave.
func defaultDescription(d templates.Data) string {
	var b strings.Builder
	line := func(label, value string) {
		if value != "" {
			fmt.Fprintf(&b, "*%s:* %s\n", label, wikitext.Limit(wikitext.EscapeLine(value), lineShare))
		}
	}
	list := func(label string, items []string) {
		if len(items) > 0 {
			fmt.Fprintf(&b, "*%s:* %s\n", label, markupList(items, ", ", listShare))
		}
	}
	line("User", d.User)
	list("Roles", d.Roles)
	if len(d.Resources) > 0 {
		var names []string
		for _, r := range d.Resources {
			names = append(names, r.Kind+" "+nameOf(r))
		}
		fmt.Fprintf(&b, "*Resources (%d):*\n* %s\n\n", len(names), markupList(names, "\n* ", listShare))
	}
	line("Request ID", d.ID)
	line("Created", templates.Date(d.Created))
	line("Request expires", templates.Date(d.Expires))
	line("Access until", templates.Date(d.AccessExpires))
	line("Max duration", until(d.Created, d.MaxDuration))
	line("Session TTL", until(d.Created, d.SessionTTL))
	line("Access starts", templates.Date(d.AssumeStart))
	line("Login hint", d.LoginHint)
	list("Suggested reviewers", d.SuggestedReviewers)
	for _, t := range d.Thresholds[:min(len(d.Thresholds), maxNeeds)] {
		line("Needs", fmt.Sprintf("%d to approve, %d to deny%s", t.Approve, t.Deny, thresholdName(t)))
	}
	if d.LongTerm {
		line("Long-term", "this request can be approved in Teleport only, by promotion; it can be denied here")
	}
	if templates.SafeURL(d.URL) != "" {
		fmt.Fprintf(&b, "\n%s\n", templates.Link("Open the request in Teleport", d.URL))
	}
	facts := strings.TrimSuffix(b.String(), "\n")
	if strings.TrimSpace(d.Reason) == "" {
		return facts
	}
	const before, after = "\n\n*Reason:*\n{quote}\n", "\n{quote}"
	room := maxText - len(facts) - len(before) - len(after)
	return facts + before + wikitext.Limit(wikitext.Escape(strings.TrimSpace(d.Reason)), room) + after
}

// markupList is escaped items in at most about size bytes. What does not fit is
// counted: "and 37 more".
func markupList(items []string, separator string, size int) string {
	var b strings.Builder
	for i, item := range items {
		escaped := wikitext.Limit(wikitext.EscapeLine(item), lineShare)
		if i > 0 && b.Len()+len(separator)+len(escaped) > size {
			fmt.Fprintf(&b, "%sand %d more", separator, len(items)-i)
			break
		}
		if i > 0 {
			b.WriteString(separator)
		}
		b.WriteString(escaped)
	}
	return b.String()
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

// maxWordings bounds of how many texts it is remembered that Jira failed on them.
const maxReductions = 10_000

// wordings remembers which texts Jira failed on. A database that can't store a
// character makes Jira answer 500, as it does when it is broken: only the same
// text failing again tells. Safe for concurrent use.
type reductions struct {
	failures *ttlcache.Cache[string, int]
}

func newReductions() reductions { return reductions{ttlcache.New[string, int](maxReductions, 0)} }

// first returns which of n wordings, the full one first, is to be sent now. The
// full one is sent twice before it is doubted; where none is taken, it is not
// the text that Jira fails on, and the full one's turn comes again.
func (w reductions) first(text string, n int) int {
	failed, _ := w.failures.Get(text)
	return max(0, failed%(n+1)-1)
}

// note remembers what came of the last wording sent.
func (w reductions) note(text string, err error) {
	if !isStatus(err, http.StatusInternalServerError) {
		w.failures.Delete(text)
		return
	}
	failed, _ := w.failures.Get(text)
	w.failures.Put(text, failed+1)
}

func isStatus(err error, status int) bool {
	var failed *access.Error
	return errors.As(err, &failed) && failed.Status == status
}

// reductionsOf are the ways to say a comment: in full, without what Jira may be
// unable to store, and in the daemon's own words.
func reductionsOf(n access.CommentDraft) []string {
	all := []string{n.Text}
	for _, text := range []string{wikitext.Storable(n.Text), n.Own} {
		if text != "" && text != all[len(all)-1] {
			all = append(all, text)
		}
	}
	return all
}
