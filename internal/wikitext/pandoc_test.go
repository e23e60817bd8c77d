package wikitext

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"teleport-jira/internal/access"
)

// hostile are fragments that mean something in wiki markup, glued together at
// random by the property test.
var hostile = []string{
	"{", "}", "[", "]", "!", "|", "*", "_", "-", "+", "^", "~", "?", "#", `\`, "(", ")", ":", ";", "&", "@", "%", "<", ">",
	"h1.", "h1. ", "bq. ", "* ", "# ", "- ", "----", "--", "---", "??", `\\`, "||", "{{", "}}", "{code}", "{noformat}",
	"{quote}", "{color:red}", "{color}", "{panel}", "{anchor:x}", "{*}", "{~}", "[~bob]", "[^f.txt]", "!i.png!", "http://x", "https://x.y/z",
	"mailto:a@b.c", "ftp://x", "irc://x", "file:///etc", ":)", ":D", ":P", ";)", "(!)", "(/)", "(y)", "(*r)", "&lt;", "&#42;", "&bsol;",
	"a", "b", "Z", "7", "é", "日", " ", "  ", "\n", "word", "a@b.c", "ABC-1",
}

// separator stands between two texts in the batch that one pandoc run reads.
const separator = "SEPARATORPARAGRAPH"

func TestPandocGivesBackExactlyWhatWasTyped(t *testing.T) {
	requirePandoc(t)
	gen := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string {
		parts := rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(hostile), rapid.SampledFrom(hostile), rapid.String()), 1, 14).Draw(t, "parts")
		return strings.Join(parts, "")
	}), 500, 500)
	for seed := range 4 {
		requireInert(t, gen.Example(seed))
	}
}

func TestPandocSeesNoMarkupInEveryPairOfFragments(t *testing.T) {
	requirePandoc(t)
	var texts []string
	for _, a := range hostile {
		for _, b := range hostile {
			texts = append(texts, a+b, a+b+"x"+a+b, "x "+a+"y"+b+" z")
		}
	}
	requireInert(t, texts)
}

func FuzzEscape(f *testing.F) {
	for _, s := range hostile {
		f.Add(s + "x" + s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := Escape(text)
		require.NotContains(t, got, "\r")
		require.NotContains(t, got, `\\`)
		for line := range strings.Lines(got) {
			line = strings.TrimLeft(line, " ")
			for _, mark := range []string{"* ", "# ", "- ", "|", "h1.", "bq.", "----", "{", "!"} {
				require.False(t, strings.HasPrefix(line, mark), "line %q", line)
			}
		}
		require.LessOrEqual(t, units(Limit(got, 20)), 20)
	})
}

func requirePandoc(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("pandoc"); err != nil {
		t.Skip("pandoc is not installed: the independent check of the escaping is skipped")
	}
}

func requireInert(t *testing.T, texts []string) {
	t.Helper()
	var doc strings.Builder
	for _, text := range texts {
		doc.WriteString(Escape(text) + "\n\n" + separator + "\n\n")
	}
	got := readBatch(t, doc.String())
	require.Len(t, got, len(texts))
	for i, text := range texts {
		require.Equal(t, visible(access.Clean(text)), visible(got[i]), "typed %q, sent %q", text, Escape(text))
	}
}

// visible is text as far as a reader can tell: runs of blanks count once. The
// reference &#126; is pandoc's rendering of a tilde, see the package comment.
func visible(text string) string {
	text = strings.ReplaceAll(text, "&#126;", "~")
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == '\n' }), " ")
}

// readBatch runs pandoc over a document and gives the text between separators.
// Any node but text, blank, line break and paragraph fails the test.
func readBatch(t *testing.T, doc string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "pandoc", "-f", "jira", "-t", "json")
	cmd.Stdin = strings.NewReader(doc)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())

	type node struct {
		T string
		C json.RawMessage
	}
	var tree struct{ Blocks []node }
	require.NoError(t, json.Unmarshal(out, &tree))
	var texts []string
	var current strings.Builder
	for _, block := range tree.Blocks {
		require.Equal(t, "Para", block.T, "%s after %q", block.C, current.String())
		var inlines []node
		require.NoError(t, json.Unmarshal(block.C, &inlines))
		var para strings.Builder
		for _, in := range inlines {
			switch in.T {
			case "Str":
				var s string
				require.NoError(t, json.Unmarshal(in.C, &s))
				para.WriteString(s)
			default:
				require.True(t, slices.Contains([]string{"Space", "LineBreak", "SoftBreak"}, in.T), "%s %s after %q", in.T, in.C, para.String())
				para.WriteString(" ")
			}
		}
		if para.String() == separator {
			texts = append(texts, current.String())
			current.Reset()
			continue
		}
		current.WriteString(para.String() + " ")
	}
	return texts
}
