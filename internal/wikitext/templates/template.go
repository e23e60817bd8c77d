package templates

import (
	"regexp"
	"strings"
	"text/template"
	"text/template/parse"
)

// Format is what a template's text becomes.
type Format int

// The formats. Only in Wiki are inserted values escaped.
const (
	Plain Format = iota // summaries and custom fields
	Wiki                // descriptions
)

// Parse parses a template and tries it; nil for no text. key names it in errors.
// That it would fail for some requests only, for want of an item in a list, is
// no error.
func Parse(key, text string, format Format) (*template.Template, error) {
	if text == "" {
		return nil, nil
	}
	t, err := template.New(key).Funcs(functions(format)).Option("missingkey=zero").Parse(text)
	if err != nil {
		return nil, &Error{Key: key, err: err}
	}
	if format == Wiki {
		for _, each := range t.Templates() {
			if each.Tree != nil {
				escapeActions(each.Root)
			}
		}
	}
	for _, sample := range samples() {
		if _, err := Execute(t, sample); err != nil && !wanting.MatchString(err.Error()) {
			return nil, &Error{Key: key, err: err}
		}
	}
	return t, nil
}

// wanting is what text/template says of an item that is not there.
var wanting = regexp.MustCompile(`error calling (index|slice): .*(out of range|invalid slice index)`)

// Error is a template that can't be used.
type Error struct {
	Key string
	err error
}

// Error implements error.
func (e *Error) Error() string { return e.Key + ": " + e.err.Error() }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.err }

var (
	position = regexp.MustCompile(`^(\d+)(:\d+)?: (executing .* at )?`)
	typeName = regexp.MustCompile(` in type [\w.*\[\]]+$`)
)

// Plainly is where in the text the mistake is and what it is, in one line and
// without the key.
func (e *Error) Plainly() string {
	text := strings.TrimPrefix(e.err.Error(), "template: "+e.Key+":")
	text = position.ReplaceAllString(text, "line $1: ")
	return strings.ReplaceAll(typeName.ReplaceAllString(text, ""), "\n", " ")
}

// ParseValue parses the strings within a value of any shape.
func ParseValue(key string, value any) (any, error) {
	return within(key, value, func(key string, leaf any) (any, error) {
		if text, ok := leaf.(string); ok && text != "" {
			return Parse(key, text, Plain)
		}
		return leaf, nil
	})
}

// within is a value of the same shape with each of its leaves changed. key says
// where in the value a leaf is.
func within(key string, value any, change func(key string, leaf any) (any, error)) (any, error) {
	var err error
	switch v := value.(type) {
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			if list[i], err = within(key, item, change); err != nil {
				return nil, err
			}
		}
		return list, nil
	case map[string]any:
		object := make(map[string]any, len(v))
		for name, item := range v {
			if object[name], err = within(key+"."+name, item, change); err != nil {
				return nil, err
			}
		}
		return object, nil
	}
	return change(key, value)
}

// escapeActions makes every action that prints end in the escape function.
func escapeActions(node parse.Node) {
	switch n := node.(type) {
	case *parse.ListNode:
		if n == nil {
			return
		}
		for _, child := range n.Nodes {
			escapeActions(child)
		}
	case *parse.ActionNode:
		if len(n.Pipe.Decl) == 0 {
			identifier := parse.NewIdentifier(escapeFunction).SetPos(n.Pos)
			n.Pipe.Cmds = append(n.Pipe.Cmds, &parse.CommandNode{
				NodeType: parse.NodeCommand, Pos: n.Pos, Args: []parse.Node{identifier},
			})
		}
	case *parse.IfNode:
		escapeActions(n.List)
		escapeActions(n.ElseList)
	case *parse.RangeNode:
		escapeActions(n.List)
		escapeActions(n.ElseList)
	case *parse.WithNode:
		escapeActions(n.List)
		escapeActions(n.ElseList)
	}
}

// Execute runs a template.
func Execute(t *template.Template, data Data) (string, error) {
	var out strings.Builder
	if err := t.Execute(&out, data); err != nil {
		return "", err
	}
	return out.String(), nil
}

// Render runs the templates within what ParseValue gave.
func Render(value any, data Data) (any, error) {
	return within("", value, func(_ string, leaf any) (any, error) {
		if t, ok := leaf.(*template.Template); ok {
			return Execute(t, data)
		}
		return leaf, nil
	})
}
