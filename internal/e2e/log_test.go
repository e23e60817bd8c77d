package e2e

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSIGHUPReopensTheLogFile(t *testing.T) {
	w := newWorld(t)
	file, rotated := w.path("daemon.log"), w.path("daemon.log.1")
	w.set("log", "output", file)
	w.start()
	require.NoError(t, os.Rename(file, rotated))
	w.reload()
	eventually(t, func(c *assert.CollectT) {
		text, err := os.ReadFile(file)
		require.NoError(c, err)
		require.Contains(c, string(text), "configuration reloaded")
	})
	old, err := os.ReadFile(rotated)
	require.NoError(t, err)
	require.Contains(t, string(old), "msg=starting")
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Zero(t, info.Mode().Perm()&0o007, "others may not read it")
}

func TestLogAsJSON(t *testing.T) {
	w := newWorld(t)
	w.set("log", "format", "json")
	w.start()
	id, issue := w.pending()
	w.logged(`"msg":"issue created"`, `"request_id":"`+id+`"`, `"issue_key":"`+issue.Key+`"`)
	for line := range strings.Lines(w.log.String()) {
		require.True(t, strings.HasPrefix(line, "{"), line)
	}
}
