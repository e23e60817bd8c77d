package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNamesAreTakenApart(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"maybeSent": "maybe sent", "IssueID": "issue id", "madeForID": "made for id", "URLOfIssue": "url of issue",
		"snake_case": "snake case", "x": "x", "HTTP": "http", "_lead": "lead",
	} {
		require.Equal(t, want, strings.Join(split(name), " "), name)
	}
}

func TestDroppedWordsAreFoundInNamesAndNowhereElse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	source := `package p

// doorbell in a comment is nobody's business, nor is "doorbell" in a text.
type leftOver struct{ verdicts, left, over int }

func TestWhatIsGone() {}

func TestDoorbell() {}

func (o leftOver) ring(judge int) (gated string) {
	bell := len("doorbell")
	for outage := range bell {
		_ = outage
	}
	return
}
`
	require.NoError(t, os.WriteFile(filepath.Join(dir, "strangers_test.go"), []byte(source), 0o600))
	var out strings.Builder
	n, err := check(&out, []string{dir})
	require.NoError(t, err)
	text := strings.ReplaceAll(out.String(), dir+"/", "")
	require.Equal(t, `strangers_test.go: strangers_test: in place of "stranger" write unknown issue
strangers_test.go:4:6: leftOver: in place of "left over" write ambiguous
strangers_test.go:4:23: verdicts: in place of "verdict" write result, state or level
strangers_test.go:8:6: TestDoorbell: in place of "doorbell" write Enqueuer or EventHandler
strangers_test.go:10:24: judge: in place of "judge" write authorize
strangers_test.go:11:2: bell: in place of "bell" write the active generation
strangers_test.go:12:6: outage: in place of "outage" write health
`, text)
	require.Equal(t, 7, n)
}
