package jira

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"teleport-jira/internal/access"
)

const (
	// requestProperty is the issue property that holds the request's id; the
	// existing teleport-jira plugin writes it too.
	requestProperty = "teleportAccessRequestId"
	// markProperty is the comment property that holds a notice's mark.
	markProperty = "teleport-jira"
	// holderProperty is the issue property that says who reserved the issue.
	holderProperty = "teleport-jira-holder"
	pageSize       = 100
	// mostPages ends paging through a list that never ends.
	mostPages = 1000
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

// name is how errors name an issue.
func name(ref access.IssueRef) string { return cmp.Or(ref.Key, ref.ID) }

// Issue reads an issue by id or key: one call, unless the changelog or the
// comments are longer than what Jira puts into it. access.ErrNotFound when it
// is deleted or invisible; a login that expired is told from that.
func (c *Client) Issue(ctx context.Context, idOrKey string) (*access.Issue, error) {
	k := call{op: "read issue", key: idOrKey, method: http.MethodGet, endpoint: "/issue/{issue}", read: true}
	path, err := issuePath(idOrKey)
	if err != nil {
		return nil, k.error(access.Permanent, err)
	}
	k.path = path + query("fields", "status,labels,project,comment,updated", "expand", "changelog",
		"properties", requestProperty+","+holderProperty)
	var raw issueJSON
	if err := c.do(ctx, k, &raw); err != nil {
		return nil, c.trueNotFound(ctx, err)
	}
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
		Ref: raw.ref(), Project: string(raw.Fields.Project.Key), Status: raw.Fields.Status.status(),
		Holder: raw.holder(),
		Labels: raw.labels(), RequestID: raw.requestID(),
	}
	if issue.LastChange, err = c.lastMove(ctx, k, path, raw); err != nil {
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

// lastMove finds the change that brought the issue into its current status;
// nil when the changelog does not show it.
func (c *Client) lastMove(ctx context.Context, k call, path string, raw issueJSON) (*access.StatusChange, error) {
	if raw.Changelog == nil {
		return nil, nil
	}
	entries := raw.Changelog.all()
	project := string(raw.Fields.Project.Key)
	move, by, found := newestMove(entries, project)
	if !found && raw.Changelog.Total > len(entries) {
		info, err := c.info(ctx)
		if err != nil {
			return nil, err
		}
		if info.cloud { // Data Center answers all of it
			if entries, err = c.changelog(ctx, k, path); err != nil {
				return nil, err
			}
			move, by, found = newestMove(entries, project)
		}
	}
	current := raw.Fields.Status.status()
	if !found || move.To.ID != current.ID && (move.To.ID != "" || !move.To.Is(current.Name)) {
		return nil, nil
	}
	var err error
	if move.By, err = c.complete(ctx, by.actor(), by); err != nil {
		return nil, err
	}
	return &move, nil
}

// newestMove is the newest change of status among entries in any order, of an
// issue that is in the project now. An issue's newest change decides: an older
// one that led to the same status was another move. Its author is as the entry
// shows them.
func newestMove(entries []history, project string) (move access.StatusChange, by account, found bool) {
	slices.SortStableFunc(entries, func(a, b history) int {
		return cmp.Or(b.Created.Compare(a.Created.Time), compareIDs(string(b.ID), string(a.ID)))
	})
	for _, entry := range entries {
		at := project
		before, left := entry.leftProject()
		if left || entry.chosen() {
			at = ""
		}
		for _, item := range slices.Backward(entry.Items) {
			if item.isStatus() {
				return access.StatusChange{
					ID: string(entry.ID), At: entry.Created.Time, From: item.from(), To: item.to(), Project: at,
				}, entry.Author, true
			}
		}
		if left {
			project = before
		}
	}
	return access.StatusChange{}, account{}, false
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

// changelog reads the whole changelog from Cloud's own endpoint.
func (c *Client) changelog(ctx context.Context, k call, path string) ([]history, error) {
	k.endpoint = "/issue/{issue}/changelog"
	var all []history
	for range mostPages {
		k.path = path + "/changelog" + query("startAt", strconv.Itoa(len(all)), "maxResults", strconv.Itoa(pageSize))
		var page historyPage
		if err := c.do(ctx, k, &page); err != nil {
			return nil, err
		}
		all = append(all, page.all()...)
		if page.IsLast || len(page.all()) == 0 || len(all) >= page.Total {
			return all, nil
		}
	}
	return all, nil
}

// allComments is what the issue carried, or all pages where that was not all.
func (c *Client) allComments(ctx context.Context, k call, path string, page *commentPage) ([]access.Comment, error) {
	var raw []commentJSON
	if page != nil {
		raw = page.Comments
	}
	if page == nil || page.Total > len(raw) {
		var err error
		if raw, err = c.comments(ctx, k, path, ""); err != nil {
			return nil, err
		}
	}
	comments := make([]access.Comment, 0, len(raw))
	for _, r := range raw {
		comments = append(comments, r.comment())
	}
	slices.SortStableFunc(comments, func(a, b access.Comment) int {
		return cmp.Or(a.Created.Compare(b.Created), compareIDs(a.ID, b.ID))
	})
	return comments, nil
}

// comments reads all comments of an issue.
func (c *Client) comments(ctx context.Context, k call, path, expand string) ([]commentJSON, error) {
	k.endpoint = "/issue/{issue}/comment"
	var all []commentJSON
	for range mostPages {
		params := url.Values{"startAt": {strconv.Itoa(len(all))}, "maxResults": {strconv.Itoa(pageSize)}}
		if expand != "" {
			params.Set("expand", expand)
		}
		k.path = path + "/comment?" + params.Encode()
		var page commentPage
		if err := c.do(ctx, k, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Comments...)
		if len(page.Comments) == 0 || len(all) >= page.Total {
			return all, nil
		}
	}
	return all, nil
}
