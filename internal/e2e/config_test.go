package e2e

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"
)

// configuration is a TOML file by section and key.
type configuration map[string]map[string]any

// set gives a key of a section a value: a string, a bool or a list of strings.
func (c configuration) set(section, key string, value any) {
	if c[section] == nil {
		c[section] = map[string]any{}
	}
	c[section][key] = value
}

// drop takes a key out.
func (c configuration) drop(section, key string) { delete(c[section], key) }

// String is the file's content.
func (c configuration) String() string {
	var b strings.Builder
	for _, section := range slices.Sorted(maps.Keys(c)) {
		fmt.Fprintf(&b, "[%s]\n", section)
		for _, key := range slices.Sorted(maps.Keys(c[section])) {
			fmt.Fprintf(&b, "%q = %s\n", key, literal(c[section][key]))
		}
	}
	return b.String()
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

// set changes the configuration that start and reload write.
func (w *world) set(section, key string, value any) { w.conf.set(section, key, value) }

// writeConfig writes the configuration as it is now.
func (w *world) writeConfig() { w.writeText(w.conf.String()) }

// writeText writes a configuration file of any content.
func (w *world) writeText(text string) {
	w.t.Helper()
	require.NoError(w.t, os.WriteFile(w.confPath, []byte(text), 0o600))
}
