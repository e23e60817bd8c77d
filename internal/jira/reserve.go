package jira

import (
	"context"
	"net/http"

	"teleport-jira/internal/access"
)

// Reserve writes holder on the issue, over whoever stood there. The last one
// who did stands there when it is read again. Anybody who may edit the issue
// could write there, too, and delay its closing.
func (c *Client) Reserve(ctx context.Context, ref access.IssueRef, holder string) error {
	path, err := refPath(ref)
	k := call{
		op: "reserve issue", key: name(ref), method: http.MethodPut,
		endpoint: "/issue/{issue}/properties/{property}", path: path + "/properties/" + holderProperty,
		issue: path, body: holder,
	}
	if err != nil {
		return k.error(access.Permanent, err)
	}
	if err := c.do(ctx, k, nil); err != nil {
		return c.trueNotFound(ctx, err)
	}
	return nil
}
