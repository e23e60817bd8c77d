// Package logging makes the daemon's logger. It may not log anything itself,
// and keeps no global one: the logger is handed to whoever needs it.
package logging

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
)

// Options says where the log goes and what it looks like.
type Options struct {
	Output   string    // "stdout", "stderr" or the path of a file
	Severity string    // "DEBUG", "INFO", "WARN" or "ERROR"
	Format   string    // "text" or "json"
	Stdout   io.Writer // what "stdout" means
	Stderr   io.Writer // what "stderr" means
}

// Log is a logger's destination, level and format, which can be changed while
// it is in use. It may be used concurrently.
type Log struct {
	out  sink
	root atomic.Pointer[rootHandler]
}

// rootHandler is the handler of the current options; its identity tells
// derived loggers whether theirs is still good.
type rootHandler struct{ slog.Handler }

// Open makes a log. A file is made if it is not there, readable by its owner
// only, and appended to.
func Open(o Options) (*Log, error) {
	l := &Log{}
	if err := l.Reload(o); err != nil {
		return nil, err
	}
	return l, nil
}

// Logger is the logger that writes to l, whatever l is changed to later.
func (l *Log) Logger() *slog.Logger { return slog.New(&handler{log: l}) }

// Reload changes the log to o, or leaves it as it is where that fails. With the
// same options it opens a log file again, so that a file that was moved away
// by logrotate is let go.
func (l *Log) Reload(o Options) error {
	var level slog.Level
	if err := level.UnmarshalText([]byte(o.Severity)); err != nil {
		return fmt.Errorf("log severity %q: %w", o.Severity, err)
	}
	root := &rootHandler{}
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: readable}
	switch o.Format {
	case "text":
		root.Handler = slog.NewTextHandler(&l.out, options)
	case "json":
		root.Handler = slog.NewJSONHandler(&l.out, options)
	default:
		return fmt.Errorf("log format %q: not text or json", o.Format)
	}
	to, file := o.Stderr, io.Closer(nil)
	switch o.Output {
	case "stdout":
		to = o.Stdout
	case "stderr":
	default:
		f, err := os.OpenFile(o.Output, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
		if err != nil {
			return fmt.Errorf("log file: %w", err)
		}
		to, file = f, f
	}
	// Nothing can fail from here on; what the old file could not keep is lost.
	_ = l.out.use(to, file)
	l.root.Store(root)
	return nil
}

// Writable tells whether output is a file, and why Open would fail on it. It
// makes no file and changes none.
func Writable(output string) (file bool, err error) {
	if output == "stdout" || output == "stderr" {
		return false, nil
	}
	info, err := os.Stat(output)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		dir := filepath.Dir(output)
		err = os.NewSyscallError("make a file in "+dir, syscall.Access(dir, mayWrite))
	case err == nil && info.IsDir():
		err = &fs.PathError{Op: "open", Path: output, Err: syscall.EISDIR}
	case err == nil:
		err = os.NewSyscallError("write to "+output, syscall.Access(output, mayWrite))
	}
	if err != nil {
		return true, fmt.Errorf("log file: %w", err)
	}
	return true, nil
}

// mayWrite is W_OK, with which access(2) asks whether a file may be written,
// and a directory changed.
const mayWrite = 2

// readable writes a duration as text, such as 983ms, in every format: JSON
// would show its nanoseconds, a number without a unit.
func readable(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.StringValue(a.Value.Duration().String())
	}
	return a
}

// Close closes the log file. What is logged afterwards is lost.
func (l *Log) Close() error { return l.out.use(io.Discard, nil) }

// sink is a writer that can be exchanged between two writes.
type sink struct {
	mu   sync.Mutex
	to   io.Writer
	file io.Closer // nil when there is nothing to close
}

// Write implements io.Writer.
func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.to.Write(p)
}

// use lets everything from now on go to w, and closes what it went to before.
func (s *sink) use(w io.Writer, file io.Closer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.file
	s.to, s.file = w, file
	if old == nil {
		return nil
	}
	return old.Close()
}

// handler is a slog.Handler that follows the log's changes: it keeps what was
// asked of it, and asks the same of the current root.
type handler struct {
	log   *Log
	steps []func(slog.Handler) slog.Handler
	made  atomic.Pointer[made]
}

// made is the handler that the steps make of one root.
type made struct {
	root    *rootHandler
	handler slog.Handler
}

// current is the handler for the log as it is now.
func (h *handler) current() slog.Handler {
	root := h.log.root.Load()
	if m := h.made.Load(); m != nil && m.root == root {
		return m.handler
	}
	m := &made{root: root, handler: root.Handler}
	for _, step := range h.steps {
		m.handler = step(m.handler)
	}
	h.made.Store(m)
	return m.handler
}

// then is h with one more step.
func (h *handler) then(step func(slog.Handler) slog.Handler) slog.Handler {
	return &handler{log: h.log, steps: append(h.steps[:len(h.steps):len(h.steps)], step)}
}

// Enabled implements slog.Handler.
func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.current().Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	return h.current().Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return h.then(func(to slog.Handler) slog.Handler { return to.WithAttrs(attrs) })
}

// WithGroup implements slog.Handler.
func (h *handler) WithGroup(name string) slog.Handler {
	return h.then(func(to slog.Handler) slog.Handler { return to.WithGroup(name) })
}
