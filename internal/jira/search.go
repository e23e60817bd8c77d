package jira

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"teleport-jira/internal/access"
)

// maxUpdatedSince is as good as any time: no issue of the daemon's is older.
const maxUpdatedSince = 10 * 365 * 24 * time.Hour

// searchBody is a search on either deployment. Cloud pages by token and
// answers ids alone unless fields are named; Data Center pages by position.
type searchBody struct {
	JQL           string   `json:"jql"`
	Fields        []string `json:"fields"`
	MaxResults    int      `json:"maxResults"`
	Properties    []string `json:"properties,omitempty"`
	NextPageToken string   `json:"nextPageToken,omitempty"`
	StartAt       int      `json:"startAt,omitempty"`
}

type searchPage struct {
	Issues        []issueJSON `json:"issues"`
	NextPageToken string      `json:"nextPageToken"`
	IsLast        bool        `json:"isLast"`
	Total         int         `json:"total"`
	left          int         // issues of the page that were left out
}

// count is how many issues the page had.
func (p searchPage) count() int { return len(p.Issues) + p.left }

// firstID is the id of the page's first issue.
func (p searchPage) firstID() string {
	if len(p.Issues) == 0 {
		return ""
	}
	return string(p.Issues[0].ID)
}

func (p *searchPage) isComplete() bool { return p.Issues != nil }

// FindIssues searches the configured projects for issues with the request's
// label, oldest first. Search lags writes by seconds or more.
func (c *Client) FindIssues(ctx context.Context, id access.RequestID) ([]access.IssueSummary, error) {
	k := call{op: "find issues of request", key: string(id), essential: true}
	c.proveFurther(ctx)
	if _, err := access.ParseRequestID(string(id)); err != nil {
		return nil, k.error(access.Permanent, err)
	}
	find := func(created string) (found []access.IssueSummary, err error) {
		jql := fmt.Sprintf("project in (%s) AND labels = %s AND %s ORDER BY created ASC, key ASC", c.projectList(), quoteJQL(id.Label()), created)
		for issue, err := range c.search(ctx, k, jql) {
			if err != nil {
				return nil, err
			}
			if slices.Contains(issue.Labels, id.Label()) { // the search folds case
				found = append(found, issue)
			}
		}
		return found, nil
	}
	found, err := find(c.ownIssues())
	if len(c.cfg.EarlierAccounts) > 0 && isBadRequest(err) { // an account that is gone
		return find(createdBySelf)
	}
	return found, err
}

// Search lists the issues that this daemon's account created and that match
// the query, oldest first, page by page. After an error it yields no more.
//
// Jira refuses a query that names a status or an account it does not know. Then
// the statuses are compared here instead, and at last only the issues of the
// present account are listed, so that one misspelt name does not end all polling.
func (c *Client) Search(ctx context.Context, q access.IssueQuery) iter.Seq2[access.IssueSummary, error] {
	k := call{op: "search issues", essential: true}
	c.proveFurther(ctx)
	bare := access.IssueQuery{UpdatedSince: q.UpdatedSince}
	queries := []string{c.jql(q, c.ownIssues()), c.jql(bare, c.ownIssues())}
	if len(c.cfg.EarlierAccounts) > 0 {
		queries = append(queries, c.jql(bare, createdBySelf))
	}
	return func(yield func(access.IssueSummary, error) bool) {
		for i, jql := range queries {
			attempt := k
			if i < len(queries)-1 {
				attempt.fallbackOn = []int{http.StatusBadRequest}
			}
			refused := false
			for issue, err := range c.search(ctx, attempt, jql) {
				if refused = len(attempt.fallbackOn) > 0 && isBadRequest(err); refused {
					c.warnOfQuery(jql, err)
					break
				}
				if err == nil && i > 0 && !selects(q, issue.Status) {
					continue
				}
				if !yield(issue, err) {
					return
				}
			}
			if !refused {
				return
			}
		}
	}
}

func isBadRequest(err error) bool {
	var e *access.Error
	return errors.As(err, &e) && e.Status == http.StatusBadRequest
}

// warnOfQuery says once that Jira refuses a query by what is configured.
func (c *Client) warnOfQuery(jql string, err error) {
	where, _, _ := strings.Cut(jql, " AND updated >=") // which changes with every poll
	if c.statuses.logged.First(where) {
		c.log.Warn("jira refuses a query by the configured names and goes on being asked without them: correct jira.statuses or jira.earlier_accounts",
			"error", err)
	}
}

// selects reports whether the query asks for issues in the status.
func selects(q access.IssueQuery, s access.Status) bool {
	return (len(q.Statuses) == 0 || slices.ContainsFunc(q.Statuses, s.Is)) && !slices.ContainsFunc(q.NotStatuses, s.Is)
}

// jql is the query in Jira's language. It is bounded by project, as Cloud
// demands. Pages are ordered by creation, which no update changes meanwhile.
func (c *Client) jql(q access.IssueQuery, created string) string {
	clauses := []string{"project in (" + c.projectList() + ")", created}
	if len(q.Statuses) > 0 {
		clauses = append(clauses, "status in ("+jqlList(q.Statuses)+")")
	}
	if len(q.NotStatuses) > 0 {
		clauses = append(clauses, "status not in ("+jqlList(q.NotStatuses)+")")
	}
	if q.UpdatedSince > 0 && q.UpdatedSince < maxUpdatedSince {
		minutes := int64((q.UpdatedSince + time.Minute - 1) / time.Minute)
		clauses = append(clauses, fmt.Sprintf("updated >= -%dm", minutes))
	}
	return strings.Join(clauses, " AND ") + " ORDER BY created ASC, key ASC"
}

func jqlList(values []string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = quoteJQL(v)
	}
	return strings.Join(quoted, ", ")
}

// search pages through what matches jql.
func (c *Client) search(ctx context.Context, k call, jql string) iter.Seq2[access.IssueSummary, error] {
	return func(yield func(access.IssueSummary, error) bool) {
		info, err := c.info(ctx)
		if err == nil {
			// To an anonymous visitor there is nothing to be found.
			err = c.proveLogin(ctx)
		}
		if err != nil {
			yield(access.IssueSummary{}, err)
			return
		}
		k.method, k.read = http.MethodPost, true
		body := searchBody{JQL: jql, Fields: []string{"status", "labels", "project", "updated"}, MaxResults: pageSize}
		k.endpoint = "/search"
		if info.cloud {
			k.endpoint, body.Properties = "/search/jql", []string{requestProperty, clusterProperty}
		}
		size := pageSize
		for {
			body.MaxResults = size
			page, err := c.searchPage(ctx, k, body)
			if errors.Is(err, errTooLong) && size > 1 {
				size /= 2
				continue
			}
			if errors.Is(err, errTooLong) {
				page, err = c.searchWithout(ctx, k, body)
			}
			if err != nil {
				yield(access.IssueSummary{}, err)
				return
			}
			size = min(2*size, pageSize)
			for _, issue := range page.Issues {
				c.names.saw(issue.Fields.Status.status())
				if !yield(c.summaryOf(issue), nil) {
					return
				}
			}
			body.StartAt += page.count()
			if last(info.cloud, body, page) {
				return
			}
			body.NextPageToken = page.NextPageToken
			if info.cloud {
				body.StartAt = 0
			}
		}
	}
}

// searchWithout asks for a page of one issue that is too large to be read. It
// asks for less of it; where that is too much still the issue is left out.
func (c *Client) searchWithout(ctx context.Context, k call, body searchBody) (searchPage, error) {
	body.Fields = []string{"status", "project", "updated"} // labels are what people may fill
	page, err := c.searchPage(ctx, k, body)
	if err == nil {
		c.noteLarge(page.firstID())
	}
	if !errors.Is(err, errTooLong) {
		return page, err
	}
	body.Fields, body.Properties = []string{"id"}, nil
	if page, err = c.searchPage(ctx, k, body); err != nil {
		return page, err
	}
	c.oversized.WithLabelValues(leftOut).Inc()
	if c.largeIssues.First("search/" + page.firstID()) {
		c.log.Error("issue is too large to be listed, it is left out", "issue", page.firstID(),
			"fix", "shorten or delete it; its request can be decided in teleport")
	}
	page.left, page.Issues = len(page.Issues), page.Issues[:0]
	return page, nil
}

// searchPage asks for a page by POST, which takes queries of any length. Where a
// gateway lets no POST through to a search, Jira takes the same by GET.
func (c *Client) searchPage(ctx context.Context, k call, body searchBody) (page searchPage, err error) {
	post := k
	post.path, post.body, post.fallbackOn = k.endpoint, body, append(slices.Clone(k.fallbackOn), http.StatusMethodNotAllowed)
	err = c.call(ctx, post, &page)
	var refused *access.Error
	if !errors.As(err, &refused) || refused.Status != http.StatusMethodNotAllowed {
		return page, err
	}
	pairs := []string{
		"jql", body.JQL, "fields", strings.Join(body.Fields, ","), "maxResults", strconv.Itoa(body.MaxResults),
	}
	switch {
	case k.endpoint == "/search":
		pairs = append(pairs, "startAt", strconv.Itoa(body.StartAt))
	case body.NextPageToken != "":
		pairs = append(pairs, "nextPageToken", body.NextPageToken, "properties", strings.Join(body.Properties, ","))
	default:
		pairs = append(pairs, "properties", strings.Join(body.Properties, ","))
	}
	k.method, k.path = http.MethodGet, k.endpoint+query(pairs...)
	page = searchPage{}
	return page, c.call(ctx, k, &page)
}

// last reports whether a page is the last one. Jira may answer fewer issues a
// page than it was asked for. On Cloud a token to go on with counts, and not
// isLast, which has been seen to be true beside one; only an empty page is
// believed to be the last.
func last(cloud bool, body searchBody, page searchPage) bool {
	if cloud {
		return page.NextPageToken == "" || page.NextPageToken == body.NextPageToken || page.IsLast && len(page.Issues) == 0
	}
	return page.count() == 0 || body.StartAt >= page.Total
}

// createdBySelf is the clause of a query that selects the issues of the present
// account.
const createdBySelf = "creator = currentUser()"

// ownIssues is the clause of a query that selects the issues that the daemon
// created.
func (c *Client) ownIssues() string {
	if len(c.cfg.EarlierAccounts) == 0 {
		return createdBySelf
	}
	return "creator in (currentUser(), " + jqlList(c.cfg.EarlierAccounts) + ")"
}
