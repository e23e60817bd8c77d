package logging

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"os"
	"syscall"
)

// journal writes lines to systemd's journal, each with its priority before it:
// sd-daemon(3). Each Write is one line.
type journal struct{ to io.Writer }

// Write implements io.Writer.
func (j journal) Write(line []byte) (int, error) {
	if _, err := j.to.Write(append([]byte(priority(line)), line...)); err != nil {
		return 0, err //nolint:wrapcheck // as whoever wrote to the stream itself would get it
	}
	return len(line), nil
}

// priority is syslog's for the line's level, which stands before what others
// wrote: err, warning, info or debug.
func priority(line []byte) string {
	_, rest, _ := bytes.Cut(line, []byte("level"))
	switch rest = bytes.TrimLeft(rest, `":=`); {
	case bytes.HasPrefix(rest, []byte("ERROR")):
		return "<3>"
	case bytes.HasPrefix(rest, []byte("WARN")):
		return "<4>"
	case bytes.HasPrefix(rest, []byte("DEBUG")):
		return "<7>"
	}
	return "<6>"
}

// isJournal reports whether the stream is the one that systemd connected to the
// journal, by JOURNAL_STREAM, which names its device and inode: systemd.exec(5).
// A stream that was redirected since is not.
func isJournal(to io.Writer, stream string) bool {
	file, ok := to.(*os.File)
	if !ok || stream == "" {
		return false
	}
	info, err := file.Stat()
	if err != nil {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stream == fmt.Sprintf("%d:%d", stat.Dev, stat.Ino)
}

// timeless is readable without the time of a line: the journal keeps its own.
func timeless(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return readable(groups, a)
}
