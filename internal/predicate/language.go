package predicate

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/vulcand/predicate"
)

// language is what a condition may be written with. Names that it uses of the
// plugin are noted in c.
func (c *Condition) language() predicate.Def {
	return predicate.Def{
		Operators: predicate.Operators{AND: and, OR: or, NOT: not, EQ: equals, NEQ: differs},
		Functions: map[string]any{
			"set": setOf, "contains": contains, "contains_any": onSets("contains_any", anyOf),
			"contains_all": onSets("contains_all", allOf), "equals": equals, "is_empty": isEmpty,
			"regexp.match": match, "day": day,
		},
		Methods: map[string]any{
			"contains": contains, "contains_any": onSets("contains_any", anyOf),
			"contains_all": onSets("contains_all", allOf), "is_empty": isEmpty, "day": day,
		},
		GetIdentifier: c.identifier,
		GetProperty:   valueOf,
	}
}

// identifier returns what a name stands for. A key of a map may stand behind its
// name and a dot.
func (c *Condition) identifier(parts []string) (any, error) {
	name := strings.Join(parts, ".")
	if name == "plugin.spec.name" {
		c.namesPlugin = true
	}
	if v, ok := variable(name); ok {
		return v, nil
	}
	if last := len(parts) - 1; last > 0 {
		if v, ok := variable(strings.Join(parts[:last], ".")); ok {
			if of, isMap := v.(lookup); isMap {
				return valueOf(of, parts[last])
			}
		}
	}
	return nil, fmt.Errorf("%s is not known", name)
}

// variable returns what a whole name stands for.
func variable(name string) (any, bool) {
	switch name {
	case "true":
		return true, true
	case "false":
		return false, true
	case "access_request.spec.roles":
		return set(func(in *Input) ([]string, error) { return in.Roles, nil }), true
	case "access_request.spec.suggested_reviewers":
		return set(func(in *Input) ([]string, error) { return in.SuggestedReviewers, nil }), true
	case "access_request.spec.system_annotations":
		return lookup(func(in *Input) (map[string][]string, error) { return in.Annotations, nil }), true
	case "access_request.spec.user":
		return text(func(in *Input) (string, error) { return in.User, nil }), true
	case "access_request.spec.request_reason":
		return text(func(in *Input) (string, error) { return in.Reason, nil }), true
	case "access_request.spec.creation_time":
		return moment(func(in *Input) (time.Time, error) { return in.Created, nil }), true
	case "access_request.spec.expiry":
		return moment(func(in *Input) (time.Time, error) { return in.Expires, nil }), true
	case "plugin.spec.name":
		return text(func(in *Input) (string, error) { return in.Plugin, nil }), true
	case "user.traits":
		return lookup(traits), true
	}
	return nil, false
}

func traits(in *Input) (map[string][]string, error) {
	if !in.TraitsKnown {
		return nil, ErrTraits
	}
	return in.Traits, nil
}

// valueOf builds the look-up of a key in a map: a set, empty where there is none.
func valueOf(of, key any) (any, error) {
	values, ok := of.(lookup)
	if !ok {
		return nil, typeError("a key in brackets", "a map before it", of)
	}
	name, ok := asText(key)
	if !ok {
		return nil, typeError("a map", "a text as key", key)
	}
	return set(func(in *Input) ([]string, error) {
		m, err := values(in)
		if err != nil {
			return nil, err
		}
		k, err := name(in)
		if err != nil {
			return nil, err
		}
		return m[k], nil
	}), nil
}

func and(a, b any) (truth, error) { return join("&&", a, b, false) }
func or(a, b any) (truth, error)  { return join("||", a, b, true) }

// join builds an operator whose left side settles it when it comes to decisive.
func join(operator string, a, b any, decisive bool) (truth, error) {
	left, ok := asTruth(a)
	if !ok {
		return nil, typeError(operator, "true or false on both sides", a)
	}
	right, ok := asTruth(b)
	if !ok {
		return nil, typeError(operator, "true or false on both sides", b)
	}
	return func(in *Input) (bool, error) {
		if x, err := left(in); err != nil || x == decisive {
			return x, err
		}
		return right(in)
	}, nil
}

func not(a any) (truth, error) {
	x, ok := asTruth(a)
	if !ok {
		return nil, typeError("!", "true or false", a)
	}
	return func(in *Input) (bool, error) {
		v, err := x(in)
		return err == nil && !v, err
	}, nil
}

func differs(a, b any) (truth, error) {
	same, err := equals(a, b)
	if err != nil {
		return nil, err
	}
	return not(same)
}

var errPattern = errors.New("regexp.match wants a pattern in quotes")

// match builds the function that says whether a set holds a match of a pattern: a
// regular expression where it begins with ^ and ends with $, else a text of which *
// stands for anything. Either has to match the whole.
func match(a, b any) (truth, error) {
	list, ok := a.(set)
	if !ok {
		return nil, typeError("regexp.match", "a set", a)
	}
	pattern, ok := b.(string)
	if !ok {
		return nil, errPattern
	}
	if !strings.HasPrefix(pattern, "^") || !strings.HasSuffix(pattern, "$") {
		pattern = "^" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, "(.*)") + "$"
	}
	compiled, err := regexp.Compile(pattern)
	if err != nil {
		return nil, fmt.Errorf("regexp.match: %w", err)
	}
	return func(in *Input) (bool, error) {
		items, err := list(in)
		if err != nil {
			return false, err
		}
		for _, item := range items {
			if compiled.MatchString(item) {
				return true, nil
			}
		}
		return false, nil
	}, nil
}
