package jira

import (
	"context"
	"net/http"

	"teleport-jira/internal/access"
	"teleport-jira/internal/wikitext/templates"
)

// RestoreText gives the issue the summary and the description that CreateIssue
// gives it. A field that is not on the edit screen keeps nothing else from being
// restored: the error is permanent where one is left as it is.
func (c *Client) RestoreText(ctx context.Context, ref access.IssueRef, d access.Draft) error {
	k := call{op: "restore text of issue", key: refName(ref), method: http.MethodPut, endpoint: "/issue/{issue}"}
	path, err := refPath(ref)
	if err != nil {
		return k.error(access.Permanent, err)
	}
	data := templates.DataOf(d)
	fields := map[string]any{"summary": c.summary(data), "description": c.description(data)}
	k.path, k.issue, k.body = path, path, map[string]any{"fields": fields}
	refused := c.call(ctx, k, nil)
	left := refusedFields(refused, fields)
	if len(left) == 0 || len(left) == len(fields) {
		return refused
	}
	for _, field := range left {
		delete(fields, field)
	}
	if err := c.call(ctx, k, nil); err != nil {
		return err
	}
	return refused
}
