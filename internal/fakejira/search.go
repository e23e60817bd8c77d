package fakejira

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// searchCall is a search request of either flavour, from query or body.
type searchCall struct {
	JQL             string   `json:"jql"`
	Fields          []string `json:"fields"`
	Properties      []string `json:"properties"`
	MaxResults      *int     `json:"maxResults"`
	NextPageToken   string   `json:"nextPageToken"`
	ReconcileIssues []int64  `json:"reconcileIssues"`
	StartAt         int      `json:"startAt"`

	Expand        textList        `json:"expand"`
	FieldsByKeys  bool            `json:"fieldsByKeys"`
	ValidateQuery json.RawMessage `json:"validateQuery"`
}

// textList is a list of words: an array on Data Center, a string with commas
// on Cloud.
type textList []string

// UnmarshalJSON implements json.Unmarshaler.
func (l *textList) UnmarshalJSON(raw []byte) error {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		*l = splitList([]string{text})
		return nil
	}
	return json.Unmarshal(raw, (*[]string)(l))
}

// readSearch reads the request. Data Center takes no parameters of Cloud's and
// the other way round.
func (s *Server) readSearch(c *call) (searchCall, answer, bool) {
	if c.r.Method == http.MethodPost {
		var in searchCall
		ans, fine := c.decode(&in)
		if fine && s.opts.Flavour == DataCenter && (in.NextPageToken != "" || in.ReconcileIssues != nil) ||
			fine && s.opts.Flavour == Cloud && in.StartAt != 0 {
			return in, failure(http.StatusBadRequest, "Invalid request payload. Refer to the REST API documentation and try again."), false
		}
		return in, ans, fine
	}
	in := searchCall{
		JQL: c.query.Get("jql"), Fields: c.list("fields"), Properties: c.list("properties"), Expand: c.list("expand"),
		NextPageToken: c.query.Get("nextPageToken"),
	}
	start, ok1 := c.number("startAt", 0)
	size, ok2 := c.number("maxResults", 50)
	in.StartAt, in.MaxResults = start, &size
	for _, text := range c.list("reconcileIssues") {
		n, err := strconv.ParseInt(text, 10, 64)
		ok1 = ok1 && err == nil
		in.ReconcileIssues = append(in.ReconcileIssues, n)
	}
	if !ok1 || !ok2 {
		return in, failure(http.StatusBadRequest, "The query parameters are not valid."), false
	}
	return in, answer{}, true
}

// size is the page size asked for, at most limit.
func (in searchCall) size(s *Server, limit int) int {
	const usual = 50
	if in.MaxResults == nil {
		return s.cap(usual, limit)
	}
	return s.cap(*in.MaxResults, limit)
}

// searchRemoved is the search endpoint that Jira Cloud removed.
func (s *Server) searchRemoved(*call) answer {
	return failure(http.StatusGone, "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. "+
		"A full migration guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046")
}

// find gives the issues that a query selects, in its order.
func (s *Server) find(c *call, in searchCall) ([]*Issue, error) {
	q, err := parseJQL(in.JQL)
	if err != nil {
		return nil, err
	}
	if len(q.where) == 0 && s.opts.Flavour == Cloud {
		return nil, jqlError("Unbounded JQL queries are not allowed here. Please add a search restriction to your query.")
	}
	b := jqlBinder{s: s, who: c.who, now: c.now}
	match, err := b.bind(q.where)
	if err != nil {
		return nil, err
	}
	compare, err := b.compare(q.order)
	if err != nil {
		return nil, err
	}
	visible := map[string]bool{}
	for _, p := range s.world.projects {
		visible[p.Key] = may(c.who, BrowseProjects, p)
	}
	var found []*Issue
	indexed := c.now.Add(-s.opts.SearchLag)
	for _, r := range s.order {
		iss := r.asOf(indexed)
		if len(in.ReconcileIssues) > 0 && slices.Contains(in.ReconcileIssues, r.current().number()) {
			iss = r.current()
		}
		if iss != nil && !iss.Deleted && visible[iss.Project] && match(iss) {
			found = append(found, iss)
		}
	}
	slices.SortFunc(found, compare)
	return found, nil
}

// searchPaged is Data Center's search.
func (s *Server) searchPaged(c *call) answer {
	const limit = 1000
	in, ans, fine := s.readSearch(c)
	if !fine {
		return ans
	}
	found, err := s.find(c, in)
	if err != nil {
		return failure(http.StatusBadRequest, err.Error())
	}
	issues := []object{}
	size := in.size(s, limit)
	for _, iss := range slicePage(found, in.StartAt, size) {
		issues = append(issues, s.issueJSON(c, iss, selectFields(splitList(in.Fields), "*navigable"), nil, in.Expand))
	}
	return ok(object{"expand": "schema,names", "startAt": in.StartAt, "maxResults": size, "total": len(found), "issues": issues})
}

// searchJQL is Cloud's search. Pages are chained by tokens that tell the place
// and the query they belong to.
func (s *Server) searchJQL(c *call) answer {
	in, ans, fine := s.readSearch(c)
	if !fine {
		return ans
	}
	const reconcile, properties = 50, 5
	if len(in.ReconcileIssues) > reconcile {
		return failure(http.StatusBadRequest, "The maximum number of issues to reconcile is 50.")
	}
	if len(in.Properties) > properties {
		return failure(http.StatusBadRequest, "At most 5 issue properties can be requested.")
	}
	start, fine := in.start()
	if !fine {
		return failure(http.StatusBadRequest, "The next page token is not valid.")
	}
	found, err := s.find(c, in)
	if err != nil {
		return failure(http.StatusBadRequest, err.Error())
	}
	page := slicePage(found, start, in.size(s, in.limit()))
	issues := []object{}
	for _, iss := range page {
		issues = append(issues, s.foundJSON(iss, in, c))
	}
	end := start + len(page)
	o := object{"issues": issues, "isLast": end >= len(found) || s.opts.LastBesideToken}
	if end < len(found) {
		o["nextPageToken"] = in.token(end)
	}
	return ok(o)
}

// limit is the most issues on a page of Cloud's: fewer where more is asked of
// each.
func (in searchCall) limit() int {
	const bare, full = 5000, 100
	if in.onlyIDs() {
		return bare
	}
	return full
}

func (in searchCall) onlyIDs() bool {
	fields := splitList(in.Fields)
	return len(in.Properties) == 0 && len(in.Expand) == 0 && (len(fields) == 0 || slices.Equal(fields, []string{"id"}))
}

// foundJSON is one result of Cloud's search: nothing but the id unless more
// was asked for.
func (s *Server) foundJSON(iss *Issue, in searchCall, c *call) object {
	if in.onlyIDs() {
		return object{"id": iss.ID}
	}
	o := s.issueJSON(c, iss, selectFields(splitList(in.Fields), "id"), in.Properties, in.Expand)
	if fields, isObject := o["fields"].(object); isObject && len(fields) == 0 {
		delete(o, "fields")
	}
	return o
}

func (in searchCall) token(at int) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d;%s", at, in.JQL))
}

// start is the place that the page token stands for.
func (in searchCall) start() (int, bool) {
	if in.NextPageToken == "" {
		return 0, true
	}
	raw, err := base64.RawURLEncoding.DecodeString(in.NextPageToken)
	if err != nil {
		return 0, false
	}
	place, jql, _ := strings.Cut(string(raw), ";")
	at, err := strconv.Atoi(place)
	return at, err == nil && at >= 0 && jql == in.JQL
}
