package reconcile

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5"

	"teleport-jira/internal/access"
)

// The listings, as metrics, logs and Stalled name them.
const (
	resync = "resync"
	poll   = "poll"
)

// OnRequest takes an event of Teleport: a request was changed or deleted.
func (r *Reconciler) OnRequest(e access.RequestEvent) {
	h := hint{requester: e.User}
	switch {
	case e.Decided:
		h.urgency = decision
	case e.User != "":
		h.urgency = creation
	}
	r.enqueue(key{request: e.ID}, h)
}

// OnSubscribed takes the beginning of a watch: what happened before it has to be
// listed.
func (r *Reconciler) OnSubscribed() { r.Resync() }

// Resync asks for both sides to be listed now. It returns at once.
func (r *Reconciler) Resync() {
	select {
	case r.resyncs <- struct{}{}:
	default: // One is due already, and it has not begun to list.
	}
}

// resyncLoop lists both sides when a watch has begun and on a timer.
func (r *Reconciler) resyncLoop(ctx context.Context) {
	timer := time.NewTimer(r.opts.ResyncInterval)
	defer timer.Stop()
	defer r.watchdog.Done(resync)
	for {
		r.watchdog.Expect(resync, r.opts.ResyncInterval+StalledAfter)
		select {
		case <-ctx.Done():
			return
		case <-r.resyncs:
		case <-timer.C:
		}
		if err := r.list(ctx, resync, r.resync); err != nil {
			return
		}
		timer.Reset(r.opts.ResyncInterval)
	}
}

// pollLoop asks Jira for issues that were moved.
func (r *Reconciler) pollLoop(ctx context.Context) {
	if r.opts.PollInterval <= 0 {
		return
	}
	p := newPoller(r)
	ticker := time.NewTicker(r.opts.PollInterval)
	defer ticker.Stop()
	defer r.watchdog.Done(poll)
	for {
		if err := r.list(ctx, poll, p.poll); err != nil {
			return
		}
		r.watchdog.Expect(poll, r.opts.PollInterval+StalledAfter)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// list tries a listing until it succeeds, and logs each failure. It fails only
// when ctx has ended.
func (r *Reconciler) list(ctx context.Context, listing string, try func(context.Context) error) error {
	exponential := backoff.NewExponentialBackOff()
	exponential.MaxInterval = time.Minute
	pace := &serverPace{BackOff: exponential}
	for {
		woken := r.wakes.next()
		start := time.Now()
		r.watchdog.Expect(listing, StalledAfter)
		err := try(ctx)
		switch {
		case err == nil:
			r.metrics.succeeded(listing)
			r.log.Debug("listed", "what", listing, "took", time.Since(start))
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		}
		pace.min = access.RetryAfter(err)
		after := pace.NextBackOff()
		r.watchdog.Expect(listing, after+StalledAfter)
		level := slog.LevelWarn
		if errors.Is(err, access.ErrAway) {
			level = slog.LevelDebug // It is said of the side.
		}
		r.log.Log(ctx, level, "listing failed, will retry", "what", listing, "class", access.ClassOf(err), "after", after, "error", err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-woken:
		case <-time.After(after):
		}
	}
}

// serverPace is a BackOff that waits at least as long as the server asked for.
type serverPace struct {
	backoff.BackOff
	min time.Duration
}

// NextBackOff implements backoff.BackOff.
func (p *serverPace) NextBackOff() time.Duration { return max(p.BackOff.NextBackOff(), p.min) }
