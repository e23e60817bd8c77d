// Package logging makes the daemon's logger, and says what is logged once or
// seldom. It may not log anything itself, and keeps no global logger: it is
// handed to whoever needs it.
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
	"syscall"
)

// Options says where the log goes and what it looks like.
type Options struct {
	Output   string    // "stdout", "stderr" or the path of a file
	Severity string    // "DEBUG", "INFO", "WARN" or "ERROR"
	Format   string    // "text" or "json"
	Stdout   io.Writer // what "stdout" means
	Stderr   io.Writer // what "stderr" means
	Journal  string    // JOURNAL_STREAM of the environment: which stream is systemd's journal
}

// Log is a destination with a level and a format, which can be replaced while
// loggers are in use. Its methods may be called concurrently.
type Log struct {
	mu      sync.RWMutex // held for reading while a line is written, so that no file closes under it
	options Options
	handler slog.Handler
	file    io.Closer // nil when there is nothing to close
}

// Open makes a log. A file is created if it is missing, readable by its owner
// only, and appended to.
func Open(o Options) (*Log, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(o.Severity)); err != nil {
		return nil, fmt.Errorf("log severity %q: %w", o.Severity, err)
	}
	if o.Format != "text" && o.Format != "json" {
		return nil, fmt.Errorf("log format %q: not text or json", o.Format)
	}
	l := &Log{options: o}
	to := o.Stderr
	switch o.Output {
	case "stdout":
		to = o.Stdout
	case "stderr":
	default:
		f, err := os.OpenFile(o.Output, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
		if err != nil {
			return nil, fmt.Errorf("log file: %w", err)
		}
		to, l.file = f, f
	}
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: readable}
	if isJournal(to, o.Journal) {
		to = journal{to}
		if o.Format == "text" {
			options.ReplaceAttr = timeless
		}
	}
	l.handler = slog.NewTextHandler(to, options)
	if o.Format == "json" {
		l.handler = slog.NewJSONHandler(to, options)
	}
	return l, nil
}

// Logger returns a logger that writes to l, whatever l is replaced with later.
func (l *Log) Logger() *slog.Logger {
	return slog.New(handler{log: l, derive: func(root slog.Handler) slog.Handler { return root }})
}

// Replace makes l write where next does, the way next does, and closes the file
// that l wrote to. It cannot fail: next was opened. next itself must not be used
// afterwards.
func (l *Log) Replace(next *Log) {
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.file
	l.options, l.handler, l.file = next.options, next.handler, next.file
	if old != nil {
		_ = old.Close() // Its lines are written; what the system lost of them is lost.
	}
}

// Reopen opens the log file again, so that one that logrotate moved away is let
// go. When that fails the log stays as it is.
func (l *Log) Reopen() error {
	l.mu.RLock()
	options := l.options
	l.mu.RUnlock()
	next, err := Open(options)
	if err != nil {
		return err
	}
	l.Replace(next)
	return nil
}

// Close closes the log file. What is logged afterwards is lost.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	file := l.file
	l.handler, l.file = slog.DiscardHandler, nil
	if file == nil {
		return nil
	}
	return file.Close()
}

// Writable reports whether output is a file, and returns why Open would fail on
// it. It creates no file and changes none.
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

// mayWrite is W_OK: access(2) asks with it whether a file may be written, or a
// directory changed.
const mayWrite = 2

// readable writes a duration as text, such as 983ms, in every format: JSON
// would show its nanoseconds, a number without a unit.
func readable(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.StringValue(a.Value.Duration().String())
	}
	return a
}

// handler is a slog.Handler that always writes through the current handler of
// its log. Deriving is done again for each line: few loggers are derived.
type handler struct {
	log    *Log
	derive func(root slog.Handler) slog.Handler
}

// Enabled implements slog.Handler.
func (h handler) Enabled(ctx context.Context, level slog.Level) bool {
	h.log.mu.RLock()
	defer h.log.mu.RUnlock()
	return h.log.handler.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (h handler) Handle(ctx context.Context, r slog.Record) error {
	h.log.mu.RLock()
	defer h.log.mu.RUnlock()
	return h.derive(h.log.handler).Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{h.log, func(root slog.Handler) slog.Handler { return h.derive(root).WithAttrs(attrs) }}
}

// WithGroup implements slog.Handler.
func (h handler) WithGroup(name string) slog.Handler {
	return handler{h.log, func(root slog.Handler) slog.Handler { return h.derive(root).WithGroup(name) }}
}
