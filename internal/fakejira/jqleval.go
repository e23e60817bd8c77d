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

// jqlMatch tells whether an issue fulfils a condition.
type jqlMatch func(*Issue) bool

// jqlBinder resolves the names in a query: what does not exist is an error, as
// in Jira.
type jqlBinder struct {
	s   *Server
	who *Account
	now time.Time
}

var (
	jqlPeriod = regexp.MustCompile(`^[+-]?(\d+[wdhm]\s*)+$`)
	jqlPart   = regexp.MustCompile(`(\d+)([wdhm])`)
)

func (b jqlBinder) bind(n jqlNode) (jqlMatch, error) {
	switch n := n.(type) {
	case jqlBool:
		left, err := b.bind(n.left)
		if err != nil {
			return nil, err
		}
		right, err := b.bind(n.right)
		if err != nil {
			return nil, err
		}
		if n.and {
			return func(i *Issue) bool { return left(i) && right(i) }, nil
		}
		return func(i *Issue) bool { return left(i) || right(i) }, nil
	case jqlNot:
		inner, err := b.bind(n.inner)
		return func(i *Issue) bool { return !inner(i) }, err
	case jqlClause:
		return b.clause(n)
	}
	return func(*Issue) bool { return true }, nil // no restriction
}

// clause binds one comparison.
func (b jqlBinder) clause(c jqlClause) (jqlMatch, error) {
	switch c.field {
	case "updated", "updateddate", "created", "createddate":
		return b.times(c)
	}
	field, err := jqlFieldNamed(c.field)
	if err != nil {
		return nil, err
	}
	if slices.Contains([]string{">", ">=", "<", "<="}, c.op) {
		return nil, jqlError(fmt.Sprintf("The operator '%s' is not supported by the '%s' field.", c.op, c.field))
	}
	if c.op == "is" || c.op == "is not" {
		return func(i *Issue) bool { return field.empty(i) == (c.op == "is") }, nil
	}
	var wanted []string
	for _, v := range c.values {
		resolved, err := b.resolve(c.field, v)
		if err != nil {
			return nil, err
		}
		wanted = append(wanted, resolved...)
	}
	if c.op == "=" || c.op == "in" {
		return func(i *Issue) bool { return field.in(i, wanted) }, nil
	}
	// Jira's negations leave out issues that have no value at all.
	return func(i *Issue) bool { return !field.empty(i) && !field.in(i, wanted) }, nil
}

// jqlField reads a field of an issue in the form that resolve gives: one of
// the two is set. The empty string is no value. The only field of many values
// is labels: Jira keeps their case but indexes them in lower case, so that a
// search for "A" finds "a" too.
type jqlField struct {
	one  func(*Issue) string
	many func(*Issue) []string
}

func (f jqlField) empty(i *Issue) bool {
	if f.one != nil {
		return f.one(i) == ""
	}
	return len(f.many(i)) == 0
}

func (f jqlField) in(i *Issue, wanted []string) bool {
	if f.one != nil {
		v := f.one(i)
		return v != "" && slices.Contains(wanted, v)
	}
	return slices.ContainsFunc(f.many(i), func(v string) bool {
		return slices.ContainsFunc(wanted, func(w string) bool { return strings.EqualFold(v, w) })
	})
}

// jqlFieldNamed finds a field that queries may compare.
func jqlFieldNamed(field string) (jqlField, error) {
	switch field {
	case "project":
		return jqlField{one: func(i *Issue) string { return i.Project }}, nil
	case "status":
		return jqlField{one: func(i *Issue) string { return i.Status.ID }}, nil
	case "statuscategory":
		return jqlField{one: func(i *Issue) string { return string(i.Status.Category) }}, nil
	case "issuetype", "type":
		return jqlField{one: func(i *Issue) string { return i.Type.ID }}, nil
	case "creator":
		return jqlField{one: func(i *Issue) string { return i.Creator }}, nil
	case "reporter":
		return jqlField{one: func(i *Issue) string { return i.Reporter }}, nil
	case "assignee":
		return jqlField{one: func(i *Issue) string { return i.Assignee }}, nil
	case "key", "id", "issue", "issuekey":
		return jqlField{one: func(i *Issue) string { return i.ID }}, nil
	case "labels":
		return jqlField{many: func(i *Issue) []string { return i.Labels }}, nil
	}
	return jqlField{}, jqlError(fmt.Sprintf("Field '%s' does not exist or you do not have permission to view it.", field))
}

// resolve turns a value of the query into what a jqlField gives for it.
func (b jqlBinder) resolve(field string, v jqlValue) ([]string, error) {
	if v.function {
		return b.call(field, v)
	}
	none := jqlError(fmt.Sprintf("The value '%s' does not exist for the field '%s'.", v.text, field))
	switch field {
	case "project":
		p := b.s.world.project(v.text)
		if p == nil || !may(b.who, BrowseProjects, p) {
			return nil, none
		}
		return []string{p.Key}, nil
	case "status":
		return b.statuses(v.text, none)
	case "statuscategory":
		return category(v.text, none)
	case "issuetype", "type":
		return b.issueTypes(v.text, none)
	case "creator", "reporter", "assignee":
		return b.people(v.text, none)
	case "key", "id", "issue", "issuekey":
		iss := b.s.lookup(v.text)
		if iss == nil || !may(b.who, BrowseProjects, b.s.world.project(iss.Project)) {
			return nil, jqlError(fmt.Sprintf("An issue with key '%s' does not exist for field '%s'.", v.text, field))
		}
		return []string{iss.ID}, nil
	}
	return []string{v.text}, nil
}

// call resolves currentUser(), the one function the double knows.
func (b jqlBinder) call(field string, v jqlValue) ([]string, error) {
	if v.text != "currentuser" || !slices.Contains([]string{"creator", "reporter", "assignee"}, field) {
		return nil, jqlError(fmt.Sprintf("Unable to find JQL function '%s()' for the field '%s'.", v.text, field))
	}
	if b.who == nil {
		return nil, nil
	}
	return []string{b.who.ID}, nil
}

func (b jqlBinder) statuses(text string, none error) ([]string, error) {
	var ids []string
	for _, st := range b.s.world.statuses {
		if st.ID == text || strings.EqualFold(st.Name, text) {
			ids = append(ids, st.ID)
		}
	}
	if ids == nil {
		return nil, none
	}
	return ids, nil
}

func (b jqlBinder) issueTypes(text string, none error) ([]string, error) {
	var ids []string
	for _, p := range b.s.world.projects {
		if t, found := p.issueType(text); found {
			ids = append(ids, t.ID)
		}
	}
	if ids == nil {
		return nil, none
	}
	return ids, nil
}

func category(text string, none error) ([]string, error) {
	for _, c := range []struct {
		category Category
		names    []string
	}{
		{ToDo, []string{"new", "to do", "todo", "2"}},
		{InProgress, []string{"indeterminate", "in progress", "4"}},
		{Done, []string{"done", "complete", "completed", "3"}},
	} {
		if slices.Contains(c.names, strings.ToLower(text)) {
			return []string{string(c.category)}, nil
		}
	}
	return nil, none
}

func (b jqlBinder) people(text string, none error) ([]string, error) {
	for _, a := range b.s.world.accounts {
		if a.ID == text || b.s.opts.Flavour == DataCenter && (strings.EqualFold(a.Name, text) || strings.EqualFold(a.Email, text)) {
			return []string{a.ID}, nil
		}
	}
	return nil, none
}

// times binds a comparison of a date.
func (b jqlBinder) times(c jqlClause) (jqlMatch, error) {
	get := func(i *Issue) time.Time { return i.Updated }
	if strings.HasPrefix(c.field, "created") {
		get = func(i *Issue) time.Time { return i.Created }
	}
	if c.op == "is" || c.op == "is not" {
		return func(*Issue) bool { return c.op == "is not" }, nil
	}
	if len(c.values) != 1 || c.values[0].function || strings.HasSuffix(c.op, "in") {
		return nil, jqlError(fmt.Sprintf("The operator '%s' is not supported by the '%s' field.", c.op, c.field))
	}
	at, err := b.time(c.field, c.values[0].text)
	if err != nil {
		return nil, err
	}
	// The index holds seconds, and a query minutes.
	at = at.Truncate(time.Second)
	return func(i *Issue) bool {
		order := get(i).Truncate(time.Second).Compare(at)
		switch c.op {
		case ">":
			return order > 0
		case ">=":
			return order >= 0
		case "<":
			return order < 0
		case "<=":
			return order <= 0
		case "=":
			return order == 0
		}
		return order != 0
	}, nil
}

// time reads a date in the caller's zone, or a period relative to now.
func (b jqlBinder) time(field, text string) (time.Time, error) {
	loc := time.UTC
	if b.who != nil {
		loc = b.who.location()
	}
	for _, layout := range []string{"2006-01-02 15:04", "2006/01/02 15:04", "2006-01-02", "2006/01/02"} {
		if t, err := time.ParseInLocation(layout, text, loc); err == nil {
			return t, nil
		}
	}
	if !jqlPeriod.MatchString(text) {
		return time.Time{}, jqlError(fmt.Sprintf("Date value '%s' for field '%s' is invalid. Valid formats include: "+
			"'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'.", text, field))
	}
	var sum time.Duration
	for _, m := range jqlPart.FindAllStringSubmatch(text, -1) {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			return time.Time{}, jqlError("Date value '" + text + "' is out of range.")
		}
		unit := map[string]time.Duration{"w": 7 * 24 * time.Hour, "d": 24 * time.Hour, "h": time.Hour, "m": time.Minute}[m[2]]
		sum += time.Duration(n) * unit
	}
	if strings.HasPrefix(text, "-") {
		sum = -sum
	}
	return b.now.Add(sum), nil
}

// compare is the order of two issues; Jira's default is newest first.
func (b jqlBinder) compare(order []jqlOrder) (func(x, y *Issue) int, error) {
	var by []func(x, y *Issue) int
	for _, o := range order {
		f, known := jqlOrders()[o.field]
		if !known {
			return nil, jqlError(fmt.Sprintf("Not able to sort using field '%s'.", o.field))
		}
		if o.desc {
			by = append(by, func(x, y *Issue) int { return f(y, x) })
			continue
		}
		by = append(by, f)
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

func jqlOrders() map[string]func(x, y *Issue) int {
	created := func(x, y *Issue) int { return x.Created.Compare(y.Created) }
	updated := func(x, y *Issue) int { return x.Updated.Compare(y.Updated) }
	key := func(x, y *Issue) int {
		if n := strings.Compare(x.Project, y.Project); n != 0 {
			return n
		}
		return cmp.Compare(keyNumber(x.Key), keyNumber(y.Key))
	}
	return map[string]func(x, y *Issue) int{
		"created": created, "createddate": created, "updated": updated, "updateddate": updated,
		"key": key, "issuekey": key, "issue": key,
		"id":       func(x, y *Issue) int { return cmp.Compare(x.number(), y.number()) },
		"status":   func(x, y *Issue) int { return strings.Compare(x.Status.ID, y.Status.ID) },
		"project":  func(x, y *Issue) int { return strings.Compare(x.Project, y.Project) },
		"summary":  func(x, y *Issue) int { return strings.Compare(x.Summary, y.Summary) },
		"assignee": func(x, y *Issue) int { return strings.Compare(x.Assignee, y.Assignee) },
	}
}

// keyNumber is the number at the end of an issue key.
func keyNumber(key string) int {
	n, err := strconv.Atoi(key[strings.LastIndexByte(key, '-')+1:])
	if err != nil {
		return 0
	}
	return n
}
