package fakejira

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"
)

// setCustom takes over a custom field; null leaves it empty.
func (d *draft) setCustom(name string, raw json.RawMessage) {
	i := slices.IndexFunc(d.project.Fields, func(f Field) bool { return f.ID == name })
	if i < 0 || d.project.Fields[i].OffScreen {
		d.notSettable(name)
		return
	}
	f := d.project.Fields[i]
	value, text := f.parse(raw)
	if text != "" {
		d.errs.add(name, text)
		return
	}
	if value == nil {
		return
	}
	if d.issue.Fields == nil {
		d.issue.Fields = map[string]any{}
	}
	d.issue.Fields[name] = value
}

// parse reads a value of the field's type, or tells what is wrong with it.
func (f Field) parse(raw json.RawMessage) (value any, text string) {
	if string(raw) == "null" {
		return nil, ""
	}
	switch f.Type {
	case NumberField:
		var n float64
		if json.Unmarshal(raw, &n) != nil {
			return nil, "Operation value must be a number"
		}
		return n, ""
	case SelectField:
		var r reference
		if json.Unmarshal(raw, &r) != nil {
			return nil, "Specify a valid 'id' or 'name' for " + f.Name
		}
		return f.choice(r)
	case MultiSelect:
		return f.parseChoices(raw)
	}
	var t string
	if json.Unmarshal(raw, &t) != nil {
		return nil, "Operation value must be a string"
	}
	if utf8.RuneCountInString(t) > maxText {
		return nil, "The entered text is too long. It exceeds the allowed limit of 32,767 characters."
	}
	return t, ""
}

func (f Field) parseChoices(raw json.RawMessage) (any, string) {
	var refs []reference
	if json.Unmarshal(raw, &refs) != nil {
		return nil, "data was not an array"
	}
	all := []any{}
	for _, r := range refs {
		v, text := f.choice(r)
		if text != "" {
			return nil, text
		}
		all = append(all, v)
	}
	return all, ""
}

func (f Field) choice(r reference) (any, string) {
	for i, c := range f.Choices {
		id := strconv.Itoa(10_000 + i)
		if r.Value == c || r.ID == id {
			return object{"id": id, "value": c}, ""
		}
	}
	return nil, fmt.Sprintf("Option value '%s' is not valid", firstOf(r.Value, r.ID))
}
