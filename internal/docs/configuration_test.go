package docs_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/config"
	"teleport-jira/internal/jira"
)

// update has the tests write what they would compare.
var update = flag.Bool("update", false, "write docs/configuration.md")

const manual = "docs/configuration.md"

// key is a configuration key as the code knows it.
type key struct {
	path     string // "jira.statuses.pending"
	typ      string // in an operator's words
	fallback string
	meaning  string
}

// section is a table of the configuration.
type section struct {
	header  string // "[jira.statuses]"
	meaning string
	keys    []key
}

// sections walks the configuration types in the order of their source.
func sections(t *testing.T) []section {
	t.Helper()
	w := &walker{types: structs(t, "internal/config/config.go"), required: required(t)}
	w.walk("", field{typ: "Config"}, reflect.ValueOf(*config.Default()))
	require.NotEmpty(t, w.sections)
	return w.sections
}

// required are the keys without which an empty file is no configuration, and
// what the validation says of each.
func required(t *testing.T) map[string]string {
	t.Helper()
	_, err := config.Parse("empty", nil, config.Options{})
	var faults config.Faults
	require.ErrorAs(t, err, &faults)
	keys := map[string]string{}
	for _, f := range faults {
		keys[f.Key] = f.Msg
	}
	return keys
}

type walker struct {
	types    map[string]structType
	required map[string]string
	sections []section
}

// selfDescription is how the source begins to describe a section's type.
var selfDescription = regexp.MustCompile(`^\w+ is (the|one) section \[+[^\]]+\]+\. ?`)

// walk adds the section that a field of the configuration is, and those in it.
func (w *walker) walk(path string, of field, value reflect.Value) {
	name := strings.TrimPrefix(of.typ, "[]")
	own := section{header: "[" + path + "]"}
	if name != of.typ {
		own.header = "[" + own.header + "]"
	}
	own.meaning = strings.TrimSpace(of.doc + " " + selfDescription.ReplaceAllString(w.types[name].doc, ""))
	at := len(w.sections)
	if path != "" {
		w.sections = append(w.sections, own)
	}
	for _, f := range w.types[name].fields {
		if f.tag == "-" {
			continue
		}
		full, inner := strings.TrimPrefix(path+"."+f.tag, "."), value.FieldByName(f.name)
		element := strings.TrimPrefix(f.typ, "[]")
		switch {
		case w.types[element].fields != nil && element == f.typ:
			w.walk(full, f, inner)
		case w.types[element].fields != nil:
			w.walk(full, f, reflect.Zero(inner.Type().Elem()))
		default:
			own.keys = append(own.keys, w.key(full, f, inner))
		}
	}
	if path != "" {
		w.sections[at].keys = own.keys
	}
}

func (w *walker) key(path string, f field, value reflect.Value) key {
	k := key{path: path, typ: words()[f.typ], fallback: inTOML(value), meaning: f.doc}
	if msg, ok := w.required[path]; ok {
		k.fallback = "none: " + msg
	}
	return k
}

// words are the types as an operator knows them.
func words() map[string]string {
	return map[string]string{
		"string": "string", "bool": "boolean", "int": "integer", "float64": "number",
		"time.Duration": "duration", "[]string": "list of strings", "Names": "string, or list of strings",
		"Secret": "string, secret", "Secrets": "string, or list of strings, secret",
		"SecretFile": "path", "SecretFiles": "path, or list of paths",
		"map[string]string": "table of strings", "map[string]Names": "table of strings, or of lists of strings",
		"map[string]any": "table",
	}
}

// inTOML is a default as it would be written; "" for what is empty.
func inTOML(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case time.Duration:
		short := strings.Replace(strings.Replace(x.String(), "m0s", "m", 1), "h0m", "h", 1)
		return fmt.Sprintf("`%q`", short)
	case config.Names:
		if len(x) == 1 {
			return fmt.Sprintf("`%q`", x[0])
		}
	case string:
		if x != "" {
			return fmt.Sprintf("`%q`", x)
		}
	case bool, int, float64:
		return fmt.Sprintf("`%v`", x)
	}
	return ""
}

// row is a line of one of the manual's tables.
type row struct {
	Name, Type, Default, Meaning string
}

// chapter is a section of the configuration as the manual's template has it.
type chapter struct {
	Header, Meaning string
	Keys            []row
}

// render writes the manual: its template, filled with what the code says.
func render(t *testing.T) string {
	t.Helper()
	var data struct {
		Sections []chapter
	}
	for _, s := range sections(t) {
		c := chapter{Header: s.header, Meaning: s.meaning}
		for _, k := range s.keys {
			require.NotEmpty(t, k.typ, k.path)
			require.NotEmpty(t, k.meaning, k.path)
			c.Keys = append(c.Keys, row{k.path[strings.LastIndex(k.path, ".")+1:], k.typ, k.fallback, k.meaning})
		}
		data.Sections = append(data.Sections, c)
	}
	tmpl, err := template.New(manual).Delims("<<", ">>").Funcs(template.FuncMap{"cell": cell}).Parse(read(t, manual+".tmpl"))
	require.NoError(t, err)
	var b strings.Builder
	require.NoError(t, tmpl.Execute(&b, data))
	return b.String()
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

func TestConfigurationManualIsMadeFromTheTypes(t *testing.T) {
	want := render(t)
	if *update {
		require.NoError(t, os.WriteFile(filepath.Join(root, manual), []byte(want), 0o644))
	}
	require.Equal(t, want, read(t, manual), "%s is stale, run make docs", manual)
}

// Every block of TOML in the manual and about templates is a configuration, once
// what has no default is added to it.
func TestExamplesOfTheManualAreValid(t *testing.T) {
	blocks := strings.Split(read(t, manual), "```toml\n")[1:]
	blocks = append(blocks, strings.Split(read(t, "docs/issue-templates.md"), "```toml\n")[1:]...)
	require.GreaterOrEqual(t, len(blocks), 4)
	for _, rest := range blocks {
		block, _, _ := strings.Cut(rest, "```")
		text := block
		for _, table := range []string{
			"[teleport]\naddr = \"a:1\"\nidentity = \"i\"\n", "[http]\nenabled = false\n",
			"[jira]\nurl = \"https://j\"\nusername = \"u\"\napi_token = \"t\"\nproject = \"TAR\"\n",
		} {
			header, keys, _ := strings.Cut(table, "\n")
			if strings.Contains(text, header+"\n") {
				text = strings.Replace(text, header+"\n", header+"\n"+keys, 1)
			} else {
				text = table + text
			}
		}
		c, err := config.Parse("example", []byte(text), config.Options{})
		require.NoError(t, err, text)
		_, err = jira.New(jira.Config{
			URL: c.Jira.URL, Token: func() string { return "t" }, Projects: []string{c.Jira.Project},
			Issue: jira.IssueConfig{Summary: c.Jira.Issue.Summary, Description: c.Jira.Issue.Description, Fields: c.Jira.Fields},
		}, jira.Deps{})
		require.NoError(t, err, text)
	}
}
