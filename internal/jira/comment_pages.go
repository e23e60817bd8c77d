package jira

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strconv"

	"teleport-jira/internal/access"
)

const (
	// maxCommentBytes is the most bytes of comments that are read of one issue,
	// the newest first. Jira keeps no more than a few comments of that length
	// from being written, and anybody may write them.
	maxCommentBytes = 32 << 20
	// maxKeptComments is the most bytes of comments by one person that are kept
	// to look for a reason in.
	maxKeptComments = 256 << 10
)

// issueComments are the issue's comments, oldest first: what the issue carried,
// or where that was not all, the newest by the account that moved it. Nobody
// else's give a reason.
func (c *Client) issueComments(ctx context.Context, k call, path string, page *commentPage, change *access.StatusChange) ([]access.Comment, error) {
	var comments []access.Comment
	switch {
	case page != nil && page.Total <= len(page.Comments):
		for _, r := range page.Comments {
			comments = append(comments, r.comment())
		}
	case change != nil:
		kept := 0
		err := c.eachComment(ctx, k, path, "", func(r commentJSON) {
			if kept < maxKeptComments && r.Author.actor().Same(change.By) {
				comments = append(comments, r.comment())
				kept += len(r.Body)
			}
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(comments, func(a, b access.Comment) int {
		return cmp.Or(a.Created.Compare(b.Created), compareIDs(a.ID, b.ID))
	})
	return comments, nil
}

// eachComment visits the comments of an issue, the newest first, until all or
// maxCommentBytes are read. A comment that is written meanwhile may be missed,
// and one visited twice.
func (c *Client) eachComment(ctx context.Context, k call, path, expand string, visit func(commentJSON)) error {
	k.endpoint = "/issue/{issue}/comment"
	k.limit = maxCommentBytes
	for start := 0; ; {
		params := url.Values{
			"startAt": {strconv.Itoa(start)}, "maxResults": {strconv.Itoa(pageSize)}, "orderBy": {"-created"},
		}
		if expand != "" {
			params.Set("expand", expand)
		}
		k.path = path + "/comment?" + params.Encode()
		page := commentStream{}
		err := c.call(ctx, k, &page)
		spent := errors.Is(err, errTooLong)
		if err != nil && !spent {
			return err
		}
		for _, comment := range page.comments {
			visit(comment)
		}
		start += len(page.comments)
		k.limit -= page.bytes
		if spent || len(page.comments) == 0 || start >= page.total || k.limit <= 0 {
			return nil
		}
	}
}

// commentStream is a page of comments, decoded one by one.
type commentStream struct {
	comments []commentJSON
	total    int
	bytes    int64
}

func (s *commentStream) decodeFrom(d *json.Decoder) error {
	*s = commentStream{}
	found := false
	err := decodeObject(d, map[string]func() error{
		"total": func() error { return d.Decode(&s.total) },
		"comments": func() error {
			found = true
			return decodeArray(d, func() error {
				var comment commentJSON
				if err := d.Decode(&comment); err != nil {
					return err
				}
				s.comments = append(s.comments, comment)
				return nil
			})
		},
	})
	s.bytes = d.InputOffset()
	if err == nil && !found {
		err = errNotJira
	}
	return err
}
