package jira

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"teleport-jira/internal/access"
	"teleport-jira/internal/wikitext/templates"
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

// issueFields are the fields that are read of an issue, but for those that
// anybody may fill without end.
const issueFields = "status,project,updated,created,creator,summary,description"

// Issue reads an issue by id or key: one call, unless the changelog or the
// comments are longer than what Jira puts into it, or the issue is larger than
// what is read at once. Of a large issue Labels are left out, the comments are
// those of LastChange's author, and HistoryFault is set where the changelog was
// longer than what is read of one. access.ErrNotFound when it is deleted or
// invisible; a login that expired is told from that.
func (c *Client) Issue(ctx context.Context, idOrKey string) (*access.Issue, error) {
	k := call{op: "read issue", key: idOrKey, method: http.MethodGet, endpoint: "/issue/{issue}", read: true}
	path, err := issuePath(idOrKey)
	if err != nil {
		return nil, k.error(access.Permanent, err)
	}
	properties := requestProperty + "," + clusterProperty + "," + holderProperty
	k.path = path + query("fields", issueFields+",labels,comment", "expand", "changelog", "properties", properties)
	k.limit = maxIssueAnswer
	began := time.Now()
	var raw issueJSON
	err = c.call(ctx, k, &raw)
	inParts := errors.Is(err, errTooLong)
	k.limit = 0
	if inParts {
		c.noteLarge(idOrKey)
		k.path = path + query("fields", issueFields, "properties", properties)
		began, raw = time.Now(), issueJSON{}
		err = c.call(ctx, k, &raw)
	}
	if err != nil {
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
	issue := raw.issue(began)
	issue.Project = c.projectKey(raw.Fields.Project)
	c.names.saw(issue.Status)
	if inParts {
		err = c.readLongHistory(ctx, k, path, issue)
	} else {
		err = c.readHistory(ctx, k, path, raw, issue)
	}
	if err != nil {
		return nil, err
	}
	if issue.Comments, err = c.issueComments(ctx, k, path, raw.Fields.Comment, issue.LastChange); err != nil {
		return nil, err
	}
	return issue, nil
}

// issue is the issue without what the changelog and the comments show.
func (i issueJSON) issue(readAt time.Time) *access.Issue {
	return &access.Issue{
		Ref: i.ref(), Project: string(i.Fields.Project.Key), Status: i.Fields.Status.status(),
		Holder: i.holder(),
		Labels: i.labels(), RequestID: i.requestID(), RequestIDInvalid: i.requestIDInvalid(), Cluster: i.cluster(),
		Created: i.Fields.Created.Time, Creator: i.Fields.Creator.actor(),
		Summary: string(i.Fields.Summary), Description: string(i.Fields.Description), ReadAt: readAt,
	}
}

// noteLarge counts an issue that is read in parts, and warns of it once an hour.
func (c *Client) noteLarge(idOrKey string) {
	c.oversized.WithLabelValues(readInParts).Inc()
	if c.largeIssues.First(idOrKey) {
		c.log.Warn("issue is too large to be read at once, it is read in parts", "issue", idOrKey,
			"fix", "look at its comments, labels and history: who filled it up?")
	}
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
