package fakejira

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// jqlMatch reports whether an issue fulfils a condition.
type jqlMatch func(*Issue) bool

// jqlBinder resolves the names in a query: what does not exist is an error, as
// in Jira.
type jqlBinder struct {
	s   *Server
	who *Account
	now time.Time
}

// bind is the conjunction of the clauses.
func (b jqlBinder) bind(clauses []jqlClause) (jqlMatch, error) {
	var all []jqlMatch
	for _, c := range clauses {
		match, err := b.clause(c)
		if err != nil {
			return nil, err
		}
		all = append(all, match)
	}
	return func(i *Issue) bool {
		return !slices.ContainsFunc(all, func(match jqlMatch) bool { return !match(i) })
	}, nil
}

// clause binds one comparison.
func (b jqlBinder) clause(c jqlClause) (jqlMatch, error) {
	unsupported := jqlError(fmt.Sprintf("The operator '%s' is not supported by the '%s' field.", c.op, c.field))
	if c.field == "updated" || c.field == "created" {
		if c.op != ">=" {
			return nil, unsupported
		}
		return b.since(c)
	}
	if !slices.Contains([]string{"project", "status", "issuetype", "creator", "labels"}, c.field) {
		return nil, jqlError(fmt.Sprintf("Field '%s' does not exist or you do not have permission to view it.", c.field))
	}
	if c.op == ">=" {
		return nil, unsupported
	}
	var wanted []string
	for _, v := range c.values {
		ids, err := b.resolve(c.field, v)
		if err != nil {
			return nil, err
		}
		wanted = append(wanted, ids...)
	}
	in := func(i *Issue) bool {
		return slices.ContainsFunc(jqlValues(i, c.field), func(v string) bool { return slices.Contains(wanted, v) })
	}
	if c.op == "not in" {
		// Jira's negation leaves out issues that have no value at all.
		return func(i *Issue) bool { return len(jqlValues(i, c.field)) > 0 && !in(i) }, nil
	}
	return in, nil
}

// jqlValues are an issue's values of a field, in the form that resolve gives.
// Labels are indexed in lower case, so that a search for "A" finds "a" too.
func jqlValues(i *Issue, field string) []string {
	switch field {
	case "project":
		return []string{i.Project}
	case "status":
		return []string{i.Status.ID}
	case "issuetype":
		return []string{i.Type.ID}
	case "creator":
		return []string{i.Creator}
	}
	labels := make([]string, len(i.Labels))
	for n, l := range i.Labels {
		labels[n] = strings.ToLower(l)
	}
	return labels
}

// resolve turns a value of the query into what jqlValues gives for it.
func (b jqlBinder) resolve(field, text string) ([]string, error) {
	var found []string
	switch field {
	case "project":
		if p := b.s.world.project(text); p != nil && may(b.who, BrowseProjects, p) {
			found = []string{p.Key}
		}
	case "status":
		for _, st := range b.s.world.statuses {
			if st.ID == text || strings.EqualFold(st.Name, text) {
				found = append(found, st.ID)
			}
		}
	case "issuetype":
		for _, p := range b.s.world.projects {
			if t, known := p.issueType(text); known {
				found = append(found, t.ID)
			}
		}
	case "creator":
		return b.person(text)
	default:
		if text == currentUser {
			return nil, jqlError("Unable to find JQL function 'currentUser()' for the field '" + field + "'.")
		}
		return []string{strings.ToLower(text)}, nil
	}
	if found == nil {
		return nil, jqlError(fmt.Sprintf("The value '%s' does not exist for the field '%s'.", text, field))
	}
	return found, nil
}

// person is an account by id, and the caller's by the function: nobody where
// nobody is logged in.
func (b jqlBinder) person(text string) ([]string, error) {
	switch {
	case text == currentUser && b.who == nil:
		return nil, nil
	case text == currentUser:
		return []string{b.who.ID}, nil
	case b.s.world.account(text) == nil:
		return nil, jqlError(fmt.Sprintf("The value '%s' does not exist for the field 'creator'.", text))
	}
	return []string{text}, nil
}

var (
	jqlPeriod = regexp.MustCompile(`^-(\d+[wdhm]\s*)+$`)
	jqlPart   = regexp.MustCompile(`(\d+)([wdhm])`)
)

// since binds a comparison with a period relative to now, such as -5m. The
// index holds seconds.
func (b jqlBinder) since(c jqlClause) (jqlMatch, error) {
	text := c.values[0]
	if !jqlPeriod.MatchString(text) {
		return nil, jqlError(fmt.Sprintf("Date value '%s' for field '%s' is invalid. Valid formats include: "+
			"'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'.", text, c.field))
	}
	from := b.now
	for _, m := range jqlPart.FindAllStringSubmatch(text, -1) {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			return nil, jqlError("Date value '" + text + "' is out of range.")
		}
		unit := map[string]time.Duration{"w": 7 * 24 * time.Hour, "d": 24 * time.Hour, "h": time.Hour, "m": time.Minute}[m[2]]
		from = from.Add(-time.Duration(n) * unit)
	}
	from = from.Truncate(time.Second)
	return func(i *Issue) bool {
		at := i.Updated
		if c.field == "created" {
			at = i.Created
		}
		return !at.Truncate(time.Second).Before(from)
	}, nil
}

// compare is the order of two issues; Jira's default is newest first.
func (b jqlBinder) compare(order []jqlOrder) (func(x, y *Issue) int, error) {
	var by []func(x, y *Issue) int
	for _, o := range order {
		f := jqlOrderOf(o.field)
		switch {
		case f == nil:
			return nil, jqlError(fmt.Sprintf("Not able to sort using field '%s'.", o.field))
		case o.desc:
			by = append(by, func(x, y *Issue) int { return f(y, x) })
		default:
			by = append(by, f)
		}
	}
	return func(x, y *Issue) int {
		for _, f := range by {
			if n := f(x, y); n != 0 {
				return n
			}
		}
		return cmp.Compare(y.number(), x.number())
	}, nil
}

func jqlOrderOf(field string) func(x, y *Issue) int {
	switch field {
	case "created":
		return func(x, y *Issue) int { return x.Created.Compare(y.Created) }
	case "updated":
		return func(x, y *Issue) int { return x.Updated.Compare(y.Updated) }
	case "id":
		return func(x, y *Issue) int { return cmp.Compare(x.number(), y.number()) }
	case "key":
		return func(x, y *Issue) int {
			return cmp.Or(strings.Compare(x.Project, y.Project), cmp.Compare(keyNumber(x.Key), keyNumber(y.Key)))
		}
	}
	return nil
}

// keyNumber is the number at the end of an issue key.
func keyNumber(key string) int {
	n, err := strconv.Atoi(key[strings.LastIndexByte(key, '-')+1:])
	if err != nil {
		return 0
	}
	return n
}
