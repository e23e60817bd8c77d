package testworld

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
)

// Config is the daemon's configuration file by section and key. It is not ready
// for concurrent use.
type Config map[string]map[string]any

// bareKey is a key that TOML takes without quotes.
var bareKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// Set gives a key of a section a value: a string, a bool or a list of strings.
func (c Config) Set(section, key string, value any) {
	if c[section] == nil {
		c[section] = map[string]any{}
	}
	c[section][key] = value
}

// Drop takes a key out.
func (c Config) Drop(section, key string) { delete(c[section], key) }

// String is the file's content, in TOML.
func (c Config) String() string {
	var b strings.Builder
	for _, section := range slices.Sorted(maps.Keys(c)) {
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "[%s]\n", section)
		for _, key := range slices.Sorted(maps.Keys(c[section])) {
			name := key
			if !bareKey.MatchString(key) {
				name = literal(key)
			}
			fmt.Fprintf(&b, "%s = %s\n", name, literal(c[section][key]))
		}
	}
	return b.String()
}

// Write writes the file, readable by nobody else.
func (c Config) Write(path string) error {
	return os.WriteFile(path, []byte(c.String()), 0o600)
}

// literal is a value in TOML.
func literal(value any) string {
	switch v := value.(type) {
	case string:
		return fmt.Sprintf("%q", v)
	case []string:
		quoted := make([]string, len(v))
		for i, s := range v {
			quoted[i] = literal(s)
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	}
	return fmt.Sprint(value)
}
