package fakejira

import (
	"fmt"
	"regexp"
	"strings"
)

// The double knows the part of JQL that conditions of a program need:
// comparisons with =, in, not in and >=, joined by AND, and ORDER BY. What else
// Jira knows is refused here as Jira refuses what is malformed, with 400.

// jqlQuery is a parsed JQL query.
type jqlQuery struct {
	where []jqlClause // all of them hold
	order []jqlOrder
}

type jqlOrder struct {
	field string
	desc  bool
}

// jqlClause compares a field with values; op is "=", "in", "not in" or ">=".
type jqlClause struct {
	field  string
	op     string
	values []string
}

// currentUser is the one function of the double, as a value.
const currentUser = "currentUser()"

// jqlError is a fault in a query, in Jira's words.
type jqlError string

func (e jqlError) Error() string { return "Error in the JQL Query: " + string(e) }

// jqlToken matches quoted text, an operator or sign, the function, and a word
// without reserved characters.
var jqlToken = regexp.MustCompile(`^(?:"(?:[^"\\]|\\["'\\ ntr])*"|'(?:[^'\\]|\\["'\\ ntr])*'|>=|[=(),]|(?i:currentUser\(\))|[^\s()=!<>~,"'*/%^$#@\[\];?|{}\\&:]+)`)

// jqlTokens cuts a query into tokens.
func jqlTokens(q string) ([]string, error) {
	var tokens []string
	for rest := strings.TrimSpace(q); rest != ""; {
		token := jqlToken.FindString(rest)
		if token == "" {
			return nil, jqlError(fmt.Sprintf("The character '%c' is not expected here. (line 1, character %d)", []rune(rest)[0], len(q)-len(rest)+1))
		}
		tokens = append(tokens, token)
		rest = strings.TrimSpace(rest[len(token):])
	}
	return tokens, nil
}

// jqlParser walks over tokens.
type jqlParser struct{ tokens []string }

// parseJQL parses a whole query.
func parseJQL(q string) (jqlQuery, error) {
	tokens, err := jqlTokens(q)
	if err != nil {
		return jqlQuery{}, err
	}
	p := &jqlParser{tokens}
	var query jqlQuery
	for len(p.tokens) > 0 && !p.next("order") {
		c, err := p.clause()
		if err != nil {
			return jqlQuery{}, err
		}
		query.where = append(query.where, c)
		if !p.accept("and") {
			break
		}
		if len(p.tokens) == 0 || p.next("order") {
			return jqlQuery{}, p.unexpected("a field name")
		}
	}
	if p.accept("order") {
		if query.order, err = p.orderBy(); err != nil {
			return jqlQuery{}, err
		}
	}
	if len(p.tokens) > 0 {
		return jqlQuery{}, p.unexpected("AND or ORDER BY")
	}
	return query, nil
}

// next reports whether the next token is the keyword or sign.
func (p *jqlParser) next(word string) bool {
	return len(p.tokens) > 0 && strings.EqualFold(p.tokens[0], word)
}

// accept consumes the keyword or sign if it is next.
func (p *jqlParser) accept(word string) bool {
	if !p.next(word) {
		return false
	}
	p.tokens = p.tokens[1:]
	return true
}

func (p *jqlParser) unexpected(wanted string) error {
	if len(p.tokens) == 0 {
		return jqlError("Expecting " + wanted + " before the end of the query.")
	}
	return jqlError(fmt.Sprintf("Expecting %s but got '%s'.", wanted, p.tokens[0]))
}

func (p *jqlParser) clause() (jqlClause, error) {
	field, err := p.value("a field name")
	if err != nil {
		return jqlClause{}, err
	}
	c := jqlClause{field: strings.ToLower(field)}
	switch {
	case p.accept("="):
		c.op = "="
	case p.accept(">="):
		c.op = ">="
	case p.accept("in"):
		c.op = "in"
	case p.accept("not"):
		c.op = "not in"
		if !p.accept("in") {
			return c, p.unexpected("IN")
		}
	default:
		return c, p.unexpected("an operator")
	}
	if c.op == "=" || c.op == ">=" {
		v, err := p.value("a value")
		c.values = []string{v}
		return c, err
	}
	c.values, err = p.valueList()
	return c, err
}

func (p *jqlParser) valueList() ([]string, error) {
	if !p.accept("(") {
		return nil, p.unexpected("'('")
	}
	var all []string
	for {
		v, err := p.value("a value")
		if err != nil {
			return nil, err
		}
		all = append(all, v)
		if p.accept(")") {
			return all, nil
		}
		if !p.accept(",") {
			return nil, p.unexpected("')' or ','")
		}
	}
}

// jqlReserved are signs and keywords, which have to be quoted as values.
var jqlReserved = regexp.MustCompile(`^(?i:[(),=]|>=|and|or|not|in|is|empty|null|order|by|asc|desc)$`)

// unescapeJQL undoes the escapes of a quoted value.
func unescapeJQL(s string) string {
	return strings.NewReplacer(`\"`, `"`, `\'`, `'`, `\\`, `\`, `\ `, ` `, `\n`, "\n", `\t`, "\t", `\r`, "\r").Replace(s)
}

// value is the next token as text: quoted, a word, or the function.
func (p *jqlParser) value(wanted string) (string, error) {
	if len(p.tokens) == 0 || jqlReserved.MatchString(p.tokens[0]) {
		return "", p.unexpected(wanted)
	}
	t := p.tokens[0]
	p.tokens = p.tokens[1:]
	switch {
	case t[0] == '"' || t[0] == '\'':
		return unescapeJQL(t[1 : len(t)-1]), nil
	case strings.EqualFold(t, currentUser):
		return currentUser, nil
	}
	return t, nil
}

func (p *jqlParser) orderBy() ([]jqlOrder, error) {
	const most = 7
	if !p.accept("by") {
		return nil, p.unexpected("BY")
	}
	var all []jqlOrder
	for {
		field, err := p.value("a field name")
		if err != nil {
			return nil, err
		}
		o := jqlOrder{field: strings.ToLower(field), desc: p.accept("desc")}
		if !o.desc {
			p.accept("asc")
		}
		all = append(all, o)
		if !p.accept(",") {
			break
		}
	}
	if len(all) > most {
		return nil, jqlError("The ORDER BY clause may name at most 7 fields.")
	}
	return all, nil
}
