package jira

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"

	"teleport-jira/internal/access"
)

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
