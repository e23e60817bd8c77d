package plan

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGlob(t *testing.T) {
	for pattern, tc := range map[string]struct{ yes, no []string }{
		"prod":     {[]string{"prod"}, []string{"", "pro", "prod-a", "Prod"}},
		"*":        {[]string{"", "prod"}, nil},
		"prod-*":   {[]string{"prod-", "prod-a", "prod-*"}, []string{"prod", "a-prod-b"}},
		"*-admin":  {[]string{"-admin", "db-admin"}, []string{"db-admin-x", "admin"}},
		"a*b*c":    {[]string{"abc", "a-b-c", "abbc", "abcbc"}, []string{"acb", "ab", "ac", "xabc"}},
		"ab*ba":    {[]string{"abba", "ab-ba"}, []string{"aba"}},
		"**":       {[]string{"", "x"}, nil},
		"a.b*":     {[]string{"a.bc"}, []string{"axbc"}},
		`a\*`:      {[]string{`a\b`}, []string{"a*"}},
		"größe-*ß": {[]string{"größe-ß"}, []string{"größe-s"}},
	} {
		g, err := ParseGlob(pattern)
		require.NoError(t, err, pattern)
		for _, s := range tc.yes {
			require.True(t, g.Match(s), "%q, %q", pattern, s)
		}
		for _, s := range tc.no {
			require.False(t, g.Match(s), "%q, %q", pattern, s)
		}
	}
}

func TestParseGlobRefuses(t *testing.T) {
	for pattern, says := range map[string]string{
		"":         "empty",
		"prod-?":   "only * is special",
		"[ab]-*":   "only * is special",
		"prod-*[x": "only * is special",
	} {
		g, err := ParseGlob(pattern)
		require.ErrorContains(t, err, says, pattern)
		require.Empty(t, g)
	}
}

// FuzzGlob holds matching against a regular expression that says the same.
func FuzzGlob(f *testing.F) {
	for _, pattern := range []string{"prod", "prod-*", "*-admin", "a*b*c", "**", "ab*ba"} {
		f.Add(pattern, "prod-db-admin")
		f.Add(pattern, "aba")
	}
	f.Fuzz(func(t *testing.T, pattern, s string) {
		g, err := ParseGlob(pattern)
		if err != nil {
			return
		}
		expr, err := regexp.Compile(`(?s)\A` + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, `.*`) + `\z`)
		if err != nil {
			return // bytes that are no UTF-8
		}
		require.Equal(t, expr.MatchString(s), g.Match(s), "%q, %q", pattern, s)
	})
}
