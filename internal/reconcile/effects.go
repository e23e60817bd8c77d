package reconcile

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/client-go/util/workqueue"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
	"teleport-jira/internal/ttlcache"
)

// failures are what failed in an execution that went on. The zero value is ready.
type failures struct {
	errs      []error
	reviews   bool // a comment about a review could not be written
	ambiguous bool // one of them may have happened
	reread    bool // the issue has to be read for the next try
}

func (f *failures) add(err error) {
	f.errs = append(f.errs, err)
	f.ambiguous = f.ambiguous || access.IsAmbiguous(err)
}

// join is the error of an execution that err has ended.
func (f *failures) join(err error) error {
	return errors.Join(append([]error{err}, f.errs...)...)
}

// postponed is the error of an execution that came to its end.
func (f *failures) postponed() error {
	if len(f.errs) == 0 {
		return nil
	}
	return &postponedError{err: errors.Join(f.errs...), reread: f.reread}
}

// postponedError says that all that matters more has been done.
type postponedError struct {
	err    error
	reread bool // the issue has to be read for the next try
}

// Error implements error.
func (p *postponedError) Error() string { return p.err.Error() }

// Unwrap returns the cause.
func (p *postponedError) Unwrap() error { return p.err }

// errSetAside ends a step, not the execution: its note is not to be made.
var errSetAside = errors.New("set aside")

// stops reports whether an error concerns all steps that follow as well.
func stops(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.Is(err, access.ErrNotFound) || errors.Is(err, access.ErrAway) || access.ClassOf(err) == access.Unauth
}

// explain writes the comment of a refusal, and logs it also where the comment
// has to wait.
func (e *execution) explain(ctx context.Context, do plan.Refuse) error {
	if err := e.notify(ctx, do.Comment); err != nil {
		return err
	}
	e.noteRefusal(do)
	return nil
}

// notify writes a comment. One that fails keeps nothing else from being done.
// It comes back with the next plan; but one that answers a status change would
// not, once the card is moved: that is tried a few times first, and then kept.
func (e *execution) notify(ctx context.Context, d access.CommentDraft) error {
	if plan.IsReview(d.DedupKey) && e.failures.reviews {
		return errSetAside // The record counts the reviews that are written.
	}
	err := e.comment(ctx, d)
	switch {
	case err == nil:
		e.r.notices.done(e.snap.ID, d.DedupKey)
		return nil
	case stops(ctx, err):
		return err
	}
	count := e.r.notices.failed(e.snap.ID, d.DedupKey)
	if !plan.IsAnswer(d.DedupKey) {
		e.failures.add(err)
		e.failures.reviews = e.failures.reviews || plan.IsReview(d.DedupKey)
		return errSetAside
	}
	if count < patience && access.ClassOf(err) != access.Permanent {
		return err
	}
	e.failures.add(err)
	e.r.notices.keep(e.snap.ID, d)
	return nil
}

// transition moves the issue. Where Jira won't have it, or keeps failing, the
// comments are written all the same, and say so.
func (e *execution) transition(ctx context.Context, do plan.Transition) error {
	log := e.r.log.With("request_id", e.snap.ID, "issue_key", e.issue.Key, "to", do.To)
	name := "transition/" + string(do.To)
	moved, err := e.r.tracker.Transition(ctx, e.issue, do.Statuses)
	switch {
	case err == nil:
		e.r.cache.unreachable.Forget(string(e.snap.ID))
		e.r.notices.done(e.snap.ID, name)
		if moved {
			e.r.metrics.transitions.WithLabelValues(string(do.To)).Inc()
			log.Info("issue moved")
		}
	case errors.Is(err, access.ErrUnreachable):
		e.noteUnmoved(ctx, log, do, err, "issue cannot be moved, its workflow has no transition there for this account")
	case errors.Is(err, access.ErrRefused):
		e.noteUnmoved(ctx, log, do, err, "issue cannot be moved, jira refuses the transition: take what it asks for off the transition's screen")
	case stops(ctx, err), e.r.notices.failed(e.snap.ID, name) < patience:
		return err
	default:
		e.noteUnmoved(ctx, log, do, err, "issue cannot be moved, jira keeps failing")
		e.failures.add(err)
		e.failures.reread = true
	}
	e.snap.Issue = nil // What was read is no longer true.
	return nil
}

// noteUnmoved counts an issue that stays where it is, and warns of it once.
func (e *execution) noteUnmoved(ctx context.Context, log *slog.Logger, do plan.Transition, err error, message string) {
	e.r.metrics.unreachable.Inc()
	e.unmoved = plan.UnmovedText(do.To, cause(err))
	level := slog.LevelDebug // it is tried again with every execution
	if e.r.cache.unreachable.Changed(string(e.snap.ID), string(do.To)) {
		level = slog.LevelWarn
	}
	log.Log(ctx, level, message, "error", err) //nolint:sloglint // each caller passes a constant
}

// cause is an error without what was tried.
func cause(err error) string {
	var failed *access.Error
	if errors.As(err, &failed) && failed.Err != nil {
		err = failed.Err
	}
	return strings.TrimSuffix(err.Error(), ".")
}

const (
	// maxNoticeRetry is the longest pause between two tries to write comments
	// that keep failing.
	maxNoticeRetry = 10 * time.Minute
	// patience is how often in a row a transition, or the comment that answers a
	// status change, may fail for a while before what comes after it is done
	// all the same.
	patience = 4
	// maxNotices bounds for how many requests comments are kept, and noticeTTL
	// for how long. One that is dropped is in the log.
	maxNotices = 10_000
	noticeTTL  = 24 * time.Hour
)

// notices are what keeps failing without keeping anything else from being done.
// Its methods may be called concurrently.
type notices struct {
	retries workqueue.TypedRateLimiter[key] // backoff of requests of which nothing else is to do

	mu       sync.Mutex
	kept     *ttlcache.Cache[access.RequestID, []access.CommentDraft] // guarded by mu
	failures *ttlcache.Cache[effectKey, int]                          // in a row; guarded by mu
}

// effectKey names a comment by its dedup key, or a transition by its state.
type effectKey struct {
	id   access.RequestID
	name string
}

func newNotices() *notices {
	return &notices{
		retries:  workqueue.NewTypedItemExponentialFailureRateLimiter[key](minRetry, maxNoticeRetry),
		kept:     ttlcache.New[access.RequestID, []access.CommentDraft](maxNotices, noticeTTL),
		failures: ttlcache.New[effectKey, int](maxNotices, noticeTTL),
	}
}

// keep takes a comment that no plan would ask for again, for a later try.
func (n *notices) keep(id access.RequestID, d access.CommentDraft) {
	n.mu.Lock()
	defer n.mu.Unlock()
	kept, _ := n.kept.Get(id)
	if !slices.ContainsFunc(kept, func(k access.CommentDraft) bool { return k.DedupKey == d.DedupKey }) {
		n.kept.Put(id, append(slices.Clip(kept), d))
	}
}

// failed counts one more failure and returns how many there were in a row.
func (n *notices) failed(id access.RequestID, name string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	count, _ := n.failures.Get(effectKey{id, name})
	n.failures.Put(effectKey{id, name}, count+1)
	return count + 1
}

// done forgets what has worked.
func (n *notices) done(id access.RequestID, name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.failures.Delete(effectKey{id, name})
	kept, ok := n.kept.Get(id)
	if !ok {
		return
	}
	kept = slices.DeleteFunc(slices.Clone(kept), func(k access.CommentDraft) bool { return k.DedupKey == name })
	if len(kept) > 0 {
		n.kept.Put(id, kept)
	} else {
		n.kept.Delete(id)
	}
}

// steps are the comments kept of a request that the planned steps don't write,
// to be written after them.
func (n *notices) steps(id access.RequestID, planned []plan.Step, rec access.Record) []plan.Step {
	n.mu.Lock()
	kept, _ := n.kept.Get(id)
	n.mu.Unlock()
	if len(planned) > 0 {
		rec = planned[len(planned)-1].Then
	}
	var steps []plan.Step
	for _, d := range kept {
		if !slices.ContainsFunc(planned, func(s plan.Step) bool { return s.Writes(d.DedupKey) }) {
			steps = append(steps, plan.CommentStep(rec, d))
		}
	}
	return steps
}
