package main

import (
	"io"
	"strings"
	"testing"
	"testing/fstest"

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
	tree := fstest.MapFS{"a/strangers_test.go": {Data: []byte(source)}, "b/doorbell.go": {Data: []byte("package b")}}
	var out strings.Builder
	n, err := check(&out, tree, []string{"a"})
	require.NoError(t, err)
	require.Equal(t, `a/strangers_test.go: strangers_test: in place of "stranger" write unknown issue
a/strangers_test.go:4:6: leftOver: in place of "left over" write ambiguous
a/strangers_test.go:4:23: verdicts: in place of "verdict" write result, state or level
a/strangers_test.go:8:6: TestDoorbell: in place of "doorbell" write Enqueuer or EventHandler
a/strangers_test.go:10:24: judge: in place of "judge" write authorize
a/strangers_test.go:11:2: bell: in place of "bell" write the active generation
a/strangers_test.go:12:6: outage: in place of "outage" write health
`, out.String())
	require.Equal(t, 7, n)
}

func TestNoFoldersAreNoCleanResult(t *testing.T) {
	_, err := check(io.Discard, fstest.MapFS{}, nil)
	require.Error(t, err)
}
