package logging

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// streamOf is what systemd would set JOURNAL_STREAM to for the file.
func streamOf(t *testing.T, file *os.File) string {
	t.Helper()
	info, err := file.Stat()
	require.NoError(t, err)
	stat, ok := info.Sys().(*syscall.Stat_t)
	require.True(t, ok)
	return fmt.Sprintf("%d:%d", stat.Dev, stat.Ino)
}

// written opens a log on a file and returns the lines that four levels make.
func written(t *testing.T, format string, stream func(*os.File) string) []string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "stderr")
	file, err := os.Create(path)
	require.NoError(t, err)
	l, err := Open(Options{Output: "stderr", Severity: "DEBUG", Format: format, Stderr: file, Journal: stream(file)})
	require.NoError(t, err)
	log := l.Logger().With("jira", "TAR")
	log.Error("one\nlevel=INFO", "level", "INFO")
	log.Warn("two")
	log.Info("level=ERROR")
	log.Debug("four")
	require.NoError(t, file.Close())
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

func TestLinesOfTheJournalHaveTheirPriority(t *testing.T) {
	require.Equal(t, []string{
		`<3>level=ERROR msg="one\nlevel=INFO" jira=TAR level=INFO`,
		`<4>level=WARN msg=two jira=TAR`,
		`<6>level=INFO msg="level=ERROR" jira=TAR`,
		`<7>level=DEBUG msg=four jira=TAR`,
	}, written(t, "text", func(f *os.File) string { return streamOf(t, f) }))
}

func TestJSONOfTheJournalIsJSONAfterThePriority(t *testing.T) {
	lines := written(t, "json", func(f *os.File) string { return streamOf(t, f) })
	require.Len(t, lines, 4)
	for i, priority := range []string{"<3>", "<4>", "<6>", "<7>"} {
		text, ok := strings.CutPrefix(lines[i], priority)
		require.True(t, ok, lines[i])
		var line map[string]any
		require.NoError(t, json.Unmarshal([]byte(text), &line))
		require.Contains(t, line, "time", "whoever collects JSON reads the time there")
	}
}

// TestOtherStreamsAreNoJournal: a shell under systemd inherits the variable and
// redirects.
func TestOtherStreamsAreNoJournal(t *testing.T) {
	for _, stream := range []string{"", "8:1", "x"} {
		for _, line := range written(t, "text", func(*os.File) string { return stream }) {
			require.True(t, strings.HasPrefix(line, "time="), line)
		}
	}
	require.False(t, isJournal(&bytes.Buffer{}, "8:1"))
}
