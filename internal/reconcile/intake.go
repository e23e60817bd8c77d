package reconcile

import (
	"cmp"
	"context"
	"errors"
	"time"

	"golang.org/x/time/rate"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
	"teleport-jira/internal/ttlcache"
)

// MaxQueued is how many keys may be queued before webhooks are told to come
// back later. What is refused is found by the next poll or resync.
const MaxQueued = 50_000

// Webhooks about issues that no request is known for cost a call each to find
// out which request they belong to, and whoever reaches the listener can make
// them up. They have a rate of their own, which leaves everything else its
// share.
const (
	unknownPerSecond = 10
	unknownBurst     = 50
	// maxUnknownWait is how long one may wait before webhooks about others are
	// told to come back later.
	maxUnknownWait = time.Minute
	// unrelatedFor is how long an issue that turned out to belong to no request
	// is not read again because of a webhook. The poll and the resync read it
	// all the same.
	unrelatedFor = 10 * time.Minute
	// invisibleFor is the same for an issue that answered 404. It may be visible
	// again by then.
	invisibleFor = 10 * time.Second
	// maxRemembered bounds how many unrelated issues, and how many requests'
	// rates, are remembered.
	maxRemembered = 20_000
	// Webhooks about one known request lead to this many executions a second,
	// and so many at once. People move an issue less often.
	knownPerSecond = 1
	knownBurst     = 10
	// Webhooks about all known requests together lead to this many: as many as Jira
	// Cloud lets anybody read a second. Hundreds that are moved at once are read at
	// once.
	allPerSecond = 100
	allBurst     = 1000
	// maxWebhookWait is how long one may wait for that before others are told to
	// come back later.
	maxWebhookWait = time.Minute
)

// intake limits what webhooks may cost. Its methods may be called concurrently.
type intake struct {
	unknown   *rate.Limiter
	unrelated *ttlcache.Cache[string, struct{}] // issues, by id
	known     *ttlcache.Cache[access.RequestID, *rate.Limiter]
	all       *rate.Limiter
}

func newIntake() *intake {
	return &intake{
		unknown:   rate.NewLimiter(unknownPerSecond, unknownBurst),
		unrelated: ttlcache.New[string, struct{}](maxRemembered, unrelatedFor),
		known:     ttlcache.New[access.RequestID, *rate.Limiter](maxRemembered, 0),
		all:       rate.NewLimiter(allPerSecond, allBurst),
	}
}

// EnqueueIssue takes a webhook: somebody says that an issue changed. It returns
// false, and keeps nothing, when too much is queued already.
func (r *Reconciler) EnqueueIssue(h access.IssueHint) bool {
	if r.stopping.Load() || r.queue.Len() >= MaxQueued {
		return false
	}
	ph := plan.Hint{IssueID: h.ID, Always: h.Status == access.Status{}}
	if !ph.Always {
		ph.Observed = &h.Status
	}
	id := r.cache.requestOf(h.ID)
	switch {
	case id != "":
		return r.enqueueKnown(id, hint{Hint: ph, webhook: true, urgency: decision, requester: r.cache.requesterOf(id)})
	case h.RequestID != "":
		return r.enqueueUnknown(cmp.Or(h.ID, h.Key), key{request: h.RequestID}, hint{Hint: ph, webhook: true, urgency: creation})
	}
	return r.enqueueUnknown(cmp.Or(h.ID, h.Key), key{issue: cmp.Or(h.ID, h.Key)}, hint{urgency: creation})
}

// enqueueKnown takes a webhook about the issue of a known request.
func (r *Reconciler) enqueueKnown(id access.RequestID, h hint) bool {
	k := key{request: id}
	if r.saysNothing(id, h) {
		return true
	}
	if !r.intake.allowKnown(id) {
		if !r.hints.join(k, h) {
			r.enqueueAfter(k, h, time.Second/knownPerSecond)
		}
		return true
	}
	wait, ok := reserve(r.intake.all, maxWebhookWait)
	switch {
	case !ok:
		return r.hints.join(k, h)
	case wait > 0:
		r.enqueueAfter(k, h, wait)
	default:
		r.enqueue(k, h)
	}
	return true
}

// enqueueUnknown takes a webhook about an issue that no request is known for.
// What is pending already is not counted twice.
func (r *Reconciler) enqueueUnknown(issueIDOrKey string, k key, h hint) bool {
	if _, unrelated := r.intake.unrelated.Get(issueIDOrKey); unrelated || r.hints.join(k, h) {
		return true
	}
	wait, ok := reserve(r.intake.unknown, maxUnknownWait)
	if ok {
		r.enqueueAfter(k, h, wait)
	}
	return ok
}

// reserve returns after which wait one more is within the rate. ok is false, and
// nothing is reserved, when that is too long.
func reserve(limit *rate.Limiter, most time.Duration) (wait time.Duration, ok bool) {
	reservation := limit.Reserve()
	if wait = reservation.Delay(); wait > most {
		reservation.Cancel()
		return 0, false
	}
	return wait, true
}

// allowKnown reports whether a webhook about a known request is followed at
// once: whoever sends many about the same one does not make it be read as often.
func (i *intake) allowKnown(id access.RequestID) bool {
	limit, ok := i.known.Get(id)
	if !ok {
		limit = rate.NewLimiter(knownPerSecond, knownBurst)
		i.known.Put(id, limit)
	}
	return limit.Allow()
}

// setUnrelated remembers that an issue belongs to no request.
func (i *intake) setUnrelated(issueID string) { i.unrelated.Put(issueID, struct{}{}) }

// setInvisible remembers that an issue answered 404.
func (i *intake) setInvisible(issueID string) { i.unrelated.PutFor(issueID, struct{}{}, invisibleFor) }

// saysNothing reports whether nobody but a webhook asks for a request, which says
// that its issue is pending, and the request was so when the two were brought in
// step. Jira sends one for each issue that the daemon makes, and for each edit.
func (r *Reconciler) saysNothing(id access.RequestID, h hint) bool {
	return h.webhook && !h.Always && h.Observed != nil && r.policy().Statuses.Has(access.Pending, *h.Observed) &&
		r.cache.isPendingInStep(id, h.IssueID)
}

// enqueueRequestOf finds out which request an issue of a webhook belongs to, and
// enqueues that.
func (r *Reconciler) enqueueRequestOf(ctx context.Context, issueIDOrKey string) error {
	issue, err := r.tracker.Issue(ctx, issueIDOrKey)
	if errors.Is(err, access.ErrNotFound) {
		r.intake.setInvisible(issueIDOrKey)
		return nil
	} else if err != nil {
		return err
	}
	if r.clusters.isAnother(issue.Cluster) && r.cache.requestOf(issue.Ref.ID) == "" {
		r.intake.setUnrelated(issueIDOrKey)
		return nil
	}
	id := cmp.Or(issue.RequestID, access.RequestIDFromLabels(issue.Labels))
	if id == "" {
		r.intake.setUnrelated(issueIDOrKey)
		r.log.Debug("issue is not about an access request", "issue_key", issue.Ref.Key)
		return nil
	}
	// The record has the last word on whether the issue is the request's.
	h := hint{
		Hint: plan.Hint{Always: true, IssueID: issue.Ref.ID}, urgency: decision, requester: r.cache.requesterOf(id),
	}
	if issue.RequestID != "" && issue.Creator.Same(r.self) {
		h.orphan = issue.Ref.ID
	}
	r.enqueue(key{request: id}, h)
	return nil
}

// noteOwner remembers which request an issue belongs to, or that it belongs to
// none.
func (r *Reconciler) noteOwner(s snapshot) {
	if s.Record.IssueID != "" {
		r.cache.setRecord(s.ID, s.Record)
	}
	if isUnrelated(s) {
		r.intake.setUnrelated(s.hint.IssueID)
	}
}

// isUnrelated reports whether the issue that a webhook named is not the
// request's, and will not be: the record names another one, or there is no
// request.
func isUnrelated(s snapshot) bool {
	if s.hint.IssueID == "" || s.hint.IssueID == s.Record.IssueID {
		return false
	}
	return s.Record.IssueID != "" || s.Request == nil && s.Record.IsZero()
}
