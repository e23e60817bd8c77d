package server

import (
	"context"
	"log/slog"
	"strings"

	"golang.org/x/time/rate"
)

// What net/http has to say of broken connections is let through this often:
// anybody can cause it.
const (
	quietPerSecond = 1
	quietBurst     = 10
)

// quiet is a slog.Handler that passes on few records, with their messages as
// an attribute: they are net/http's own words.
type quiet struct {
	slog.Handler
	limit *rate.Limiter
}

// newQuiet makes a quiet handler in front of another.
func newQuiet(to slog.Handler) *quiet {
	return &quiet{Handler: to, limit: rate.NewLimiter(quietPerSecond, quietBurst)}
}

// Handle implements slog.Handler.
func (q *quiet) Handle(ctx context.Context, r slog.Record) error {
	if !q.limit.Allow() {
		return nil
	}
	quoted := slog.NewRecord(r.Time, r.Level, "connection failed", r.PC)
	quoted.AddAttrs(slog.String("error", strings.TrimPrefix(r.Message, "http: ")))
	return q.Handler.Handle(ctx, quoted)
}
