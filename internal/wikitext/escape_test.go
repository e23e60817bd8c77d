package wikitext

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestEscape(t *testing.T) {
	for name, tc := range map[string]struct{ in, want string }{
		"plain text stays":            {"alice wants in, please.", "alice wants in, please."},
		"e-mail address stays":        {"alice@example.com", "alice@example.com"},
		"mention":                     {"@bob [~bob]", `\@bob \[&#126;bob\]`},
		"words keep their inner dash": {"prod-db snake_case 2*3", "prod-db snake_case 2*3"},
		"strong":                      {"*x*", `\*x\*`},
		"heading":                     {"h1. x", "h1&period; x"},
		"heading after spaces":        {"  h3. x", "  h3&period; x"},
		"no heading within a line":    {"see h1. x", "see h1. x"},
		"quote":                       {"a\nbq. x", "a\nbq&period; x"},
		"macro":                       {"{code}x{code}", `\{code\}x\{code\}`},
		"link":                        {"[a|http://x]", `\[a&vert;http&colon;//x\]`},
		"image":                       {"!http://x/y.png!", `\!http&colon;//x/y.png\!`},
		"bare address":                {"https://x.y", "https&colon;//x.y"},
		"mail link":                   {"MailTo:a@b.c", "MailTo&colon;a@b.c"},
		"emoticons":                   {":) :D (!) (y)", `&colon;\) &colon;D \(\!\) \(y\)`},
		"rule":                        {"----", `\-\-\-\-`},
		"dash":                        {"a -- b --- c", `a \-\- b \-\-\- c`},
		"list":                        {"* a\n# b\n- c", "\\* a\n\\# b\n\\- c"},
		"table":                       {"||a||\n|b|", "&vert;&vert;a&vert;&vert;\n&vert;b&vert;"},
		"forced line break":           {`a\\b`, `a&bsol;&bsol;b`},
		"backslash before an escape":  {`\{x}`, `&bsol;\{x\}`},
		"domain user":                 {`CORP\alice`, `CORP\alice`},
		"reference":                   {"&lt; &#123; R&D a & b;", `&amp;lt; &amp;\#123; R&D a & b;`},
		"carriage returns":            {"a\r\nb\rc", "a\nb\nc"},
		"control and bidi characters": {"a\x00b\u202ec\x1b", "a\ufffdb\ufffdc\ufffd"},
		"invalid UTF-8":               {"a\xffb", "a\ufffdb"},
		"sum and plus":                {"c++ +ins+ 1+1", "c++ &plus;ins+ 1+1"},
		"home directory":              {"~/x ~5", "&#126;/x &#126;5"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tc.want, Escape(tc.in))
		})
	}
}

func TestEscapeLineStaysOnOneLine(t *testing.T) {
	require.Equal(t, `a h1. \* b`, EscapeLine("a\nh1.\u2028* b"))
	require.Equal(t, "a * b", Line("a\r\n* b"))
}

func TestLimitNeverCutsAnEscape(t *testing.T) {
	text := Escape("{a}~b~ |\U0001F600 \\|")
	for n := 1; n <= utf8.RuneCountInString(text)+2; n++ {
		got := Limit(text, n)
		require.LessOrEqual(t, units(got), n)
		if got == text {
			continue
		}
		kept, ok := strings.CutSuffix(got, Ellipsis)
		require.True(t, ok)
		require.True(t, strings.HasPrefix(text, kept))
		require.False(t, strings.HasSuffix(kept, `\`), kept)
		require.Equal(t, strings.Count(kept, "&"), strings.Count(kept, ";"), kept)
		require.True(t, utf8.ValidString(kept))
	}
}

func TestLimitPlainCutsByCharacters(t *testing.T) {
	require.Equal(t, strings.Repeat("é", 253)+"…", LimitPlain(strings.Repeat("é", 300), 254))
	require.Equal(t, strings.Repeat("é", 254), LimitPlain(strings.Repeat("é", 254), 254))
	require.Equal(t, "\U0001F600…", LimitPlain("\U0001F600\U0001F600", 3))
}

func BenchmarkEscape(b *testing.B) {
	text := strings.Repeat("please *fix* {code} in prod-db, see https://x.y/z?a=b&c [~bob]\n", 20)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		Escape(text)
	}
}
