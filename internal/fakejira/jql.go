package fakejira

import (
	"fmt"
	"slices"
	"strings"
)

// jqlQuery is a parsed JQL query.
type jqlQuery struct {
	where jqlNode // nil when the query has no restriction
	order []jqlOrder
}

type jqlOrder struct {
	field string
	desc  bool
}

// jqlNode is a condition: one of the types below.
type jqlNode interface{ isNode() }

type jqlBool struct {
	and         bool
	left, right jqlNode
}

type jqlNot struct{ inner jqlNode }

// jqlClause compares a field with values. Operators are lower case: "=",
// "!=", ">", ">=", "<", "<=", "in", "not in", "is", "is not".
type jqlClause struct {
	field  string
	op     string
	values []jqlValue
}

// jqlValue is text, or a function call without arguments.
type jqlValue struct {
	text     string
	function bool
}

func (jqlBool) isNode()   {}
func (jqlNot) isNode()    {}
func (jqlClause) isNode() {}

// jqlToken is a word, quoted text or sign.
type jqlToken struct {
	text   string
	quoted bool
	at     int
}

// is tells whether the token is a keyword or sign.
func (t jqlToken) is(word string) bool { return !t.quoted && strings.EqualFold(t.text, word) }

// jqlError is what is wrong with a query, in Jira's tone.
type jqlError string

func (e jqlError) Error() string { return "Error in the JQL Query: " + string(e) }

// lexJQL cuts a query into tokens; the last is empty.
func lexJQL(q string) ([]jqlToken, error) {
	const signs, ends = "(),", " \t\r\n()=!<>~,\"'"
	var tokens []jqlToken
	for i := 0; i < len(q); {
		ch := q[i]
		switch {
		case strings.IndexByte(" \t\r\n", ch) >= 0:
			i++
		case strings.IndexByte(signs, ch) >= 0:
			tokens = append(tokens, jqlToken{text: q[i : i+1], at: i})
			i++
		case strings.IndexByte("=!<>~", ch) >= 0:
			end := i + 1
			if end < len(q) && (q[end] == '=' || ch == '!' && q[end] == '~') {
				end++
			}
			tokens = append(tokens, jqlToken{text: q[i:end], at: i})
			i = end
		case ch == '"' || ch == '\'':
			text, end, err := unquoteJQL(q, i)
			if err != nil {
				return nil, err
			}
			tokens = append(tokens, jqlToken{text: text, quoted: true, at: i})
			i = end
		default:
			end := i
			for end < len(q) && strings.IndexByte(ends, q[end]) < 0 {
				end++
			}
			if word := q[i:end]; strings.ContainsAny(word, "*/%^$#@[];?|{}\\&:") {
				return nil, jqlError(fmt.Sprintf("The character in '%s' is a reserved JQL character. You must enclose it in a string or use the escape. (line 1, character %d)", word, i+1))
			}
			tokens = append(tokens, jqlToken{text: q[i:end], at: i})
			i = end
		}
	}
	return append(tokens, jqlToken{at: len(q)}), nil
}

// unquoteJQL reads the quoted text that begins at i and tells where it ends.
func unquoteJQL(q string, i int) (text string, end int, err error) {
	var b strings.Builder
	quote := q[i]
	for j := i + 1; j < len(q); j++ {
		switch {
		case q[j] == quote:
			return b.String(), j + 1, nil
		case q[j] != '\\':
			b.WriteByte(q[j])
		case j+1 == len(q):
			return "", 0, jqlError("The quoted string has not been completed.")
		default:
			j++
			r, known := map[byte]byte{'"': '"', '\'': '\'', '\\': '\\', ' ': ' ', 'n': '\n', 't': '\t', 'r': '\r'}[q[j]]
			if !known {
				return "", 0, jqlError(fmt.Sprintf("'\\%c' is an illegal JQL escape sequence. (line 1, character %d)", q[j], j))
			}
			b.WriteByte(r)
		}
	}
	return "", 0, jqlError("The quoted string has not been completed.")
}

// jqlParser walks over tokens.
type jqlParser struct {
	tokens []jqlToken
	depth  int
}

// parseJQL parses a whole query.
func parseJQL(q string) (jqlQuery, error) {
	tokens, err := lexJQL(q)
	if err != nil {
		return jqlQuery{}, err
	}
	p := &jqlParser{tokens: tokens}
	var query jqlQuery
	if !p.peek().is("order") && !p.end() {
		if query.where, err = p.or(); err != nil {
			return jqlQuery{}, err
		}
	}
	if p.accept("order") {
		if query.order, err = p.orderBy(); err != nil {
			return jqlQuery{}, err
		}
	}
	if !p.end() {
		return jqlQuery{}, p.unexpected("AND, OR or ORDER BY")
	}
	return query, nil
}

func (p *jqlParser) peek() jqlToken { return p.tokens[0] }

func (p *jqlParser) end() bool { return len(p.tokens) == 1 }

// skip goes on to the next token; it stays at the last.
func (p *jqlParser) skip() {
	if len(p.tokens) > 1 {
		p.tokens = p.tokens[1:]
	}
}

// accept consumes the keyword or sign if it is next.
func (p *jqlParser) accept(word string) bool {
	if p.end() || !p.peek().is(word) {
		return false
	}
	p.skip()
	return true
}

func (p *jqlParser) unexpected(wanted string) error {
	t := p.peek()
	if p.end() {
		return jqlError("Expecting " + wanted + " before the end of the query.")
	}
	return jqlError(fmt.Sprintf("Expecting %s but got '%s'. (line 1, character %d)", wanted, t.text, t.at+1))
}

func (p *jqlParser) or() (jqlNode, error) {
	left, err := p.and()
	for err == nil && (p.accept("or") || p.accept("|") || p.accept("||")) {
		var right jqlNode
		right, err = p.and()
		left = jqlBool{left: left, right: right}
	}
	return left, err
}

func (p *jqlParser) and() (jqlNode, error) {
	left, err := p.term()
	for err == nil && p.accept("and") {
		var right jqlNode
		right, err = p.term()
		left = jqlBool{and: true, left: left, right: right}
	}
	return left, err
}

func (p *jqlParser) term() (jqlNode, error) {
	const deepest = 100
	if p.depth++; p.depth > deepest {
		return nil, jqlError("The query is nested too deeply.")
	}
	defer func() { p.depth-- }()
	if p.accept("not") || p.accept("!") {
		inner, err := p.term()
		return jqlNot{inner}, err
	}
	if !p.accept("(") {
		return p.clause()
	}
	inner, err := p.or()
	if err == nil && !p.accept(")") {
		err = p.unexpected("')'")
	}
	return inner, err
}

func (p *jqlParser) clause() (jqlNode, error) {
	field := p.peek()
	if p.end() || !field.quoted && isJQLSign(field.text) {
		return nil, p.unexpected("a field name")
	}
	p.skip()
	c := jqlClause{field: strings.ToLower(field.text)}
	op, err := p.operator()
	if err != nil {
		return nil, err
	}
	c.op = op
	switch op {
	case "is", "is not":
		if !p.accept("empty") && !p.accept("null") {
			return nil, p.unexpected("EMPTY or NULL")
		}
		return c, nil
	case "in", "not in":
		c.values, err = p.valueList()
		return c, err
	}
	v, err := p.value()
	c.values = []jqlValue{v}
	return c, err
}

func (p *jqlParser) operator() (string, error) {
	t := p.peek()
	switch {
	case p.accept("not"):
		if !p.accept("in") {
			return "", p.unexpected("IN")
		}
		return "not in", nil
	case p.accept("in"):
		return "in", nil
	case p.accept("is"):
		if p.accept("not") {
			return "is not", nil
		}
		return "is", nil
	case !p.end() && !t.quoted && slices.Contains([]string{"=", "!=", ">", ">=", "<", "<="}, t.text):
		p.skip()
		return t.text, nil
	}
	return "", p.unexpected("an operator")
}

func (p *jqlParser) valueList() ([]jqlValue, error) {
	if !p.accept("(") {
		return nil, p.unexpected("'('")
	}
	var all []jqlValue
	for {
		v, err := p.value()
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

func (p *jqlParser) value() (jqlValue, error) {
	t := p.peek()
	if p.end() || !t.quoted && (isJQLSign(t.text) || isJQLWord(t.text)) {
		return jqlValue{}, p.unexpected("a value")
	}
	p.skip()
	if t.quoted || !p.accept("(") {
		return jqlValue{text: t.text}, nil
	}
	if !p.accept(")") {
		return jqlValue{}, p.unexpected("')'")
	}
	return jqlValue{text: strings.ToLower(t.text), function: true}, nil
}

func isJQLSign(text string) bool { return text == "" || strings.ContainsAny(text, "(),=!<>~") }

// isJQLWord tells whether text is a keyword, which has to be quoted as a value.
func isJQLWord(text string) bool {
	return slices.Contains([]string{"and", "or", "not", "in", "is", "empty", "null", "order", "by", "asc", "desc"}, strings.ToLower(text))
}

func (p *jqlParser) orderBy() ([]jqlOrder, error) {
	const most = 7
	if !p.accept("by") {
		return nil, p.unexpected("BY")
	}
	var all []jqlOrder
	for {
		t := p.peek()
		if p.end() || !t.quoted && isJQLSign(t.text) {
			return nil, p.unexpected("a field name")
		}
		p.skip()
		o := jqlOrder{field: strings.ToLower(t.text)}
		if p.accept("desc") {
			o.desc = true
		} else {
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
