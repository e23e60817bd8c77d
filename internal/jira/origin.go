package jira

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"

	"teleport-jira/internal/access"
	"teleport-jira/internal/wikitext/templates"
)

// birth is what an issue was made with. Later edits show in its changelog,
// which nobody can edit; properties have none and prove nothing alone.
type birth struct {
	creator access.Actor
	labels  []string
	summary string
}

// MadeFor tells whether this account made the issue for the draft's request.
// Label and property can be forged by anybody who may edit the issue, so it
// goes by what the issue was born with: the request's label or, where labels
// are not on the create screen and for the existing plugin's issues, the
// summary, beside the property.
func (c *Client) CreatedFor(ctx context.Context, ref access.IssueRef, d access.Draft) (bool, error) {
	k := call{op: "read origin of issue", key: name(ref), method: http.MethodGet, endpoint: "/issue/{issue}", read: true}
	path, err := refPath(ref)
	if err != nil {
		return false, k.error(access.Permanent, err)
	}
	k.path = path + query("fields", "summary,labels,creator", "expand", "changelog", "properties", requestProperty)
	var raw issueJSON
	if err := c.do(ctx, k, &raw); err != nil {
		return false, c.trueNotFound(ctx, err)
	}
	if raw.Fields.Creator.actor().ID == "" || raw.Changelog == nil {
		return false, k.error(access.Temporary, errNoIssue)
	}
	b, err := c.birth(ctx, k, path, raw)
	if err != nil || !b.creator.Same(c.Self()) {
		return false, err
	}
	if slices.ContainsFunc(b.labels, func(l string) bool { return strings.HasPrefix(l, access.LabelPrefix) }) {
		return slices.Contains(b.labels, d.Request.ID.Label()), nil
	}
	data := templates.DataOf(d)
	return raw.requestID() == d.Request.ID && (b.summary == c.summary(data) || b.summary == defaultSummary(data)), nil
}

// birth undoes the edits of labels and summary, the newest first.
func (c *Client) birth(ctx context.Context, k call, path string, raw issueJSON) (birth, error) {
	b := birth{creator: raw.Fields.Creator.actor(), labels: raw.labels(), summary: string(raw.Fields.Summary)}
	entries := raw.Changelog.all()
	if raw.Changelog.Total > len(entries) {
		var err error
		if entries, err = c.changelog(ctx, k, path); err != nil {
			return birth{}, err
		}
	}
	slices.SortStableFunc(entries, func(x, y history) int {
		return cmp.Or(y.Created.Compare(x.Created.Time), compareIDs(string(y.ID), string(x.ID)))
	})
	for _, entry := range entries {
		for _, item := range slices.Backward(entry.Items) {
			switch {
			case item.is("labels"):
				b.labels = strings.Fields(string(item.FromString))
			case item.is("summary"):
				b.summary = string(item.FromString)
			}
		}
	}
	return b, nil
}
