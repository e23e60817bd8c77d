package access_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
)

func TestCleanLeavesNothingThatDeceives(t *testing.T) {
	for name, tc := range map[string]struct{ in, want string }{
		"plain text stays":    {"Zoë, 日本 👍", "Zoë, 日本 👍"},
		"line breaks":         {"a\r\nb\rc\u2028d", "a\nb\nc\nd"},
		"control":             {"a\x00b\x1b[1m", "a\ufffdb\ufffd[1m"},
		"bidirectional":       {"a\u202eb\u2066c\u200fd", "a\ufffdb\ufffdc\ufffdd"},
		"no width":            {"b\u200bo\u2060b\u00ad\ufeff", "bob"},
		"joined emoji":        {"👩\u200d💻", "👩💻"},
		"filler":              {"bob\u3164\u115f", "bob"},
		"variation and tags":  {"a\ufe0fb\U000e0041", "ab"},
		"bytes without sense": {"a\xffb", "a\ufffdb"},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, tc.want, access.Clean(tc.in)) })
	}
	require.Equal(t, "a b c", access.CleanLine(" a\n b\t c\u200b "))
}

func TestListCountsWhatDoesNotFit(t *testing.T) {
	many := make([]string, 40)
	for i := range many {
		many[i] = strings.Repeat("x", 9)
	}
	require.Equal(t, "xxxxxxxxx, xxxxxxxxx, xxxxxxxxx and 37 more", access.List(many, 32)) //nolint:dupword // a list
	require.Equal(t, "a, b", access.List([]string{"a", "b"}, 10))
	require.Empty(t, access.List(nil, 10))
	require.Equal(t, "a b, c", access.List([]string{"a\nb", "c"}, 10), "an item makes no line of its own")
	long := access.List([]string{strings.Repeat("é", 50), "second"}, 20)
	require.True(t, utf8.ValidString(long))
	require.True(t, strings.HasSuffix(long, "… and 1 more"), long)
}
