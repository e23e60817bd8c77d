package jira

import (
	"cmp"
	"context"
	"math/big"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"teleport-jira/internal/access"
	"teleport-jira/internal/wikitext/templates"
)

// lastStatusChange finds the change that brought the issue into its current status;
// nil when the changelog does not show it.
func (c *Client) lastStatusChange(ctx context.Context, k call, path string, raw issueJSON) (*access.StatusChange, error) {
	if raw.Changelog == nil {
		return nil, nil
	}
	entries := raw.Changelog.all()
	project := string(raw.Fields.Project.Key)
	change, by, found := newestStatusChange(entries, project)
	if !found && raw.Changelog.Total > len(entries) {
		info, err := c.info(ctx)
		if err != nil {
			return nil, err
		}
		if info.cloud { // Data Center answers all of it
			if entries, err = c.changelog(ctx, k, path); err != nil {
				return nil, err
			}
			change, by, found = newestStatusChange(entries, project)
		}
	}
	current := raw.Fields.Status.status()
	if !found || change.To.ID != current.ID && (change.To.ID != "" || !change.To.Is(current.Name)) {
		return nil, nil
	}
	var err error
	if change.By, err = c.fullAccount(ctx, by.actor(), by); err != nil {
		return nil, err
	}
	return &change, nil
}

// newestStatusChange returns the newest change of status among entries in any order, of an
// issue that is in the project now. An issue's newest change decides: an older
// one that led to the same status was another change. Its author is as the entry
// shows them.
func newestStatusChange(entries []history, project string) (change access.StatusChange, by account, found bool) {
	slices.SortStableFunc(entries, func(a, b history) int {
		return cmp.Or(b.Created.Compare(a.Created.Time), compareIDs(string(b.ID), string(a.ID)))
	})
	for _, entry := range entries {
		at := project
		before, left := entry.leftProject()
		if left || entry.changesWorkflow() {
			at = ""
		}
		for _, item := range slices.Backward(entry.Items) {
			if item.isStatus() {
				return access.StatusChange{
					ID: string(entry.ID), At: entry.Created.Time, From: item.from(), To: item.to(), Project: at,
				}, entry.Author, true
			}
		}
		if left {
			project = before
		}
	}
	return access.StatusChange{}, account{}, false
}

// compareIDs compares ids as the numbers they are.
func compareIDs(a, b string) int {
	x, okX := new(big.Int).SetString(a, 10)
	y, okY := new(big.Int).SetString(b, 10)
	if !okX || !okY {
		return cmp.Compare(a, b)
	}
	return x.Cmp(y)
}

// changelog reads the complete changelog from Cloud's own endpoint.
func (c *Client) changelog(ctx context.Context, k call, path string) ([]history, error) {
	k.endpoint = "/issue/{issue}/changelog"
	var all []history
	for range maxPages {
		k.path = path + "/changelog" + query("startAt", strconv.Itoa(len(all)), "maxResults", strconv.Itoa(pageSize))
		var page historyPage
		if err := c.call(ctx, k, &page); err != nil {
			return nil, err
		}
		all = append(all, page.all()...)
		if page.IsLast || len(page.all()) == 0 || len(all) >= page.Total {
			return all, nil
		}
	}
	return all, nil
}

// originalState is what an issue was created with. Later edits show in its changelog,
// which nobody can edit; properties have none and prove nothing alone.
type originalState struct {
	creator access.Actor
	labels  []string
	summary string
}

// CreatedFor reports whether this account created the issue for the draft's request.
// Label and property can be forged by anybody who may edit the issue, so it
// goes by what the issue was created with: the request's label or, where labels
// are not on the create screen and for the existing plugin's issues, the
// summary, beside the property.
func (c *Client) CreatedFor(ctx context.Context, ref access.IssueRef, d access.Draft) (bool, error) {
	k := call{op: "read origin of issue", key: refName(ref), method: http.MethodGet, endpoint: "/issue/{issue}", read: true}
	path, err := refPath(ref)
	if err != nil {
		return false, k.error(access.Permanent, err)
	}
	k.path = path + query("fields", "summary,labels,creator", "expand", "changelog", "properties", requestProperty)
	var raw issueJSON
	if err := c.call(ctx, k, &raw); err != nil {
		return false, c.trueNotFound(ctx, err)
	}
	if raw.Fields.Creator.actor().ID == "" || raw.Changelog == nil {
		return false, k.error(access.Temporary, errNoIssue)
	}
	original, err := c.originalState(ctx, k, path, raw)
	if err != nil || !original.creator.Same(c.Self()) {
		return false, err
	}
	if slices.ContainsFunc(original.labels, func(l string) bool { return strings.HasPrefix(l, access.LabelPrefix) }) {
		return slices.Contains(original.labels, d.Request.ID.Label()), nil
	}
	data := templates.DataOf(d)
	return raw.requestID() == d.Request.ID && (original.summary == c.summary(data) || original.summary == defaultSummary(data)), nil
}

// originalState undoes the edits of labels and summary, the newest first.
func (c *Client) originalState(ctx context.Context, k call, path string, raw issueJSON) (originalState, error) {
	b := originalState{creator: raw.Fields.Creator.actor(), labels: raw.labels(), summary: string(raw.Fields.Summary)}
	entries := raw.Changelog.all()
	if raw.Changelog.Total > len(entries) {
		var err error
		if entries, err = c.changelog(ctx, k, path); err != nil {
			return originalState{}, err
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
