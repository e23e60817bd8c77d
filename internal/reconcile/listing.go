package reconcile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
)

// resync lists the open issues, then the requests: an issue whose request is not
// in the later list has certainly lost it. No call is made for what both sides
// agree on.
func (r *Reconciler) resync(ctx context.Context) error {
	open := map[string]struct{}{}
	byRequest := map[access.RequestID]access.IssueSummary{}
	for issue, err := range r.tracker.Search(ctx, access.IssueQuery{Statuses: r.policy().Statuses[access.Pending]}) {
		if err != nil {
			return fmt.Errorf("search open issues: %w", err)
		}
		r.watchdog.Progress(resync)
		open[issue.Ref.ID] = struct{}{}
		if r.skips(issue) {
			continue
		}
		if id := r.requestOf(issue); id != "" {
			byRequest[id] = issue
		} else {
			r.enqueue(key{issue: issue.Ref.ID}, hint{})
		}
	}
	r.cache.setOpen(open)
	listed, began := map[access.RequestID]struct{}{}, time.Now()
	states := map[access.State]int{}
	var settled []access.RequestID
	inStep := 0
	for req, err := range r.cluster.Requests(ctx) {
		if err != nil {
			return fmt.Errorf("list requests: %w", err)
		}
		r.watchdog.Progress(resync)
		listed[req.ID] = struct{}{}
		states[req.State]++
		r.ages.saw(req.ID, req)
		_, isOpen := byRequest[req.ID]
		switch {
		case isOpen && req.State == access.Pending && r.cache.isSynced(req):
			r.enqueueAfter(key{request: req.ID}, hint{resync: true, requester: req.User}, r.paced(inStep))
			inStep++
		case !r.enqueueListed(req, byRequest):
			settled = append(settled, req.ID)
		}
	}
	r.ages.keepOnly(listed, began)
	r.enqueueDeleted(byRequest, listed, states)
	if err := r.findEnded(ctx, listed); err != nil {
		return err
	}
	return r.enqueueSettled(ctx, settled)
}

// relist lists the requests once more, and queues those that are not as they were
// when they were brought in step.
func (r *Reconciler) relist(ctx context.Context) error {
	listed, began := map[access.RequestID]struct{}{}, time.Now()
	states := map[access.State]int{}
	var settled []access.RequestID
	for req, err := range r.cluster.Requests(ctx) {
		if err != nil {
			return fmt.Errorf("list requests: %w", err)
		}
		r.watchdog.Progress(relist)
		listed[req.ID] = struct{}{}
		states[req.State]++
		r.ages.saw(req.ID, req)
		switch {
		case r.cache.isSynced(req):
		case req.State.Settled():
			settled = append(settled, req.ID)
		default:
			r.enqueue(key{request: req.ID}, hint{requester: req.User})
		}
	}
	r.ages.keepOnly(listed, began)
	r.enqueueDeleted(nil, listed, states)
	return r.enqueueSettled(ctx, settled)
}

// inStepPace is the time between two looks at pending requests that are in step as
// far as this process knows: what it can't know is what another one left half
// done. Thousands of them at once would be as many calls to Teleport, by each
// replica.
const inStepPace = 5 * time.Millisecond

// paced returns after which time the next of so many is looked at.
func (r *Reconciler) paced(before int) time.Duration {
	return min(time.Duration(before)*inStepPace, r.opts.ResyncInterval/2)
}

// enqueueListed queues a request unless it is settled and, as far as Jira shows,
// in step. It returns false for a settled one of which that is not known.
func (r *Reconciler) enqueueListed(req *access.Request, open map[access.RequestID]access.IssueSummary) bool {
	issue, isOpen := open[req.ID]
	switch {
	case !req.State.Settled():
		r.enqueue(key{request: req.ID}, hint{resync: true, requester: req.User})
	case isOpen:
		r.enqueue(key{request: req.ID}, hint{Hint: plan.Hint{Observed: &issue.Status}, requester: req.User})
	default:
		return r.cache.isSynced(req)
	}
	return true
}

// enqueueDeleted queues the requests that have an open issue, or had an issue
// when this process saw them, and are no longer listed.
func (r *Reconciler) enqueueDeleted(open map[access.RequestID]access.IssueSummary, listed map[access.RequestID]struct{}, states map[access.State]int) {
	for id, issue := range open {
		if _, ok := listed[id]; !ok {
			r.enqueue(key{request: id}, hint{orphan: issue.Ref.ID, Hint: plan.Hint{Observed: &issue.Status}})
		}
	}
	for _, id := range r.cache.keepOnly(listed, states) {
		r.enqueue(key{request: id}, hint{})
	}
}

const (
	// maxQueuedSettled is how long the queue may be when settled requests are added.
	maxQueuedSettled = 1000
	// settledInterval is how often more are added.
	settledInterval = 50 * time.Millisecond
)

// enqueueSettled queues settled requests as the queue empties, so that what
// happens meanwhile does not wait behind all of them. Where another resync is
// due, or the relist that follows it, it leaves the rest to that.
func (r *Reconciler) enqueueSettled(ctx context.Context, settled []access.RequestID) error {
	for {
		n := min(len(settled), max(0, maxQueuedSettled-r.queue.Len()))
		for _, id := range settled[:n] {
			r.enqueue(key{request: id}, hint{})
		}
		settled = settled[n:]
		if len(settled) == 0 || len(r.resyncs)+len(r.relists) > 0 {
			return nil
		}
		r.watchdog.Progress(resync)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(settledInterval):
		}
	}
}

// requestOf returns the request of an issue that the daemon's account created:
// the one whose record names it, as far as this process has seen, else the one
// that the issue says.
func (r *Reconciler) requestOf(issue access.IssueSummary) access.RequestID {
	return cmp.Or(r.cache.requestOf(issue.Ref.ID), issue.RequestID, access.RequestIDFromLabels(issue.Labels))
}

const (
	// lookBack is how long the daemon may have been down for the first poll to
	// find everything that people moved meanwhile. Issues of pending requests are
	// read by the first resync, however long ago they were moved.
	lookBack = 48 * time.Hour
	// searchLag is how much longer ago than the last poll an issue may have been
	// updated and still be new to the search.
	searchLag = 2 * time.Minute
)

// poller finds issues that were moved where no webhook told. It is used by one
// goroutine.
type poller struct {
	r    *Reconciler
	last time.Time            // start of the last poll that succeeded
	seen map[string]time.Time // issues already enqueued, by their time of update
}

func newPoller(r *Reconciler) *poller {
	return &poller{r: r, last: time.Now().Add(-lookBack), seen: map[string]time.Time{}}
}

func (p *poller) poll(ctx context.Context) error {
	start := time.Now()
	seen := map[string]time.Time{}
	q := access.IssueQuery{
		NotStatuses:  p.r.policy().Statuses[access.Pending],
		UpdatedSince: time.Since(p.last) + searchLag,
	}
	for issue, err := range p.r.tracker.Search(ctx, q) {
		if err != nil {
			return fmt.Errorf("search moved issues: %w", err)
		}
		p.r.watchdog.Progress(poll)
		if p.r.skips(issue) {
			continue
		}
		seen[issue.Ref.ID] = issue.Updated
		if !p.seen[issue.Ref.ID].Equal(issue.Updated) || p.r.cache.isMissing(p.r.requestOf(issue)) {
			p.enqueue(issue)
		}
	}
	p.last, p.seen = start, seen
	return nil
}

func (p *poller) enqueue(issue access.IssueSummary) {
	id := p.r.requestOf(issue)
	if id == "" {
		p.r.enqueue(key{issue: issue.Ref.ID}, hint{})
		return
	}
	p.r.enqueue(key{request: id}, hint{
		Hint: plan.Hint{Observed: &issue.Status, IssueID: issue.Ref.ID}, orphan: issue.Ref.ID,
		urgency: decision, requester: p.r.cache.requesterOf(id),
	})
}

// The listings, as metrics, logs and Stalled name them.
const (
	resync = "resync"
	relist = "relist"
	poll   = "poll"
)

// OnRequest takes an event of Teleport: a request was changed or deleted.
func (r *Reconciler) OnRequest(e access.RequestEvent) {
	h := hint{requester: e.User, fresh: e.New}
	if e.New != nil {
		r.ages.saw(e.ID, e.New)
	}
	switch {
	case e.Decided:
		h.urgency = decision
	case e.User != "":
		h.urgency = creation
	}
	r.enqueue(key{request: e.ID}, h)
}

// OnSubscribed takes the beginning of a watch: what happened before it has to be
// listed. Where Teleport was away before it, what waited for it is tried at once.
func (r *Reconciler) OnSubscribed(back bool) {
	r.monitor.subscribed()
	if back {
		r.Wake()
	}
	r.Resync()
}

// OnSettled takes that Teleport's lists are no older than the watch from now on:
// what changed in between is found by listing the requests once more. Jira need
// not be asked for that.
func (r *Reconciler) OnSettled() {
	select {
	case r.relists <- struct{}{}:
	default: // One is due already.
	}
}

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
		case <-r.relists:
			if err := r.list(ctx, relist, r.relist); err != nil {
				return
			}
			r.watchdog.Done(relist)
			continue
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
			if listing != relist {
				r.metrics.succeeded(listing)
			}
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

// Wake brings back at once all that waits for a retry: a side works again. What
// may be a decision comes first. It may be called concurrently.
func (r *Reconciler) Wake() {
	keys := r.hints.keys()
	for _, k := range keys {
		r.queue.Forget(k)
		r.notices.retries.Forget(k)
		r.queue.Add(k)
	}
	r.log.Info("side works again, trying at once all that waits", "waiting", len(keys))
	r.wakes.broadcast()
}

// keys returns what is pending, what may be a decision first.
func (p *pendingHints) keys() []key {
	p.mu.Lock()
	defer p.mu.Unlock()
	var first, rest []key
	for k, h := range p.byKey {
		if h.hint.Observed != nil || h.hint.Always || k.issue != "" {
			first = append(first, k)
		} else {
			rest = append(rest, k)
		}
	}
	return slices.Concat(first, rest)
}

// signal wakes whoever waits for it. Its methods may be called concurrently.
type signal struct {
	mu sync.Mutex
	c  chan struct{} // closed by the next broadcast; guarded by mu
}

func newSignal() *signal { return &signal{c: make(chan struct{})} }

// next is closed by the next broadcast.
func (s *signal) next() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.c
}

func (s *signal) broadcast() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.c)
	s.c = make(chan struct{})
}
