package logging

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/slogtest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestStandardStreams(t *testing.T) {
	var stdout, stderr bytes.Buffer
	o := Options{Output: "stderr", Severity: "INFO", Format: "text", Stdout: &stdout, Stderr: &stderr}
	l, err := Open(o)
	require.NoError(t, err)
	log := l.Logger()
	log.Info("started", "request_id", "r")
	log.Debug("hidden")
	require.Contains(t, stderr.String(), `level=INFO msg=started request_id=r`)
	require.NotContains(t, stderr.String(), "hidden")

	o.Output, o.Severity = "stdout", "DEBUG"
	replace(t, l, o)
	log.Debug("shown")
	require.Contains(t, stdout.String(), "msg=shown")
	require.NotContains(t, stderr.String(), "shown")
}

// replace makes the log one of the options.
func replace(t *testing.T, l *Log, o Options) {
	t.Helper()
	next, err := Open(o)
	require.NoError(t, err)
	l.Replace(next)
}

func TestDerivedLoggersFollowAReplacement(t *testing.T) {
	var out bytes.Buffer
	o := Options{Output: "stderr", Severity: "INFO", Format: "text", Stderr: &out}
	l, err := Open(o)
	require.NoError(t, err)
	derived := l.Logger().With("worker", 1).WithGroup("jira").With("project", "TAR")
	derived.Info("one", "key", "TAR-1")
	require.Contains(t, out.String(), "msg=one worker=1 jira.project=TAR jira.key=TAR-1")

	out.Reset()
	o.Format = "json"
	replace(t, l, o)
	derived.Info("two")
	var line map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &line))
	require.InDelta(t, 1, line["worker"], 0)
	require.Equal(t, map[string]any{"project": "TAR"}, line["jira"])
}

func TestDurationsAreReadableInEveryFormat(t *testing.T) {
	for format, want := range map[string][]string{
		"text": {"took=983ms", "jira.after=1m30s", "jira.n=7"},
		"json": {`"took":"983ms"`, `"after":"1m30s"`, `"n":7`},
	} {
		var out bytes.Buffer
		l, err := Open(Options{Output: "stderr", Severity: "INFO", Format: format, Stderr: &out})
		require.NoError(t, err)
		l.Logger().With("took", 983*time.Millisecond).WithGroup("jira").Info("listed", "after", 90*time.Second, "n", 7)
		for _, part := range want {
			require.Contains(t, out.String(), part)
		}
	}
}

// TestWritable holds it against Open, on the same files.
func TestWritable(t *testing.T) {
	dir := t.TempDir()
	there := filepath.Join(dir, "there.log")
	require.NoError(t, os.WriteFile(there, []byte("old\n"), 0o600))
	for name, tc := range map[string]struct {
		output string
		file   bool
		says   string
	}{
		"a stream":       {"stderr", false, ""},
		"a file":         {there, true, ""},
		"a new file":     {filepath.Join(dir, "new.log"), true, ""},
		"a directory":    {dir, true, "is a directory"},
		"no directory":   {filepath.Join(dir, "gone", "x.log"), true, "no such file or directory"},
		"below a file":   {filepath.Join(there, "x.log"), true, "not a directory"},
		"a bare name":    {"teleport-jira.log", true, ""},
		"the other side": {"stdout", false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(dir)
			before, err := os.ReadDir(dir)
			require.NoError(t, err)
			file, err := Writable(tc.output)
			require.Equal(t, tc.file, file)
			after, readErr := os.ReadDir(dir)
			require.NoError(t, readErr)
			require.Equal(t, before, after, "nothing is made")
			l, openErr := Open(Options{Output: tc.output, Severity: "INFO", Format: "text"})
			if tc.says == "" {
				require.NoError(t, err)
				require.NoError(t, openErr)
				require.NoError(t, l.Close())
				_ = os.Remove(filepath.Join(dir, "new.log"))
				_ = os.Remove(filepath.Join(dir, "teleport-jira.log"))
				return
			}
			require.ErrorContains(t, err, tc.says)
			require.ErrorContains(t, openErr, tc.says)
		})
	}
}

func TestFileIsOpenedAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "teleport-jira.log")
	o := Options{Output: path, Severity: "INFO", Format: "text"}
	l, err := Open(o)
	require.NoError(t, err)
	log := l.Logger()
	log.Info("first")
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	require.NoError(t, os.Rename(path, path+".1"))
	log.Info("second")
	require.NoError(t, l.Reopen())
	log.Info("third")
	require.NoError(t, l.Reopen())
	log.Info("fourth")
	require.NoError(t, l.Close())
	log.Info("lost")

	rotated, err := os.ReadFile(path + ".1")
	require.NoError(t, err)
	require.Contains(t, string(rotated), "msg=first")
	require.Contains(t, string(rotated), "msg=second")
	current, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, 2, strings.Count(string(current), "\n"))
	require.Contains(t, string(current), "msg=fourth")
}

func TestOpenRefuses(t *testing.T) {
	for name, bad := range map[string]Options{
		"severity": {Output: "stdout", Severity: "LOUD", Format: "text"},
		"format":   {Output: "stdout", Severity: "INFO", Format: "xml"},
		"file":     {Output: filepath.Join(t.TempDir(), "missing", "log"), Severity: "INFO", Format: "text"},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := Open(bad)
			require.ErrorContains(t, err, "log "+name)
			require.Nil(t, l)
		})
	}
}

func TestReopenThatFailsKeepsTheFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "log")
	l, err := Open(Options{Output: path, Severity: "INFO", Format: "text"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	require.NoError(t, os.Rename(path, path+".1"))
	require.NoError(t, os.Mkdir(path, 0o700))
	require.ErrorContains(t, l.Reopen(), "is a directory")
	l.Logger().Info("still here")
	text, err := os.ReadFile(path + ".1")
	require.NoError(t, err)
	require.Contains(t, string(text), "still here")
}

func TestReplaceWhileLogging(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	o := Options{Output: path, Severity: "INFO", Format: "json"}
	l, err := Open(o)
	require.NoError(t, err)
	log := l.Logger().With("a", 1)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 100 {
				log.Info("line")
			}
		})
	}
	for range 50 {
		replace(t, l, o)
	}
	wg.Wait()
	require.NoError(t, l.Close())
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, 400, bytes.Count(data, []byte("\n")))
}

func TestHandlerKeepsSlogsContract(t *testing.T) {
	var out bytes.Buffer
	l, err := Open(Options{Output: "stderr", Severity: "INFO", Format: "json", Stderr: &out})
	require.NoError(t, err)
	slogtest.Run(t, func(*testing.T) slog.Handler {
		out.Reset()
		return l.Logger().Handler()
	}, func(t *testing.T) map[string]any {
		t.Helper()
		var line map[string]any
		require.NoError(t, json.Unmarshal(out.Bytes(), &line))
		return line
	})
}
