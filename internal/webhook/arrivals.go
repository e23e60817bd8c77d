package webhook

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// summaryInterval is how often it is logged how many webhooks came.
const summaryInterval = time.Hour

// arrivals shows an operator that webhooks come: the first that is taken is
// logged by itself, and what came of all of them once an hour. An hour without
// any is not logged. Its methods may be called concurrently.
type arrivals struct {
	log    *slog.Logger
	mu     sync.Mutex
	taken  bool           // one was accepted or ignored since the start
	counts map[result]int // since the last summary; empty: no summary is due
}

// note counts a webhook.
func (a *arrivals) note(ctx context.Context, res result) {
	a.mu.Lock()
	first := !a.taken && (res == accepted || res == ignored)
	a.taken = a.taken || first
	if len(a.counts) == 0 {
		a.counts = map[result]int{}
		time.AfterFunc(summaryInterval, a.summarize)
	}
	a.counts[res]++
	a.mu.Unlock()
	if first {
		a.log.LogAttrs(ctx, slog.LevelInfo, "first webhook received", slog.String("result", string(res)))
	}
}

// summarize logs what came of the webhooks since the last summary.
func (a *arrivals) summarize() {
	a.mu.Lock()
	counts := a.counts
	a.counts = nil
	a.mu.Unlock()
	attrs := []slog.Attr{slog.Duration("within", summaryInterval)}
	for _, res := range results() {
		if n := counts[res]; n > 0 {
			attrs = append(attrs, slog.Int(string(res), n))
		}
	}
	a.log.LogAttrs(context.Background(), slog.LevelInfo, "webhooks received", attrs...)
}
