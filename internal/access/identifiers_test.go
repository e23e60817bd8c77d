package access_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
)

func TestParseIssueID(t *testing.T) {
	for _, id := range []string{"1", "10001", strings.Repeat("9", 19)} {
		got, err := access.ParseIssueID(id)
		require.NoError(t, err)
		require.Equal(t, id, got)
	}
	for _, s := range []string{"", "-7", "7.5", "1e3", " 7", "7\n", "7/comment", "../7", "٧", "OPS-1", strings.Repeat("9", 20)} {
		got, err := access.ParseIssueID(s)
		require.Error(t, err, "%q", s)
		require.Empty(t, got)
	}
}

func TestParseIssueKey(t *testing.T) {
	for _, key := range []string{"A-1", "OPS-12", "A_1-2", "X9-" + strings.Repeat("9", 19), strings.Repeat("K", 255) + "-1"} {
		got, err := access.ParseIssueKey(key)
		require.NoError(t, err)
		require.Equal(t, key, got)
	}
	for _, s := range []string{
		"", "10001", "OPS", "OPS-", "-1", "ops-1", "1OPS-1", "_A-1", "OPS-1-2", "OPS-1x", "../x-1", "OPS-1/comment",
		"OPS-1?x=y", "OPS 1-1", "ÄB-1", "OPS-1\n", "OPS-" + strings.Repeat("9", 20), strings.Repeat("K", 256) + "-1",
	} {
		got, err := access.ParseIssueKey(s)
		require.Error(t, err, "%q", s)
		require.Empty(t, got)
	}
}

func TestRequestIDFromLabels(t *testing.T) {
	for name, tc := range map[string]struct {
		labels []string
		want   access.RequestID
	}{
		"none":               {nil, ""},
		"others":             {[]string{"team-a", "teleport"}, ""},
		"the label's id":     {[]string{"team-a", access.RequestID("0197-a").Label()}, "0197-a"},
		"two":                {[]string{"teleport-a", "teleport-b"}, ""},
		"one twice":          {[]string{"teleport-a", "teleport-a"}, "a"},
		"the one valid":      {[]string{"teleport-../x", "teleport-", "teleport-b"}, "b"},
		"in other letters":   {[]string{"Teleport-a"}, ""},
		"not at the begin":   {[]string{"my-teleport-a"}, ""},
		"with a second line": {[]string{"teleport-a\nb"}, ""},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, tc.want, access.RequestIDFromLabels(tc.labels)) })
	}
}

// FuzzIdentifiers: what a parser lets through means nothing but itself in a
// path, a query or a JQL string.
func FuzzIdentifiers(f *testing.F) {
	for _, seed := range []string{"", "10001", "OPS-12", "teleport-a", "teleport-../a", "A-1\n", "A-1\x00", "\xff-1"} {
		f.Add(seed)
	}
	const harmless = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
	f.Fuzz(func(t *testing.T, s string) {
		id, idErr := access.ParseIssueID(s)
		key, keyErr := access.ParseIssueKey(s)
		request := access.RequestIDFromLabels([]string{s})
		require.Equal(t, idErr == nil, id == s && s != "")
		require.Equal(t, keyErr == nil, key == s && s != "")
		require.False(t, idErr == nil && keyErr == nil)
		if request != "" {
			require.Equal(t, s, request.Label())
		}
		for _, accepted := range []string{id, key, string(request)} {
			require.Empty(t, strings.Trim(accepted, harmless))
			require.NotContains(t, accepted, "/")
			require.False(t, strings.HasPrefix(accepted, "."))
		}
	})
}
