package reconcile

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
	"teleport-jira/internal/ttlcache"
)

var (
	errClaimExpired = errors.New("claim expired before the work was done")
	errClaimLost    = errors.New("claim was taken over")
)

const (
	// commitTimeout bounds the update that notes what was done, also while stopping.
	commitTimeout = 5 * time.Second
	// minClaimLook is how soon another worker's claim is looked at again.
	minClaimLook = time.Second
	// reserveWait is how long a reservation of an issue has to stand before its
	// holder acts. It is longer than a write takes to arrive, so that of several
	// replicas that reserve at once only the last one finds itself there; the
	// others see its name, or a closed issue.
	reserveWait = 10 * time.Second
	// ownMoveWait is how long a request has to stay pending beside an issue that
	// the daemon's account moved elsewhere, before no replica can have done it.
	ownMoveWait = 10 * time.Second
	// reasonWait is how long somebody who moved an issue has, from when that was
	// first seen, to say why.
	reasonWait = 30 * time.Second
	// historyWait is how long an issue's history has, from when its status was first
	// seen, to show the change that led to it.
	historyWait = 5 * time.Second
)

// claim is this worker's right to act on one request. From keepAlive to commit
// it is renewed, and the context that keepAlive gave ends when it may no longer
// be relied upon.
type claim struct {
	r  *Reconciler
	id access.RequestID
	// ambiguous: an earlier attempt may have had effects that are not noted, so
	// that they are looked for before they are repeated.
	ambiguous bool
	// reserved: there is no record to renew and to commit to. The issue itself
	// names the holder, and the claim ends without renewal.
	reserved bool

	// stored is the record as it stands in plugin data. It belongs to the
	// renewing goroutine until renewing is closed, then to commit.
	stored   access.Record
	renewing chan struct{}
	cancel   context.CancelCauseFunc // ends the context of keepAlive
	expiry   *time.Timer             // cancels with errClaimExpired

	mu    sync.Mutex
	until time.Time // when the claim ends; guarded by mu
}

// acquire takes the request's claim for the steps, or returns how long to wait:
// it is the one place that knows what has to be waited for. That is another
// worker's live claim; a search that may not show yet the issue of an ambiguous
// create; another replica's reservation of an orphan; the request's state, which
// this replica may see later than one that has moved the issue already; a reason
// that somebody may be typing; a history that does not show a change yet.
//
// The claim is taken on the strength of the record that was planned upon: if
// anything in it changed, so did the plan.
func (r *Reconciler) acquire(ctx context.Context, s snapshot, steps []plan.Step) (c *claim, wait time.Duration, err error) {
	if s.Record.IsZero() && s.Request == nil {
		return r.reserve(ctx, s)
	}
	if change, ok := plan.RefusesOwnMove(steps); ok {
		if age := r.ownChanges.age(s.ID, change); age < ownMoveWait {
			return nil, ownMoveWait - age, nil
		}
	}
	if change, ok := plan.RefusesWithoutReason(steps); ok {
		if age := r.noReasons.age(s.ID, change); age < reasonWait {
			return nil, reasonWait - age, nil
		}
	}
	if change, ok := plan.RefusesUnshownMove(steps); ok {
		if age := r.unshown.age(s.ID, change); age < historyWait {
			return nil, historyWait - age, nil
		}
	}
	if wait = r.claimWait(s.ID, s.Record); wait > 0 {
		create, ok := steps[0].Do.(plan.CreateIssue)
		if !ok || s.Record.Claim != "" {
			return nil, min(wait, r.claimLook(s.ID, s.Record)), nil
		}
		if wait, err = r.searchEarly(ctx, s, create.Draft, wait); err != nil || wait > 0 {
			return nil, wait, err
		}
	}
	next := s.Record
	if next.IssueID == "" {
		next = steps[0].Then
	}
	return r.takeClaim(ctx, s.ID, s.Record, next)
}

// takeClaim replaces the record by next with a claim of ours.
func (r *Reconciler) takeClaim(ctx context.Context, id access.RequestID, rec, next access.Record) (c *claim, wait time.Duration, err error) {
	until := time.Now().Add(r.opts.ClaimLife)
	next.Claim, next.ClaimUntil = r.newClaim(), access.UnixTimeOf(until)
	if rec.IssueID == "" {
		// From here on a create may have happened.
		next.Ambiguous = newAttempt()
	}
	takeover := rec.Claim != "" && rec.IssueID == ""
	if takeover {
		// The dead holder's create may still have to appear in the search.
		next.Claim, next.ClaimUntil = "", 0
	}
	if err := r.swap(ctx, id, rec, next); err != nil {
		return nil, 0, err
	}
	if takeover {
		return nil, max(r.claimWait(id, next), time.Second), nil
	}
	return &claim{r: r, id: id, ambiguous: isAmbiguous(rec), stored: next, until: until}, 0, nil
}

// claimWait returns how long the request has to be left alone: until a live
// claim has ended, and until search shows what an ambiguous create may have
// made.
func (r *Reconciler) claimWait(id access.RequestID, rec access.Record) time.Duration {
	age := r.seen.age(id, seenAttempt(rec))
	switch {
	case r.isOurs(rec):
		return 0 // Ours, and nobody works on it: its commit was lost.
	case rec.Claim != "":
		return r.opts.ClaimLife - age
	case rec.IssueID != "" || rec.IsZero() || rec.Ambiguous == access.AttemptFailed:
		return 0
	case rec.Ambiguous == "" && rec.Created != 0:
		// The existing plugin tried once, right after the request was made.
		age = max(age, time.Since(rec.Created.Time()))
	}
	return r.opts.SearchGrace - age
}

// claimLook returns after how long another worker's claim is looked at again: it
// may be given back long before its end, and nothing tells of that. The pauses grow
// with the time that the claim has stood.
func (r *Reconciler) claimLook(id access.RequestID, rec access.Record) time.Duration {
	return max(minClaimLook, r.seen.age(id, seenAttempt(rec)))
}

// seenAttempt is by what an attempt on a request is told from the next one.
func seenAttempt(rec access.Record) string { return rec.Claim + "|" + string(rec.Ambiguous) }

// isAbandoned reports whether an earlier attempt at a request with an issue
// ended without a note of what it did, and nobody works on it now.
func (r *Reconciler) isAbandoned(id access.RequestID, rec access.Record) bool {
	return rec.IssueID != "" && isAmbiguous(rec) && r.claimWait(id, rec) <= 0
}

// isAmbiguous reports whether something may have been done that is not noted.
func isAmbiguous(rec access.Record) bool { return rec.Claim != "" || rec.Ambiguous.MayHaveEffect() }

func newAttempt() access.Attempt { return access.Attempt(rand.Text()) }

func (r *Reconciler) newClaim() string { return r.holder + "/" + rand.Text() }

// isOurs reports whether this process holds the record's claim.
func (r *Reconciler) isOurs(rec access.Record) bool {
	return strings.HasPrefix(rec.Claim, r.holder+"/")
}

// reserve takes the claim on an orphan, which has no record: the issue itself is
// reserved, left alone for reserveWait, and read again.
func (r *Reconciler) reserve(ctx context.Context, s snapshot) (c *claim, wait time.Duration, err error) {
	holder := s.Issue.Holder
	age := r.seen.age(s.ID, "holder "+holder)
	switch {
	case holder == r.holder && age >= reserveWait:
		return &claim{r: r, id: s.ID, ambiguous: true, reserved: true, until: time.Now().Add(reserveWait / 2)}, 0, nil
	case holder == r.holder:
		return nil, reserveWait - age, nil
	case holder != "" && age < r.opts.ClaimLife:
		return nil, r.opts.ClaimLife - age, nil
	}
	if err := r.tracker.Reserve(ctx, s.Issue.Ref, r.holder); err != nil {
		return nil, 0, err
	}
	r.seen.age(s.ID, "holder "+r.holder)
	return nil, reserveWait, nil
}

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

// keepAlive renews the claim from now on, until commit. The context that it
// returns ends with the claim.
func (c *claim) keepAlive(ctx context.Context) context.Context {
	held, cancel := context.WithCancelCause(ctx)
	c.cancel = cancel
	c.expiry = time.AfterFunc(time.Until(c.until), func() { cancel(errClaimExpired) })
	c.renewing = make(chan struct{})
	if c.reserved {
		close(c.renewing)
	} else {
		go c.renewLoop(held)
	}
	return held
}

// renewLoop renews the claim after each third of its life. A failure is not the
// end: the claim is good until its time, and the next third tries again.
func (c *claim) renewLoop(ctx context.Context) {
	defer close(c.renewing)
	ticks := time.NewTicker(c.r.opts.ClaimLife / 3)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
		if ctx.Err() != nil {
			return
		}
		if err := c.renew(ctx); errors.Is(err, access.ErrConflict) {
			c.cancel(errClaimLost)
			return
		}
	}
}

// renew gives the claim a new value and a new end.
func (c *claim) renew(ctx context.Context) error {
	until := time.Now().Add(c.r.opts.ClaimLife)
	next := c.stored
	next.Claim, next.ClaimUntil = c.r.newClaim(), access.UnixTimeOf(until)
	if err := c.r.swap(ctx, c.id, c.stored, next); err != nil {
		return err
	}
	c.stored = next
	c.expiry.Reset(time.Until(until))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.until = until
	return nil
}

// valid returns nil while the claim is good for one more effect. Timers may be
// late in a process that was stopped for a while; the clock is not.
func (c *claim) valid(ctx context.Context) error {
	c.mu.Lock()
	expired := !time.Now().Before(c.until)
	c.mu.Unlock()
	if expired {
		c.cancel(errClaimExpired)
	}
	if ctx.Err() != nil {
		return &access.Error{Op: "keep claim on request", Key: string(c.id), Err: context.Cause(ctx)}
	}
	return nil
}

// commit notes what has been done and gives the claim back, in one update. It
// is done even when the work was cancelled. If it fails the claim ends by
// itself, and whoever takes it over looks for effects before repeating them.
func (c *claim) commit(ctx context.Context, done access.Record) error {
	c.cancel(nil)
	<-c.renewing
	c.expiry.Stop()
	if c.reserved {
		return nil
	}
	done.Claim, done.ClaimUntil = "", 0
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
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

// maxObserved bounds how many requests are observed. One that is dropped is
// waited for once more.
const maxObserved = 100_000

// observations remember since when the claim of a request has been seen
// unchanged, by this process's own clock: clocks of several replicas need not
// agree that way.
type observations struct {
	first *ttlcache.Cache[access.RequestID, observation]
}

type observation struct {
	value string
	since time.Time
}

func newObservations() observations {
	return observations{ttlcache.New[access.RequestID, observation](maxObserved, 0)}
}

// age returns how long the value has stood, as far as this process saw. It is
// not called concurrently for one request.
func (o observations) age(id access.RequestID, value string) time.Duration {
	seen, ok := o.first.Get(id)
	if !ok || seen.value != value {
		seen = observation{value: value, since: time.Now()}
		o.first.Put(id, seen)
	}
	return time.Since(seen.since)
}

func (o observations) forget(id access.RequestID) { o.first.Delete(id) }
