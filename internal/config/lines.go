package config

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// lines knows on which line each key of a TOML document stands. Keys are
// dotted paths, elements of arrays carry their index: "jira.routes[0].labels".
type lines struct {
	at       map[string]int
	newlines []int          // offsets of the document's newlines
	arrays   map[string]int // elements seen so far of each array of tables
}

// linesOf finds the lines of all keys in doc, which must be valid TOML: of a
// broken one it finds those before the break.
func linesOf(doc []byte) *lines {
	l := &lines{at: map[string]int{}, arrays: map[string]int{}}
	for i, c := range doc {
		if c == '\n' {
			l.newlines = append(l.newlines, i)
		}
	}
	var p unstable.Parser
	p.Reset(doc)
	table := ""
	for p.NextExpression() {
		switch e := p.Expression(); e.Kind {
		case unstable.Table:
			table = l.path("", e.Key(), false)
		case unstable.ArrayTable:
			table = l.path("", e.Key(), true)
		case unstable.KeyValue:
			l.keyValue(table, e)
		}
	}
	return l
}

// has reports whether the document has the key itself.
func (l *lines) has(key string) bool {
	_, ok := l.at[key]
	return ok
}

// of returns the line of key, or of the nearest table around it; 0 for none.
func (l *lines) of(key string) int {
	for {
		if n, ok := l.at[key]; ok {
			return n
		}
		i := strings.LastIndexAny(key, ".[")
		if i < 0 {
			return 0
		}
		key = key[:i]
	}
}

// keyValue records the lines of a key and of what its value contains.
func (l *lines) keyValue(table string, e *unstable.Node) {
	l.value(l.path(table, e.Key(), false), e.Value())
}

// value records the lines inside a value.
func (l *lines) value(path string, v *unstable.Node) {
	for i, it := 0, v.Children(); it.Next(); i++ {
		switch child := it.Node(); v.Kind {
		case unstable.InlineTable:
			l.keyValue(path, child)
		case unstable.Array:
			element := index(path, i)
			if child.Raw.Length > 0 {
				l.note(element, child)
			}
			l.value(element, child)
		}
	}
}

// path appends a dotted key to a path and records its line. appendTable says that
// the key is the header of one more element of an array of tables.
func (l *lines) path(path string, key unstable.Iterator, appendTable bool) string {
	for key.Next() {
		n := key.Node()
		path = join(path, string(n.Data))
		last := key.IsLast()
		if last && appendTable {
			l.arrays[path]++
		}
		count := l.arrays[path]
		if _, seen := l.at[path]; !seen || (last && count == 0) {
			l.note(path, n)
		}
		if count == 0 {
			continue
		}
		path = index(path, count-1)
		if last && appendTable {
			l.note(path, n)
		}
	}
	return path
}

// note records the line that n begins on.
func (l *lines) note(path string, n *unstable.Node) {
	i, _ := slices.BinarySearch(l.newlines, int(n.Raw.Offset))
	l.at[path] = i + 1
}

// join appends a key to a path, quoted where it is no bare key, so that a path
// is always one line and its dots are its own.
func join(path, key string) string {
	if !isBare(key) {
		key = strconv.Quote(key)
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

// index appends an element's index to a path.
func index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// isBare reports whether TOML allows key without quotes.
func isBare(key string) bool {
	return key != "" && strings.Trim(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") == ""
}
