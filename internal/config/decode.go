package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
)

// decoder decodes a parsed TOML tree into the configuration's types. It goes on
// after a fault, so that all are reported at once; go-toml's own decoding stops
// at the first value of a wrong type.
type decoder struct {
	file     string
	lines    *lines
	faults   Faults
	warnings Faults
	broken   map[string]bool // keys with a fault, which validation leaves alone
}

// reflectValue returns the settable value that c points to.
func reflectValue(c *Config) reflect.Value { return reflect.ValueOf(c).Elem() }

// fault records what is wrong at key.
func (d *decoder) fault(key, msg string) {
	d.broken = withKey(d.broken, key)
	d.faults = append(d.faults, Fault{File: d.file, Line: d.lines.of(key), Key: key, Msg: msg})
}

// warn records what is odd at key, and what to do about it.
func (d *decoder) warn(key, msg, fix string) {
	d.warnings = append(d.warnings, Fault{File: d.file, Line: d.lines.of(key), Key: key, Msg: msg, Fix: fix})
}

// table decodes a table into a struct. Keys that no field is tagged with are
// faults.
func (d *decoder) table(path string, to reflect.Value, table map[string]any) {
	fields := map[string]reflect.Value{}
	for i := range to.NumField() {
		if tag := to.Type().Field(i).Tag.Get("toml"); tag != "-" {
			fields[tag] = to.Field(i)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(table)) {
		p := join(path, key)
		if field, ok := fields[key]; ok {
			d.value(p, field, table[key])
			continue
		}
		if what, dead := deadKeys()[p]; dead {
			d.warn(p, "has no effect: "+what, "take it out")
			continue
		}
		msg := "unknown key"
		if meant := suggest(key, fields); meant != "" {
			msg += "; did you mean " + meant + "?"
			d.broken = withKey(d.broken, join(path, meant)) // which is not missing, then
		}
		d.fault(p, msg)
	}
}

// deadKeys are keys that the existing plugin's documents once named and that mean
// nothing any more, with what became of each.
func deadKeys() map[string]string {
	return map[string]string{
		"db": "there is no database, records are kept in Teleport",
	}
}

// withKey returns the set with a key more.
func withKey(set map[string]bool, key string) map[string]bool {
	if set == nil {
		set = map[string]bool{}
	}
	set[key] = true
	return set
}

// suggest returns the key that was probably meant: one that differs in case,
// hyphens and underscores only; "" where there is none.
func suggest(key string, fields map[string]reflect.Value) string {
	for _, known := range slices.Sorted(maps.Keys(fields)) {
		if plain(known) == plain(key) {
			return known
		}
	}
	return ""
}

// plain returns the key without case, hyphens and underscores.
func plain(key string) string {
	return strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(key))
}

// value decodes one value into a field by the field's type.
func (d *decoder) value(path string, to reflect.Value, from any) {
	switch field := to.Addr().Interface().(type) {
	case *time.Duration:
		d.duration(path, field, from)
		return
	case *Secret:
		if s, ok := d.want(path, from, "a string").(string); ok {
			*field = Secret(s)
		}
		return
	case *Secrets, *SecretFiles, *Names:
		d.oneOrMany(path, to, from)
		return
	}
	switch to.Kind() {
	case reflect.Struct:
		if table, ok := d.want(path, from, "a table").(map[string]any); ok {
			d.table(path, to, table)
		}
	case reflect.Map:
		d.mapping(path, to, from)
	case reflect.Slice:
		d.list(path, to, from)
	case reflect.Interface:
		to.Set(reflect.ValueOf(from))
	default:
		d.scalar(path, to, from)
	}
}

// want returns from if it is of the expected kind, or records a fault.
func (d *decoder) want(path string, from any, expected string) any {
	if kind(from) != expected {
		d.fault(path, fmt.Sprintf("must be %s, not %s", expected, kind(from)))
		return nil
	}
	return from
}

// scalar decodes a string, boolean or number.
func (d *decoder) scalar(path string, to reflect.Value, from any) {
	switch to.Kind() {
	case reflect.String:
		if s, ok := d.want(path, from, "a string").(string); ok {
			to.SetString(s)
		}
	case reflect.Bool:
		if b, ok := d.want(path, from, "a boolean").(bool); ok {
			to.SetBool(b)
		}
	case reflect.Int:
		if n, ok := d.want(path, from, "an integer").(int64); ok {
			to.SetInt(n)
		}
	case reflect.Float64:
		if n, ok := from.(int64); ok {
			to.SetFloat(float64(n))
		} else if f, ok := d.want(path, from, "a number").(float64); ok {
			to.SetFloat(f)
		}
	default:
		panic("config: field of unsupported type " + to.Type().String())
	}
}

// duration decodes a Go duration such as "30s".
func (d *decoder) duration(path string, to *time.Duration, from any) {
	s, ok := from.(string)
	if !ok {
		d.fault(path, fmt.Sprintf(`must be a duration such as "30s", not %s`, kind(from)))
		return
	}
	if s == "" && *to == 0 {
		return // as if the key were absent, where that means none
	}
	parsed, err := time.ParseDuration(s)
	if err != nil {
		d.fault(path, fmt.Sprintf(`must be a duration such as "30s", not %q`, s))
		return
	}
	*to = parsed
}

// oneOrMany decodes a string or a list of strings. An empty string is an empty
// list, as if the key were absent.
func (d *decoder) oneOrMany(path string, to reflect.Value, from any) {
	switch v := from.(type) {
	case string:
		to.SetZero()
		if v != "" {
			to.Set(reflect.Append(to, reflect.ValueOf(v).Convert(to.Type().Elem())))
		}
	case []any:
		d.list(path, to, from)
	default:
		d.fault(path, fmt.Sprintf("must be a string or a list of strings, not %s", kind(from)))
	}
}

// list decodes an array, element by element. It replaces a default.
func (d *decoder) list(path string, to reflect.Value, from any) {
	elements, ok := d.want(path, from, "a list").([]any)
	if !ok {
		return
	}
	list := reflect.MakeSlice(to.Type(), len(elements), len(elements))
	for i, e := range elements {
		d.value(index(path, i), list.Index(i), e)
	}
	to.Set(list)
}

// mapping decodes a table whose keys are the operator's own.
func (d *decoder) mapping(path string, to reflect.Value, from any) {
	table, ok := d.want(path, from, "a table").(map[string]any)
	if !ok {
		return
	}
	m := reflect.MakeMapWithSize(to.Type(), len(table))
	for _, key := range slices.Sorted(maps.Keys(table)) {
		element := reflect.New(to.Type().Elem()).Elem()
		d.value(join(path, key), element, table[key])
		m.SetMapIndex(reflect.ValueOf(key), element)
	}
	to.Set(m)
}

// kind names the TOML type of a parsed value.
func kind(v any) string {
	switch v.(type) {
	case string:
		return "a string"
	case bool:
		return "a boolean"
	case int64:
		return "an integer"
	case float64:
		return "a number"
	case []any:
		return "a list"
	case map[string]any:
		return "a table"
	}
	return "a date or time"
}
