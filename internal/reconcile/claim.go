package reconcile

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"teleport-jira/internal/access"
)

var (
	errClaimEnded = errors.New("claim ended before the work did")
	errClaimLost  = errors.New("claim was taken over")
)

// noteTimeout bounds the update that notes what was done, also while stopping.
const noteTimeout = 5 * time.Second

// claim is this worker's right to act on one request. While it is held it is
// renewed, and the context that hold gave ends when it may no longer be relied
// upon.
type claim struct {
	r       *Reconciler
	id      access.RequestID
	suspect bool // an earlier attempt may have had effects that are not noted

	lock   chan struct{} // holds one token; guards what follows, also during calls
	stored access.Record // as it stands in plugin data
	until  time.Time
	stop   context.CancelCauseFunc
	renew  *time.Timer
	end    *time.Timer
}

// claimFor takes the request's claim on the strength of the record that was
// planned upon: if anything in it changed, so did the plan. wait is positive
// when somebody else acts, or may have acted a moment ago.
func (r *Reconciler) claimFor(ctx context.Context, id access.RequestID, rec, described access.Record) (c *claim, wait time.Duration, err error) {
	if wait := r.mustWait(id, rec); wait > 0 {
		return nil, wait, nil
	}
	return r.takeClaim(ctx, id, rec, described)
}

// takeClaim is claimFor without the wait.
func (r *Reconciler) takeClaim(ctx context.Context, id access.RequestID, rec, described access.Record) (c *claim, wait time.Duration, err error) {
	start := time.Now()
	next := described
	next.Claim, next.ClaimUntil = r.newClaim(), access.UnixTimeOf(start.Add(r.opts.ClaimLife))
	takeover := rec.Claim != "" && rec.IssueID == ""
	if rec.IssueID == "" {
		// From here on a create may have happened.
		next.Ambiguous = access.Attempt(rand.Text())
	}
	if takeover {
		// The dead holder's create may still have to appear in the search.
		next.Claim, next.ClaimUntil = "", 0
	}
	if err := r.swap(ctx, id, rec, next); err != nil {
		return nil, 0, err
	}
	if takeover {
		return nil, max(r.mustWait(id, next), time.Second), nil
	}
	return &claim{
		r: r, id: id, suspect: isSuspect(rec),
		stored: next, until: start.Add(r.opts.ClaimLife), lock: make(chan struct{}, 1),
	}, 0, nil
}

// mustWait is how long the request has to be left alone: until a live claim
// has ended, and until search shows what a lost attempt may have made.
func (r *Reconciler) mustWait(id access.RequestID, rec access.Record) time.Duration {
	var life time.Duration
	age := r.seen.age(id, rec.Claim+"|"+string(rec.Ambiguous))
	switch {
	case r.isOurs(rec):
		return 0 // Ours, and nobody works on it: its release was lost.
	case rec.Claim != "":
		life = r.opts.ClaimLife
	case rec.IssueID == "" && !rec.IsZero() && rec.Ambiguous != access.AttemptFailed:
		life = r.opts.SearchGrace
		if rec.Ambiguous == "" && rec.Created != 0 {
			// The existing plugin tried once, right after the request was made.
			age = max(age, time.Since(rec.Created.Time()))
		}
	default:
		return 0
	}
	return life - age
}

// leftOver tells whether an earlier attempt at a request with an issue ended
// without a note of what it did, and nobody is at it now.
func (r *Reconciler) leftOver(id access.RequestID, rec access.Record) bool {
	return rec.IssueID != "" && isSuspect(rec) && r.mustWait(id, rec) <= 0
}

// isSuspect tells whether something may have been done that is not noted.
func isSuspect(rec access.Record) bool {
	return rec.Claim != "" || rec.Ambiguous.MayHaveEffect()
}

func (r *Reconciler) newClaim() string { return r.holder + "/" + rand.Text() }

// swap is SwapRecord, with a lost answer resolved by reading.
func (r *Reconciler) swap(ctx context.Context, id access.RequestID, old, next access.Record) error {
	err := r.cluster.SwapRecord(ctx, id, old, next)
	if err == nil || !access.IsAmbiguous(err) {
		return err
	}
	stored, readErr := r.cluster.Record(ctx, id)
	if readErr == nil && stored == next {
		return nil
	}
	return errors.Join(err, readErr)
}

// hold renews the claim from now on, until release.
func (c *claim) hold(ctx context.Context) context.Context {
	held, stop := context.WithCancelCause(ctx)
	defer c.locked()()
	c.stop = stop
	c.end = time.AfterFunc(time.Until(c.until), func() { stop(errClaimEnded) })
	c.renew = time.AfterFunc(c.r.opts.ClaimLife/3, func() { c.extend(held) })
	return held
}

// locked takes the lock and returns what gives it back.
func (c *claim) locked() (unlock func()) {
	c.lock <- struct{}{}
	return func() { <-c.lock }
}

// extend renews the claim. A failure is not the end: the claim is good until
// its time, and the next third tries again.
func (c *claim) extend(ctx context.Context) {
	defer c.locked()()
	if ctx.Err() != nil {
		return
	}
	start := time.Now()
	next := c.stored
	next.Claim, next.ClaimUntil = c.r.newClaim(), access.UnixTimeOf(start.Add(c.r.opts.ClaimLife))
	switch err := c.r.swap(ctx, c.id, c.stored, next); {
	case err == nil:
		c.stored, c.until = next, start.Add(c.r.opts.ClaimLife)
		c.end.Reset(time.Until(c.until))
	case errors.Is(err, access.ErrConflict):
		c.stop(errClaimLost)
		return
	}
	c.renew.Reset(c.r.opts.ClaimLife / 3)
}

// check tells whether the claim is good for one more effect. Timers may be
// late in a process that was stopped for a while; the clock is not.
func (c *claim) check(ctx context.Context) error {
	defer c.locked()()
	if !time.Now().Before(c.until) {
		c.stop(errClaimEnded)
	}
	if ctx.Err() != nil {
		return &access.Error{Op: "hold claim on request", Key: string(c.id), Err: context.Cause(ctx)}
	}
	return nil
}

// release notes what has been done and gives the claim back, in one update. It
// is done even when the work was cancelled. If it fails the claim ends by
// itself, and whoever takes it over looks for effects before repeating them.
func (c *claim) release(ctx context.Context, done access.Record, unsure access.Attempt) error {
	c.stop(nil)
	defer c.locked()()
	c.renew.Stop()
	c.end.Stop()
	done.Claim, done.ClaimUntil, done.Ambiguous = "", 0, unsure
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTimeout)
	defer cancel()
	err := c.r.swap(ctx, c.id, c.stored, done)
	if errors.Is(err, access.ErrConflict) {
		// A renewal that was cut short may have happened all the same.
		stored, readErr := c.r.cluster.Record(ctx, c.id)
		if readErr == nil && c.r.isOurs(stored) {
			err = c.r.swap(ctx, c.id, stored, done)
		}
	}
	if err != nil {
		return fmt.Errorf("note what was done: %w", err)
	}
	return nil
}

// isOurs tells whether this process holds the claim.
func (r *Reconciler) isOurs(rec access.Record) bool {
	return strings.HasPrefix(rec.Claim, r.holder+"/")
}
