package predicate

import (
	"fmt"
	"slices"
	"time"
)

// Expressions of each type. The parser builds them; what they come to is known
// with an input only.
type (
	truth  func(*Input) (bool, error)
	text   func(*Input) (string, error)
	set    func(*Input) ([]string, error)
	lookup func(*Input) (map[string][]string, error)
	moment func(*Input) (time.Time, error)
)

// asTruth returns v as an expression that is true or false.
func asTruth(v any) (truth, bool) {
	switch v := v.(type) {
	case truth:
		return v, true
	case bool:
		return func(*Input) (bool, error) { return v, nil }, true
	}
	return nil, false
}

// asText returns v as an expression for a text.
func asText(v any) (text, bool) {
	switch v := v.(type) {
	case text:
		return v, true
	case string:
		return func(*Input) (string, error) { return v, nil }, true
	}
	return nil, false
}

// typeError is the error of an argument of the wrong type.
func typeError(function, wants string, got any) error {
	return fmt.Errorf("%s wants %s, not %s", function, wants, kindOf(got))
}

// kindOf names a value's type in the words of the documents.
func kindOf(v any) string {
	switch v.(type) {
	case truth, bool:
		return "true or false"
	case text, string:
		return "a text"
	case set:
		return "a set"
	case lookup:
		return "a map"
	case moment:
		return "a time"
	case int, float64:
		return "a number"
	}
	return "something else"
}

// setOf builds the function that makes a set of texts.
func setOf(args ...any) (set, error) {
	items := make([]text, len(args))
	for i, arg := range args {
		item, ok := asText(arg)
		if !ok {
			return nil, typeError("set", "texts", arg)
		}
		items[i] = item
	}
	return func(in *Input) ([]string, error) {
		out := make([]string, len(items))
		for i, item := range items {
			var err error
			if out[i], err = item(in); err != nil {
				return nil, err
			}
		}
		return out, nil
	}, nil
}

// onSets builds a function of two sets.
func onSets(name string, compare func(a, b []string) bool) func(a, b any) (truth, error) {
	return func(a, b any) (truth, error) {
		left, ok := a.(set)
		if !ok {
			return nil, typeError(name, "sets", a)
		}
		right, ok := b.(set)
		if !ok {
			return nil, typeError(name, "sets", b)
		}
		return func(in *Input) (bool, error) {
			x, err := left(in)
			if err != nil {
				return false, err
			}
			y, err := right(in)
			if err != nil {
				return false, err
			}
			return compare(x, y), nil
		}, nil
	}
}

// anyOf reports whether the set holds one of the items.
func anyOf(set, items []string) bool {
	return slices.ContainsFunc(items, func(item string) bool { return slices.Contains(set, item) })
}

// allOf reports whether the set holds all of the items, and there are any: what is
// empty is never held, as in Teleport.
func allOf(set, items []string) bool {
	return len(items) > 0 && !slices.ContainsFunc(items, func(item string) bool { return !slices.Contains(set, item) })
}

// sameSet reports whether both hold the same.
func sameSet(a, b []string) bool {
	return len(a) == 0 && len(b) == 0 || allOf(a, b) && allOf(b, a)
}

// contains builds the function that looks for one text in a set.
func contains(a, b any) (truth, error) {
	list, ok := a.(set)
	if !ok {
		return nil, typeError("contains", "a set", a)
	}
	item, ok := asText(b)
	if !ok {
		return nil, typeError("contains", "a text to look for", b)
	}
	return func(in *Input) (bool, error) {
		x, err := list(in)
		if err != nil {
			return false, err
		}
		y, err := item(in)
		return err == nil && slices.Contains(x, y), err
	}, nil
}

// isEmpty builds the function that says whether a set has nothing in it.
func isEmpty(a any) (truth, error) {
	list, ok := a.(set)
	if !ok {
		return nil, typeError("is_empty", "a set", a)
	}
	return func(in *Input) (bool, error) {
		x, err := list(in)
		return err == nil && len(x) == 0, err
	}, nil
}

// day builds the function that names a time's day of the week, in UTC.
func day(a any) (text, error) {
	at, ok := a.(moment)
	if !ok {
		return nil, typeError("day", "a time", a)
	}
	return func(in *Input) (string, error) {
		t, err := at(in)
		return t.UTC().Weekday().String(), err
	}, nil
}

// equals builds the comparison of two texts or two sets.
func equals(a, b any) (truth, error) {
	if left, ok := a.(set); ok {
		return onSets("a comparison", sameSet)(left, b)
	}
	left, ok := asText(a)
	if !ok {
		return nil, typeError("a comparison", "texts or sets", a)
	}
	right, ok := asText(b)
	if !ok {
		return nil, typeError("a comparison with a text", "a text", b)
	}
	return func(in *Input) (bool, error) {
		x, err := left(in)
		if err != nil {
			return false, err
		}
		y, err := right(in)
		return err == nil && x == y, err
	}, nil
}
