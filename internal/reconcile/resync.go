package reconcile

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
)

// The listings, as metrics, logs and Stuck name them.
const (
	resync = "resync"
	poll   = "poll"
)

// resyncLoop lists both sides when a watch has begun and on a timer.
func (r *Reconciler) resyncLoop(ctx context.Context) {
	timer := time.NewTimer(r.opts.ResyncInterval)
	defer timer.Stop()
	defer r.pulse.ended(resync)
	for {
		r.pulse.turns(resync, r.opts.ResyncInterval)
		select {
		case <-ctx.Done():
			return
		case <-r.resyncs:
		case <-timer.C:
		}
		r.persist(ctx, resync, r.resync)
		timer.Reset(r.opts.ResyncInterval)
	}
}

// pollLoop asks Jira for moved issues.
func (r *Reconciler) pollLoop(ctx context.Context) {
	if r.opts.PollInterval <= 0 {
		return
	}
	poller := &poller{r: r, last: time.Now().Add(-lookBack), seen: map[string]time.Time{}}
	ticker := time.NewTicker(r.opts.PollInterval)
	defer ticker.Stop()
	defer r.pulse.ended(poll)
	for {
		r.persist(ctx, poll, poller.poll)
		r.pulse.turns(poll, r.opts.PollInterval)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// persist tries until it works or ctx ends, and says so once an attempt.
func (r *Reconciler) persist(ctx context.Context, what string, try func(context.Context) error) {
	wait := backoff.NewExponentialBackOff()
	wait.MaxInterval = time.Minute
	for ctx.Err() == nil {
		start := time.Now()
		r.pulse.turns(what, 0)
		err := try(ctx)
		if err == nil {
			r.metrics.succeeded(what)
			r.log.Debug("listed", "what", what, "took", time.Since(start))
			return
		}
		if ctx.Err() != nil {
			return
		}
		after := max(wait.NextBackOff(), access.RetryAfter(err))
		r.pulse.turns(what, after)
		r.log.Warn("listing failed, will retry", "what", what, "class", access.ClassOf(err), "after", after, "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(after):
		}
	}
}

// resync sweeps the open issues, then lists the requests: an issue whose
// request is not in the later list has certainly lost it. Nobody is called
// for what both sides agree on.
func (r *Reconciler) resync(ctx context.Context) error {
	settings := r.opts.Policy
	open := map[string]struct{}{}
	byRequest := map[access.RequestID]access.IssueSummary{}
	for issue, err := range r.tracker.Search(ctx, access.IssueQuery{Statuses: settings.Statuses[access.Pending]}) {
		if err != nil {
			return fmt.Errorf("sweep open issues: %w", err)
		}
		r.pulse.turns(resync, 0)
		open[issue.Ref.ID] = struct{}{}
		if id := r.whose(issue); id != "" {
			byRequest[id] = issue
		} else {
			r.enqueue(key{issue: issue.Ref.ID}, look{})
		}
	}
	r.memory.with(func(m *memory) { m.open = open })
	listed := map[access.RequestID]struct{}{}
	states := map[access.State]int{}
	var settled []access.RequestID
	for req, err := range r.cluster.Requests(ctx) {
		if err != nil {
			return fmt.Errorf("list requests: %w", err)
		}
		r.pulse.turns(resync, 0)
		listed[req.ID] = struct{}{}
		states[req.State]++
		if !r.listed(req, byRequest) {
			settled = append(settled, req.ID)
		}
	}
	for id, issue := range byRequest {
		if _, ok := listed[id]; !ok {
			r.enqueue(key{request: id}, look{orphan: issue.Ref.ID, Hint: plan.Hint{Observed: &issue.Status}})
		}
	}
	r.vanished(listed)
	r.memory.with(func(m *memory) { m.states = states })
	r.memory.keepOnly(listed)
	return r.trickle(ctx, settled)
}

// listed queues a request unless it is settled and, as far as Jira shows, in
// step. It is false if nobody has looked whether that is so.
func (r *Reconciler) listed(req *access.Request, open map[access.RequestID]access.IssueSummary) (looked bool) {
	issue, isOpen := open[req.ID]
	switch {
	case !req.State.Settled():
		r.enqueue(key{request: req.ID}, look{resync: true})
	case isOpen:
		r.enqueue(key{request: req.ID}, look{Hint: plan.Hint{Observed: &issue.Status}})
	default:
		return r.memory.isDone(req)
	}
	return true
}

const (
	// trickled is how long the queue may be when settled requests are added.
	trickled = 1000
	// tricklePause is how often more are added.
	tricklePause = 50 * time.Millisecond
)

// trickle queues settled requests as the queue empties, so that what happens
// meanwhile does not wait behind all of them. Where another resync is due, it
// leaves the rest to that.
func (r *Reconciler) trickle(ctx context.Context, settled []access.RequestID) error {
	for {
		n := min(len(settled), max(0, trickled-r.queue.Len()))
		for _, id := range settled[:n] {
			r.enqueue(key{request: id}, look{})
		}
		settled = settled[n:]
		if len(settled) == 0 || len(r.resyncs) > 0 {
			return nil
		}
		r.pulse.turns(resync, 0)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(tricklePause):
		}
	}
}

// vanished queues the requests that had an issue and are no longer listed.
func (r *Reconciler) vanished(listed map[access.RequestID]struct{}) {
	var gone []access.RequestID
	r.memory.with(func(m *memory) {
		for _, id := range m.requests {
			if _, ok := listed[id]; !ok {
				gone = append(gone, id)
			}
		}
	})
	for _, id := range gone {
		r.enqueue(key{request: id}, look{})
	}
}

// whose is the request of an issue that the daemon's account made: the one
// whose record names it, as far as this process has seen, else the one that the
// issue says.
func (r *Reconciler) whose(issue access.IssueSummary) access.RequestID {
	if id := r.memory.requestOf(issue.Ref.ID); id != "" {
		return id
	}
	if issue.RequestID != "" {
		return issue.RequestID
	}
	return labelled(issue.Labels)
}

func cutLabel(label string) (string, bool) { return strings.CutPrefix(label, access.LabelPrefix) }

// lookBack is how long the daemon may have been down for the first poll to find
// everything that people moved meanwhile. Issues of pending requests are read
// by the first resync, however long ago they moved.
const lookBack = 48 * time.Hour

// searchLag is how much longer ago than the last poll an issue may have been
// updated and still be new to the search.
const searchLag = 2 * time.Minute

// poller finds issues that were moved, where no webhook told.
type poller struct {
	r    *Reconciler
	last time.Time            // start of the last poll that succeeded
	seen map[string]time.Time // issues already looked at, by their time of update
}

func (p *poller) poll(ctx context.Context) error {
	start := time.Now()
	seen := map[string]time.Time{}
	q := access.IssueQuery{
		NotStatuses:  p.r.opts.Policy.Statuses[access.Pending],
		UpdatedSince: time.Since(p.last) + searchLag,
	}
	for issue, err := range p.r.tracker.Search(ctx, q) {
		if err != nil {
			return fmt.Errorf("search moved issues: %w", err)
		}
		p.r.pulse.turns(poll, 0)
		seen[issue.Ref.ID] = issue.Updated
		if !p.seen[issue.Ref.ID].Equal(issue.Updated) {
			p.found(issue)
		}
	}
	p.last, p.seen = start, seen
	return nil
}

func (p *poller) found(issue access.IssueSummary) {
	id := p.r.whose(issue)
	if id == "" {
		p.r.enqueue(key{issue: issue.Ref.ID}, look{})
		return
	}
	p.r.enqueue(key{request: id}, look{
		Hint: plan.Hint{Observed: &issue.Status, IssueID: issue.Ref.ID}, orphan: issue.Ref.ID,
	})
}
