package server

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"teleport-jira/internal/logging"
)

// errorLogInterval is how often net/http's errors about broken connections are
// logged: anybody can cause them.
const errorLogInterval = time.Second

// errorLog is a slog.Handler for net/http's own errors: it logs few of them,
// with their texts as an attribute, so that messages stay constant.
type errorLog struct {
	slog.Handler
	limited *logging.Limited
}

func newErrorLog(to slog.Handler) *errorLog {
	return &errorLog{Handler: to, limited: logging.NewLimited(errorLogInterval)}
}

// Handle implements slog.Handler.
func (l *errorLog) Handle(ctx context.Context, r slog.Record) error {
	const msg = "connection failed"
	suppressed, ok := l.limited.Allow(msg)
	if !ok {
		return nil
	}
	line := slog.NewRecord(r.Time, r.Level, msg, r.PC)
	line.AddAttrs(slog.String("error", strings.TrimPrefix(r.Message, "http: ")), slog.Int("suppressed", suppressed))
	return l.Handler.Handle(ctx, line)
}
