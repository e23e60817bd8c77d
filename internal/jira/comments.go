package jira

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

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

// Comment writes a comment with its dedup key. It does not look for an earlier one.
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
	body := newComment{Body: wikitext.Limit(wikitext.Escape(n.Text), maxText)}
	dedup, err := json.Marshal(map[string]string{"mark": n.DedupKey})
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
