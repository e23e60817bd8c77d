package jira

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"teleport-jira/internal/access"
)

const (
	// requestProperty is the issue property that holds the request's id; the
	// existing teleport-jira plugin writes it too.
	requestProperty = "teleportAccessRequestId"
	// dedupProperty is the comment property that holds a comment's dedup key.
	dedupProperty = "teleport-jira"
	// clusterProperty is the issue property that holds the name of the Teleport
	// cluster whose daemon created the issue.
	clusterProperty = "teleportCluster"
	// holderProperty is the issue property that says who reserved the issue.
	holderProperty = "teleport-jira-holder"
	pageSize       = 100
	// maxPages ends paging through a list that never ends.
	maxPages = 1000
)

// issuePath is the path of an issue named by id or key. Anything else is
// refused: it could lead to another resource.
func issuePath(idOrKey string) (string, error) {
	if isID(idOrKey) {
		return "/issue/" + idOrKey, nil
	}
	key, err := access.ParseIssueKey(idOrKey)
	if err != nil {
		return "", fmt.Errorf("not an issue id or key: %.60q", idOrKey)
	}
	return "/issue/" + key, nil
}

// isID reports whether s is a number, as which Jira gives all ids.
func isID(s string) bool {
	_, err := access.ParseIssueID(s)
	return err == nil
}

// validRef reports whether ref has an id and a key that may go into a path.
func validRef(ref access.IssueRef) bool {
	_, err := access.ParseIssueKey(ref.Key)
	return err == nil && isID(ref.ID)
}

// refPath is the path of an issue that the daemon knows. The id is the truth;
// a key alone serves where nothing else is known.
func refPath(ref access.IssueRef) (string, error) {
	if ref.ID == "" {
		return issuePath(ref.Key)
	}
	id, err := access.ParseIssueID(ref.ID)
	if err != nil {
		return "", err
	}
	return "/issue/" + id, nil
}

// errNoIssue: Jira shows every issue with its status.
var errNoIssue = errors.New("the answer is no issue; is there a proxy in between?")

// refName is how errors name an issue.
func refName(ref access.IssueRef) string { return cmp.Or(ref.Key, ref.ID) }

// Issue reads an issue by id or key: one call, unless the changelog or the
// comments are longer than what Jira puts into it. access.ErrNotFound when it
// is deleted or invisible; a login that expired is told from that.
func (c *Client) Issue(ctx context.Context, idOrKey string) (*access.Issue, error) {
	k := call{op: "read issue", key: idOrKey, method: http.MethodGet, endpoint: "/issue/{issue}", read: true}
	path, err := issuePath(idOrKey)
	if err != nil {
		return nil, k.error(access.Permanent, err)
	}
	k.path = path + query("fields", "status,labels,project,comment,updated,created,creator,summary,description",
		"expand", "changelog", "properties", requestProperty+","+clusterProperty+","+holderProperty)
	began := time.Now()
	var raw issueJSON
	if err := c.call(ctx, k, &raw); err != nil {
		return nil, c.trueNotFound(ctx, err)
	}
	c.noteStatus(raw.Fields.Status.status())
	path, err = refPath(raw.ref())
	if err == nil && raw.Fields.Status.status() == (access.Status{}) {
		err = errNoIssue
	}
	if err == nil && isID(idOrKey) && raw.ref().ID != idOrKey {
		err = errors.New("the answer is about another issue")
	}
	if err != nil {
		return nil, k.error(access.Temporary, err)
	}
	issue := &access.Issue{
		Ref: raw.ref(), Project: c.projectKey(raw.Fields.Project), Status: raw.Fields.Status.status(),
		Holder: raw.holder(),
		Labels: raw.labels(), RequestID: raw.requestID(), RequestIDInvalid: raw.requestIDInvalid(), Cluster: raw.cluster(),
		Created: raw.Fields.Created.Time, Creator: raw.Fields.Creator.actor(),
		Summary: string(raw.Fields.Summary), Description: string(raw.Fields.Description), ReadAt: began,
	}
	c.names.saw(issue.Status)
	if err := c.readHistory(ctx, k, path, raw, issue); err != nil {
		return nil, err
	}
	if issue.Comments, err = c.allComments(ctx, k, path, raw.Fields.Comment); err != nil {
		return nil, err
	}
	return issue, nil
}

// trueNotFound makes sure that a 404 does not come from a login that expired:
// Jira may take such calls for an anonymous visitor's.
func (c *Client) trueNotFound(ctx context.Context, err error) error {
	if !errors.Is(err, access.ErrNotFound) {
		return err
	}
	if _, login := c.myself(ctx); login != nil {
		return login
	}
	return err
}

// Reserve writes holder on the issue, over whoever stood there. The last one
// who did stands there when it is read again. Anybody who may edit the issue
// could write there, too, and delay its closing.
func (c *Client) Reserve(ctx context.Context, ref access.IssueRef, holder string) error {
	path, err := refPath(ref)
	k := call{
		op: "reserve issue", key: refName(ref), method: http.MethodPut,
		endpoint: "/issue/{issue}/properties/{property}", path: path + "/properties/" + holderProperty,
		issue: path, body: holder,
	}
	if err != nil {
		return k.error(access.Permanent, err)
	}
	if err := c.call(ctx, k, nil); err != nil {
		return c.trueNotFound(ctx, err)
	}
	return nil
}
