package fakejira_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
)

// BenchmarkCreate is the double's own cost of a create, so that benchmarks of
// the daemon can be told from it.
func BenchmarkCreate(b *testing.B) {
	j := benchmarked(b, 0)
	for b.Loop() {
		j.create("teleport-abc")
	}
}

// BenchmarkGetIssue reads an issue with its changelog.
func BenchmarkGetIssue(b *testing.B) {
	j := benchmarked(b, 1)
	for b.Loop() {
		j.call(http.StatusOK, "GET", "/rest/api/2/issue/TAR-1?expand=changelog", nil)
	}
}

// BenchmarkSearchLabel looks for one issue among 10,000.
func BenchmarkSearchLabel(b *testing.B) {
	j := benchmarked(b, 10_000)
	for b.Loop() {
		require.Len(b, j.find(`project = TAR AND labels = "teleport-5000"`), 1)
	}
}

func benchmarked(b *testing.B, issues int) *jira {
	b.Helper()
	s, err := fakejira.New(fakejira.Board(fakejira.Cloud))
	require.NoError(b, err)
	b.Cleanup(s.Close)
	for i := range issues {
		_, err := s.CreateIssue(fakejira.BotID, fakejira.NewIssue{
			Project: "TAR", Summary: "s", Labels: []string{fmt.Sprint("teleport-", i)},
		})
		require.NoError(b, err)
	}
	return &jira{Server: s, t: b, client: s.RoundTripper(), user: fakejira.BotEmail, token: fakejira.BotToken}
}
