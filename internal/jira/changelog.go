package jira

import (
	"cmp"
	"context"
	"math/big"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"teleport-jira/internal/access"
	"teleport-jira/internal/wikitext/templates"
)

// readHistory puts into issue what its changelog shows: the status changes, the
// one that brought it into its current status, and the edits of its text. Where
// Cloud's answer has not all entries they are paged through.
func (c *Client) readHistory(ctx context.Context, k call, path string, raw issueJSON, issue *access.Issue) error {
	if raw.Changelog == nil {
		issue.HistoryFault = access.HistoryCut
		return nil
	}
	entries := raw.Changelog.all()
	if raw.Changelog.Total > len(entries) {
		info, err := c.info(ctx)
		if err != nil {
			return err
		}
		if info.cloud { // Data Center answers all of it
			return c.readLongHistory(ctx, k, path, issue)
		}
	}
	if len(entries) < raw.Changelog.Total {
		issue.HistoryFault = access.HistoryCut
	}
	return c.useHistory(ctx, entries, issue)
}

// readLongHistory is readHistory for a changelog that did not come with the
// issue.
func (c *Client) readLongHistory(ctx context.Context, k call, path string, issue *access.Issue) error {
	long, err := c.longHistory(ctx, k, path)
	if err != nil {
		return err
	}
	if long.cut || long.blind {
		issue.HistoryFault = access.HistoryCut
	}
	if long.blind {
		return nil
	}
	return c.useHistory(ctx, long.entries, issue)
}

// useHistory puts into issue what the entries show.
func (c *Client) useHistory(ctx context.Context, entries []history, issue *access.Issue) error {
	sortNewestFirst(entries)
	issue.Changes = statusChanges(entries, issue.Project)
	issue.TextEdits = textEdits(entries)
	if len(issue.Changes) == 0 {
		return nil
	}
	// An issue's newest change decides: an older one that led to the same status
	// was another change.
	last := issue.Changes[0]
	if current := issue.Status; last.To.ID != current.ID && (last.To.ID != "" || !strings.EqualFold(last.To.Name, current.Name)) {
		return nil
	}
	issue.StatusNameSince = c.names.since(issue.Status, last.To.Name)
	var err error
	if last.By, err = c.fullAccount(ctx, last.By, accountOf(entries, last.ID)); err != nil {
		return err
	}
	issue.Changes[0] = last
	issue.LastChange = &last
	return nil
}

// sortNewestFirst sorts a changelog by time, and by id where the time is the same.
func sortNewestFirst(entries []history) {
	slices.SortStableFunc(entries, func(a, b history) int {
		return cmp.Or(b.Created.Compare(a.Created.Time), compareIDs(string(b.ID), string(a.ID)))
	})
}

// accountOf is the author of the entry with the id, as it shows them.
func accountOf(entries []history, id string) account {
	for _, entry := range entries {
		if string(entry.ID) == id {
			return entry.Author
		}
	}
	return account{}
}

// statusChanges are the changes of status among entries, newest first, of an
// issue that is in the project now. Their authors are as the entries show them.
func statusChanges(entries []history, project string) []access.StatusChange {
	var changes []access.StatusChange
	for _, entry := range entries {
		at := project
		before, left := entry.leftProject()
		if left || entry.changesWorkflow() {
			at = ""
		}
		for _, item := range slices.Backward(entry.Items) {
			if item.isStatus() {
				changes = append(changes, access.StatusChange{
					ID: string(entry.ID), By: entry.Author.actor(), At: entry.Created.Time, From: item.from(), To: item.to(),
					Project: at, TypeChanged: entry.changesWorkflow() || entry.changesType(),
				})
				break
			}
		}
		if left {
			project = before
		}
	}
	return changes
}

// textEdits are the entries that changed the summary or the description.
func textEdits(entries []history) []access.TextEdit {
	var edits []access.TextEdit
	for _, entry := range entries {
		if entry.editsText() {
			edits = append(edits, access.TextEdit{ID: string(entry.ID), By: entry.Author.actor(), At: entry.Created.Time})
		}
	}
	return edits
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
		if len(page.all()) == 0 || len(all) >= page.Total && (page.IsLast || page.Total > 0) {
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

// clockSkew is how far Jira's clock may be behind the cluster's.
const clockSkew = 2 * time.Minute

// CreatedFor reports whether this account created the issue for the draft's
// request. Label and property can be forged by anybody who may edit the issue,
// so it goes by what the issue was created with: the request's label or, where labels
// are not on the create screen and for the existing plugin's issues, the
// summary, beside the property. An issue that is older than the request was
// not made for it.
func (c *Client) CreatedFor(ctx context.Context, ref access.IssueRef, d access.Draft) (bool, error) {
	k := call{op: "read origin of issue", key: refName(ref), method: http.MethodGet, endpoint: "/issue/{issue}", read: true}
	path, err := refPath(ref)
	if err != nil {
		return false, k.error(access.Permanent, err)
	}
	k.path = path + query("fields", "summary,labels,creator,created", "expand", "changelog", "properties", requestProperty)
	var raw issueJSON
	if err := c.call(ctx, k, &raw); err != nil {
		return false, c.trueNotFound(ctx, err)
	}
	if raw.Fields.Creator.actor().ID == "" || raw.Changelog == nil || raw.Fields.Created.IsZero() {
		return false, k.error(access.Temporary, errNoIssue)
	}
	if raw.Fields.Created.Before(d.Request.Created.Add(-clockSkew)) {
		return false, nil // Whatever it says now, it can't have been made for this request.
	}
	original, err := c.originalState(ctx, k, path, raw)
	if err != nil || !c.isOwn(original.creator) {
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
	sortNewestFirst(entries)
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
