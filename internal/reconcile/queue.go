package reconcile

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"k8s.io/client-go/util/workqueue"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
)

// Failed work is retried after minRetry, doubling up to maxRetry.
const (
	minRetry = 500 * time.Millisecond
	maxRetry = 2 * time.Minute
)

// key is what the queue carries: a request, or an issue of which it is not
// known yet which request it belongs to.
type key struct {
	request access.RequestID
	issue   string
}

// hint is why a request is worked on.
type hint struct {
	plan.Hint
	resync bool   // read the issue of a pending request unless the last resync showed it open
	orphan string // an issue of ours that names this request
	// fresh is a request that was just made, as an event brought it; nil where
	// anything else is known, or the attempt to go by it has failed.
	fresh   *access.Request
	webhook bool // nothing but webhooks asks for it

	urgency   urgency
	requester string // whose request it is, as far as the trigger knew; "" when it did not
}

// merge returns the hint that does for both.
func (h hint) merge(o hint) hint {
	if h.IssueID != o.IssueID {
		h.IssueID = ""
	}
	h.Always = h.Always || o.Always
	h.resync = h.resync || o.resync
	h.webhook = h.webhook && o.webhook
	switch {
	case h.Observed == nil:
		h.Observed = o.Observed
	case o.Observed != nil && *o.Observed != *h.Observed:
		// Nobody knows which of the two is the later one.
		h.Always = true
	}
	if o.orphan != "" {
		h.orphan = o.orphan
	}
	if h.fresh != nil {
		h.fresh = o.fresh
	}
	h.urgency = max(h.urgency, o.urgency)
	h.requester = cmp.Or(h.requester, o.requester)
	return h
}

// pendingHint is what is kept beside a queued key.
type pendingHint struct {
	hint   hint
	since  time.Time // when the key was first enqueued
	logged string    // the error that was last logged of it
}

// pendingHints keeps the hints of the keys that are queued or to be retried. Its
// methods may be called concurrently.
type pendingHints struct {
	mu    sync.Mutex
	byKey map[key]pendingHint // guarded by mu
}

func newPendingHints() *pendingHints { return &pendingHints{byKey: map[key]pendingHint{}} }

// put adds a hint; the age of what is pending already stays.
func (p *pendingHints) put(k key, h pendingHint) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if old, ok := p.byKey[k]; ok {
		h.hint = old.hint.merge(h.hint)
		if h.logged == "" {
			h.logged = old.logged
		}
		if old.since.Before(h.since) {
			h.since = old.since
		}
	}
	p.byKey[k] = h
}

// join adds a hint to what is pending already; false when nothing is.
func (p *pendingHints) join(k key, h hint) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	old, ok := p.byKey[k]
	if ok {
		old.hint = old.hint.merge(h)
		p.byKey[k] = old
	}
	return ok
}

// rank is the order that the key's hint gives it.
func (p *pendingHints) rank(k key) (of urgency, requester string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := p.byKey[k].hint
	return h.urgency, h.requester
}

func (p *pendingHints) take(k key) pendingHint {
	p.mu.Lock()
	defer p.mu.Unlock()
	h, ok := p.byKey[k]
	if !ok {
		h.since = time.Now()
	}
	delete(p.byKey, k)
	return h
}

// depth counts what is pending; oldest is when the oldest of it was enqueued.
func (p *pendingHints) depth() (n int, oldest time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, h := range p.byKey {
		if oldest.IsZero() || h.since.Before(oldest) {
			oldest = h.since
		}
	}
	return len(p.byKey), oldest
}

// enqueue asks for a key to be worked on now.
func (r *Reconciler) enqueue(k key, h hint) {
	r.hints.put(k, pendingHint{hint: h, since: time.Now()})
	r.queue.Add(k)
}

// enqueueAfter asks for a key to be worked on after a while.
func (r *Reconciler) enqueueAfter(k key, h hint, after time.Duration) {
	r.hints.put(k, pendingHint{hint: h, since: time.Now()})
	r.queue.AddAfter(k, after)
}

// handle works on one key and decides when it comes back.
func (r *Reconciler) handle(ctx context.Context, k key) {
	start := time.Now()
	pending := r.hints.take(k)
	var requeueAfter time.Duration
	var err error
	if k.issue != "" {
		err = r.enqueueRequestOf(ctx, k.issue)
	} else {
		requeueAfter, err = r.reconcile(ctx, k.request, pending.hint)
	}
	pending.hint.fresh = nil // Whatever comes next is not the first time.
	r.metrics.observe(time.Since(start), err)
	var postponed *postponedError
	switch {
	case errors.As(err, &postponed):
		r.postpone(ctx, k, pending, postponed)
	case err != nil:
		r.retry(ctx, k, pending, err)
	case requeueAfter > 0:
		r.queue.Forget(k)
		r.hints.put(k, pending)
		r.queue.AddAfter(k, requeueAfter)
	default:
		r.queue.Forget(k)
		r.notices.retries.Forget(k)
	}
}

// retry brings a failed key back: when the server said, or with backoff.
func (r *Reconciler) retry(ctx context.Context, k key, pending pendingHint, err error) {
	r.logFailure(ctx, k, pending.logged, err)
	pending.logged = err.Error()
	r.hints.put(k, pending)
	if after := access.RetryAfter(err); after > 0 {
		r.queue.AddAfter(k, after)
		return
	}
	r.queue.AddRateLimited(k)
}

// postpone brings a key back of which everything but comments is done, or an
// issue that Jira keeps failing to move. It has a backoff of its own: what else
// is to be done about the request later does not wait as long.
func (r *Reconciler) postpone(ctx context.Context, k key, pending pendingHint, err *postponedError) {
	r.logFailure(ctx, k, pending.logged, err)
	pending.logged = err.Error()
	pending.hint.Always = pending.hint.Always || err.reread
	r.queue.Forget(k)
	r.hints.put(k, pending)
	r.queue.AddAfter(k, max(access.RetryAfter(err), r.notices.retries.When(k)))
}

// logFailure logs why a key has to come back. What was logged of it before is
// repeated for debugging only: while a side is away thousands of requests may
// be pending.
func (r *Reconciler) logFailure(ctx context.Context, k key, logged string, err error) {
	class, level, fix := access.ClassOf(err), slog.LevelWarn, ""
	switch {
	case errors.Is(err, access.ErrNotFound) && r.cache.isMissing(k.request): // see noteMissing
		level = slog.LevelDebug
	case errors.Is(err, access.ErrAway), errors.Is(err, access.ErrConflict), class == access.Limited, logged == err.Error():
		level = slog.LevelDebug
	case class == access.Unauth:
		level, fix = slog.LevelError, "renew the token or identity, the new one is taken up without a restart"
	case class == access.Permanent:
		level, fix = slog.LevelError, "mend what the error names, the request is tried again"
	}
	attrs := []slog.Attr{
		slog.String("request_id", string(k.request)), slog.String("issue_key", r.cache.issueKey(k)),
		slog.Int("attempt", r.queue.NumRequeues(k)+1), slog.String("class", string(class)), slog.Any("error", err),
	}
	if fix != "" {
		attrs = append(attrs, slog.String("fix", fix))
	}
	r.log.LogAttrs(ctx, level, "reconcile failed, will retry", attrs...)
}

// urgency is why a key is worked on before others. The zero urgency is
// housekeeping: what a listing found.
type urgency int

const (
	housekeeping urgency = iota
	creation             // a new request
	decision             // somebody has decided, or is about to
	urgencies            // how many there are
)

// turns is how often the most urgent is taken before something else has a turn,
// so that no flood stops the housekeeping for good.
const turns = 8

// fairQueue is the order in which keys are taken: decisions before new requests
// before housekeeping, and within each the requesters take turns, so that what
// one of them floods the queue with waits behind itself. The work queue calls it
// under its lock. Urgency and requester are those of the key's pending hint.
type fairQueue struct {
	hints   *pendingHints
	waiting [urgencies]lanes
	queued  map[key]*queuedKey
	taken   int // since something less urgent had its turn
}

// queuedKey is a key's place. It is void when the key has a more urgent one.
type queuedKey struct {
	key     key
	urgency urgency
	void    bool
}

// newQueue makes the work queue whose keys have their hints in hints.
func newQueue(hints *pendingHints) workqueue.TypedRateLimitingInterface[key] {
	fair := &fairQueue{hints: hints, queued: map[key]*queuedKey{}}
	return workqueue.NewTypedRateLimitingQueueWithConfig(
		workqueue.NewTypedItemExponentialFailureRateLimiter[key](minRetry, maxRetry),
		workqueue.TypedRateLimitingQueueConfig[key]{
			DelayingQueue: workqueue.NewTypedDelayingQueueWithConfig(workqueue.TypedDelayingQueueConfig[key]{
				Queue: workqueue.NewTypedWithConfig(workqueue.TypedQueueConfig[key]{Queue: fair}),
			}),
		})
}

// Push implements workqueue.Queue.
func (q *fairQueue) Push(k key) {
	urgency, requester := q.hints.rank(k)
	place := &queuedKey{key: k, urgency: urgency}
	q.queued[k] = place
	q.waiting[urgency].push(requester, place)
}

// Touch implements workqueue.Queue: a key that has become more urgent gets a
// place among those that are.
func (q *fairQueue) Touch(k key) {
	place, ok := q.queued[k]
	if urgency, _ := q.hints.rank(k); !ok || urgency <= place.urgency {
		return
	}
	place.void = true
	q.waiting[place.urgency].live--
	q.Push(k)
}

// Len implements workqueue.Queue.
func (q *fairQueue) Len() int { return len(q.queued) }

// Pop implements workqueue.Queue.
func (q *fairQueue) Pop() key {
	next := q.next()
	place := q.waiting[next].pop()
	delete(q.queued, place.key)
	return place.key
}

// next is the urgency that is taken from: the highest there is, and every now
// and then the lowest.
func (q *fairQueue) next() urgency {
	highest, lowest := housekeeping, decision
	for u := range urgencies {
		if q.waiting[u].live > 0 {
			highest = u
			lowest = min(lowest, u)
		}
	}
	if highest == lowest {
		return highest
	}
	if q.taken++; q.taken > turns {
		q.taken = 0
		return lowest
	}
	return highest
}

// lanes are the places of one urgency, a lane for each requester. The lanes take
// turns.
type lanes struct {
	order []*lane
	of    map[string]*lane
	live  int // places that are not void
}

type lane struct {
	requester string
	places    []*queuedKey
}

func (l *lanes) push(requester string, place *queuedKey) {
	in, ok := l.of[requester]
	if !ok {
		in = &lane{requester: requester}
		if l.of == nil {
			l.of = map[string]*lane{}
		}
		l.of[requester] = in
		l.order = append(l.order, in)
	}
	in.places = append(in.places, place)
	l.live++
}

// pop takes the first place of the lane whose turn it is. There has to be one
// that is not void.
func (l *lanes) pop() *queuedKey {
	for {
		turn := l.order[0]
		l.order[0] = nil
		l.order = l.order[1:]
		place := turn.pop()
		if len(turn.places) > 0 {
			l.order = append(l.order, turn)
		} else {
			delete(l.of, turn.requester)
		}
		if place != nil {
			l.live--
			return place
		}
	}
}

// pop takes the lane's first place that is not void; nil when there is none.
func (l *lane) pop() *queuedKey {
	for len(l.places) > 0 {
		place := l.places[0]
		l.places[0] = nil
		l.places = l.places[1:]
		if !place.void {
			return place
		}
	}
	return nil
}
