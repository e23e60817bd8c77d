package jira

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
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
	if issue.HistoryFault == "" && c.isOwn(issue.Creator) {
		issue.Origin = originOf(entries, issue)
	}
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
	if err := c.earlierAuthors(ctx, entries, issue.Changes[1:]); err != nil {
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

// maxEarlierAuthors bounds the look-ups for one issue. Whom the changelog does not
// show in full, and nobody looks up, may not decide.
const maxEarlierAuthors = 10

// earlierAuthors looks up who made the decisive ones of the changes since the
// daemon's own last one.
func (c *Client) earlierAuthors(ctx context.Context, entries []history, changes []access.StatusChange) error {
	for i := range changes {
		if changes[i].By.Same(c.Self()) || i == maxEarlierAuthors {
			return nil
		}
		if !slices.ContainsFunc(c.cfg.Decisive, changes[i].To.Is) {
			continue
		}
		var err error
		if changes[i].By, err = c.fullAccount(ctx, changes[i].By, accountOf(entries, changes[i].ID)); err != nil {
			return err
		}
	}
	return nil
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

// originOf is what an issue was made for and where, by its labels without the edits
// of them.
func originOf(entries []history, issue *access.Issue) access.Origin {
	labels, origin := issue.Labels, access.Origin{Project: issue.Project}
	for _, entry := range entries {
		if _, left := entry.leftProject(); left {
			origin.Project = ""
		}
		for _, item := range slices.Backward(entry.Items) {
			if item.is("labels") {
				labels = strings.Fields(string(item.FromString))
			}
		}
	}
	origin.Request = access.RequestIDFromLabels(labels)
	return origin
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
// summary, beside the property. An issue that is older than the request, or
// names another cluster, was not made for it.
func (c *Client) CreatedFor(ctx context.Context, ref access.IssueRef, d access.Draft) (bool, error) {
	k := call{op: "read origin of issue", key: refName(ref), method: http.MethodGet, endpoint: "/issue/{issue}", read: true}
	path, err := refPath(ref)
	if err != nil {
		return false, k.error(access.Permanent, err)
	}
	k.path = path + query("fields", "summary,labels,creator,created", "expand", "changelog", "properties", requestProperty+","+clusterProperty)
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
	if cluster := raw.cluster(); cluster != "" && d.Cluster != "" && cluster != d.Cluster {
		return false, nil // It is another daemon's, for a request of the same id.
	}
	original, err := c.originalState(ctx, k, path, raw)
	if err != nil || !c.isOwn(original.creator) {
		return false, err
	}
	if slices.ContainsFunc(original.labels, func(l string) bool { return strings.HasPrefix(l, access.LabelPrefix) }) {
		return slices.Contains(original.labels, d.Request.ID.Label()), nil
	}
	data := templates.DataOf(d)
	return raw.requestID() == d.Request.ID && (original.summary == c.summary(data) || original.summary == defaultSummary(data) || original.summary == pluginSummary(data)), nil
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

const (
	// maxHistoryBytes is the most bytes of a changelog that are read of one
	// issue. An edit of a description costs twice its length.
	maxHistoryBytes = 64 << 20
	// maxHistory is the most entries that are kept, the newest.
	maxHistory = 1000
	// maxItemValue is the longest value of a changed field that is kept: no name
	// of a status or project is longer.
	maxItemValue = 1 << 10
)

// longHistory is a changelog that is read in parts.
type longHistory struct {
	entries []history
	cut     bool // older entries were left out
	blind   bool // newer ones were, so that nothing of it can be relied on
}

// keep takes an entry if a decision may depend on it.
func (l *longHistory) keep(entry history) {
	if !entry.matters() {
		return
	}
	l.entries = append(l.entries, entry.compact())
	if len(l.entries) >= 2*maxHistory {
		l.trim()
	}
}

// trim leaves the newest entries.
func (l *longHistory) trim() {
	sortNewestFirst(l.entries)
	if len(l.entries) > maxHistory {
		l.entries, l.cut = slices.Clone(l.entries[:maxHistory]), true
	}
}

// matters reports whether the entry changed the status, or what a change of
// status, or the text that was decided upon, is judged by.
func (h history) matters() bool {
	_, left := h.leftProject()
	return left || h.changesWorkflow() || h.changesType() || h.editsText() || slices.ContainsFunc(h.Items, changeItem.isStatus)
}

// compact drops values that are too long to be names.
func (h history) compact() history {
	for i := range h.Items {
		item := &h.Items[i]
		for _, value := range []*text{&item.From, &item.FromString, &item.To, &item.ToString} {
			if len(*value) > maxItemValue {
				*value = ""
			}
		}
	}
	return h
}

// longHistory reads a changelog that is too long to be read with its issue. Cloud
// pages it, oldest first: it is read from its end. Data Center answers all of it
// at once, oldest first.
func (c *Client) longHistory(ctx context.Context, k call, path string) (*longHistory, error) {
	info, err := c.info(ctx)
	if err != nil {
		return nil, err
	}
	l := &longHistory{}
	k.limit = maxHistoryBytes
	if !info.cloud {
		k.path = path + query("fields", "status", "expand", "changelog")
		all := historyStream{begin: func() { *l = longHistory{} }, keep: l.keep}
		switch err := c.call(ctx, k, &all); {
		case errors.Is(err, errTooLong):
			l.blind = true // the newest entries stand last
		case err != nil:
			return nil, err
		}
		l.trim()
		return l, nil
	}
	first, err := c.historyPage(ctx, &k, path, l, 0, 1)
	if err != nil {
		return nil, err
	}
	for end := first.total; end > 1; {
		begin := max(1, end-pageSize)
		for at := begin; at < end; {
			page, err := c.historyPage(ctx, &k, path, l, at, end-at)
			switch {
			case errors.Is(err, errTooLong), err == nil && page.count == 0:
				l.cut = true
				// The page was the newest one, or the one after it was read.
				l.blind = end == first.total
				l.trim()
				return l, nil
			case err != nil:
				return nil, err
			}
			at += page.count
		}
		end = begin
	}
	l.trim()
	return l, nil
}

// historyPage reads a page of Cloud's changelog, and takes it from what may still
// be read.
func (c *Client) historyPage(ctx context.Context, k *call, path string, l *longHistory, start, size int) (*historyStream, error) {
	k.endpoint = "/issue/{issue}/changelog"
	k.path = path + "/changelog" + query("startAt", strconv.Itoa(start), "maxResults", strconv.Itoa(size))
	page := &historyStream{}
	if k.limit <= 0 {
		return page, k.error(access.Permanent, errTooLong)
	}
	var entries []history
	page.keep = func(entry history) { entries = append(entries, entry) }
	page.begin = func() { entries = nil }
	err := c.call(ctx, *k, page)
	if err == nil {
		for _, entry := range entries {
			l.keep(entry)
		}
	}
	k.limit -= page.bytes
	return page, err
}

// historyStream is a changelog, alone or within its issue, decoded entry by
// entry.
type historyStream struct {
	begin func() // is called before the first entry, and again when the call is repeated
	keep  func(history)
	count int
	total int
	bytes int64
}

func (s *historyStream) decodeFrom(d *json.Decoder) error {
	s.count, s.total = 0, 0
	s.begin()
	found := false
	entries := func() error {
		found = true
		return decodeArray(d, func() error {
			var entry history
			if err := d.Decode(&entry); err != nil {
				return err
			}
			s.keep(entry)
			s.count++
			return nil
		})
	}
	fields := map[string]func() error{
		"histories": entries, "values": entries,
		"total": func() error { return d.Decode(&s.total) },
	}
	fields["changelog"] = func() error { return decodeObject(d, fields) }
	err := decodeObject(d, fields)
	s.bytes = d.InputOffset()
	if err == nil && !found {
		err = errNotJira
	}
	return err
}
