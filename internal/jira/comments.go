package jira

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"teleport-jira/internal/access"
	"teleport-jira/internal/wikitext"
)

const (
	// maxText is the longest description or comment, after escaping. Data
	// Center's administrators may set less.
	maxText = 32767
	// internalProperty makes a comment an internal note in Jira Service
	// Management.
	internalProperty = "sd.public.comment"
)

// newComment is a comment to be written. go-jira's own type carries no
// properties, so that an internal note sent through it would be public.
type newComment struct {
	Body       string     `json:"body"`
	Properties []property `json:"properties"`
}

// mark is the value of the property by which a comment is found again, and what
// it says for programs.
type mark struct {
	Mark  string          `json:"mark"`
	From  access.UnixTime `json:"from,omitempty"`
	Until access.UnixTime `json:"until,omitempty"`
	Ended access.End      `json:"ended,omitempty"`
}

func markOf(n access.CommentDraft) mark {
	return mark{Mark: n.DedupKey, From: n.Access.From, Until: n.Access.Until, Ended: n.Access.End}
}

// Comment writes a comment with its dedup key. It does not look for an earlier one.
// A text that Jira refuses is reduced to what it can store: at once after a
// refusal, which has no effect, and with the next call after failures, see
// wordings.
// Where comments are internal and Jira does not confirm that this one is, the
// error is permanent, and ambiguous: the comment stands, customers may see it, and
// it has to be found rather than repeated.
func (c *Client) Comment(ctx context.Context, ref access.IssueRef, n access.CommentDraft) error {
	path, err := refPath(ref)
	k := call{
		op: "comment on issue", key: refName(ref), method: http.MethodPost,
		endpoint: "/issue/{issue}/comment", path: path + "/comment", issue: path, wantStatus: http.StatusCreated,
	}
	if err != nil {
		return k.error(access.Permanent, err)
	}
	var texts []string
	for _, text := range reductionsOf(n) {
		texts = append(texts, wikitext.Escape(text))
	}
	return c.writeComment(ctx, k, markOf(n), texts)
}

// writeComment writes the first of the texts that Jira takes, which are wiki
// markup.
func (c *Client) writeComment(ctx context.Context, k call, m mark, texts []string) error {
	text := k.key + " " + m.Mark
	for i := c.reductions.first(text, len(texts)); ; i++ {
		err := c.sendComment(ctx, k, m, texts[i])
		c.reductions.note(text, err)
		if i > 0 && err == nil {
			c.log.Warn("jira does not store the full text of a comment, it was reduced", "issue_key", k.key, "about", m.Mark)
		}
		if i == len(texts)-1 || !isStatus(err, http.StatusBadRequest) {
			return err
		}
	}
}

// sendComment makes one try to write a comment.
func (c *Client) sendComment(ctx context.Context, k call, m mark, text string) error {
	body := newComment{Body: wikitext.Limit(text, maxText)}
	dedup, err := json.Marshal(m)
	if err != nil {
		return k.error(access.Permanent, err)
	}
	body.Properties = append(body.Properties, property{Key: dedupProperty, Value: dedup})
	internal := c.cfg.CommentVisibility == Internal
	if internal {
		body.Properties = append(body.Properties, property{Key: internalProperty, Value: json.RawMessage(`{"internal":true}`)})
	}
	k.body = body
	var answer commentJSON
	if err := c.call(ctx, k, &answer); err != nil {
		return c.trueNotFound(ctx, err)
	}
	if internal && (answer.JSDPublic == nil || *answer.JSDPublic) {
		e := k.error(access.Permanent, errors.New("the comment is not internal: "+
			"comment_visibility = \"internal\" needs a Jira Service Management project and an agent's account"))
		e.Ambiguous = true
		return e
	}
	return nil
}

// CommentKeys lists the dedup keys of the daemon's comments on the issue. Anybody
// who may edit comments could have set them: they keep a comment from being repeated,
// and decide nothing else. Only the daemon's own comments count.
func (c *Client) CommentKeys(ctx context.Context, ref access.IssueRef) (map[string]bool, error) {
	k := call{op: "read comments of issue", key: refName(ref), method: http.MethodGet, read: true}
	path, err := refPath(ref)
	if err != nil {
		return nil, k.error(access.Permanent, err)
	}
	self := c.Self()
	keys := map[string]bool{}
	err = c.eachComment(ctx, k, path, "properties", func(comment commentJSON) {
		if author := comment.Author.actor(); self.ID != "" && !c.isOwn(author) {
			return
		}
		if key := comment.dedupKey(); key != "" {
			keys[key] = true
		}
	})
	if err != nil {
		return nil, c.trueNotFound(ctx, err)
	}
	return keys, nil
}

// AccessOf returns what the daemon's comments on the issue say of the request's
// access: the newest that says something. Whoever may edit the daemon's comments
// could have set it: it is told, and decides nothing.
func (c *Client) AccessOf(ctx context.Context, ref access.IssueRef) (access.Period, error) {
	k := call{op: "read comments of issue", key: refName(ref), method: http.MethodGet, read: true}
	path, err := refPath(ref)
	if err != nil {
		return access.Period{}, k.error(access.Permanent, err)
	}
	self := c.Self()
	var found access.Period
	err = c.eachComment(ctx, k, path, "properties", func(comment commentJSON) {
		if found.Until != 0 || self.ID != "" && !c.isOwn(comment.Author.actor()) {
			return
		}
		found, _ = comment.access()
	})
	if err != nil {
		return access.Period{}, c.trueNotFound(ctx, err)
	}
	return found, nil
}

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
func (c *Client) eachComment(ctx context.Context, k call, path, expand string, handle func(commentJSON)) error {
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
			handle(comment)
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
