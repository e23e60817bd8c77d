package reconcile

import (
	"cmp"
	"sync"
	"time"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
)

// MaxQueued is how many doorbells may wait before webhooks are told to come
// back later. What is refused is found by the next poll or resync.
const MaxQueued = 50_000

// key is what the queue carries: a request, or an issue of which it is not
// known yet whose it is.
type key struct {
	request access.RequestID
	issue   string
}

// look is why a request is looked at.
type look struct {
	plan.Hint
	resync bool   // read the issue of a pending request unless the last search showed it open
	orphan string // an issue of ours that names this request
}

// merge is the look that does for both.
func (l look) merge(o look) look {
	if l.IssueID != o.IssueID {
		l.IssueID = ""
	}
	l.Always = l.Always || o.Always
	l.resync = l.resync || o.resync
	switch {
	case l.Observed == nil:
		l.Observed = o.Observed
	case o.Observed != nil && *o.Observed != *l.Observed:
		// Which of the two is the later one, nobody knows.
		l.Always = true
	}
	if o.orphan != "" {
		l.orphan = o.orphan
	}
	return l
}

// entry is what is kept beside a queued key.
type entry struct {
	look  look
	since time.Time // when it was first asked for
	said  string    // the error that was last logged of it
}

// waiting keeps the looks of the keys that are queued or to be retried.
type waiting struct {
	mu      sync.Mutex
	entries map[key]entry
}

func newWaiting() *waiting { return &waiting{entries: map[key]entry{}} }

// put adds a look; the age of what is there already stays.
func (w *waiting) put(k key, e entry) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if old, ok := w.entries[k]; ok {
		e.look = old.look.merge(e.look)
		if e.said == "" {
			e.said = old.said
		}
		if old.since.Before(e.since) {
			e.since = old.since
		}
	}
	w.entries[k] = e
}

// join adds a look to what waits already; false when nothing does.
func (w *waiting) join(k key, e entry) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	old, ok := w.entries[k]
	if ok {
		old.look = old.look.merge(e.look)
		w.entries[k] = old
	}
	return ok
}

func (w *waiting) take(k key) entry {
	w.mu.Lock()
	defer w.mu.Unlock()
	e, ok := w.entries[k]
	if !ok {
		e.since = time.Now()
	}
	delete(w.entries, k)
	return e
}

// depth counts what waits; oldest is when the oldest of it was asked for.
func (w *waiting) depth() (n int, oldest time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.entries {
		if oldest.IsZero() || e.since.Before(oldest) {
			oldest = e.since
		}
	}
	return len(w.entries), oldest
}

func (r *Reconciler) enqueue(k key, l look) {
	r.waiting.put(k, entry{look: l, since: time.Now()})
	r.queue.Add(k)
}

// RequestChanged tells that Teleport changed or deleted a request.
func (r *Reconciler) OnRequest(id access.RequestID) { r.enqueue(key{request: id}, look{}) }

// Subscribed tells that a watch has begun, so that what happened before it has
// to be listed.
func (r *Reconciler) OnSubscribed() { r.Resync() }

// Resync asks for both sides to be listed now. It returns at once.
func (r *Reconciler) Resync() {
	select {
	case r.resyncs <- struct{}{}:
	default: // One is due already, and it has not begun to list.
	}
}

// EnqueueIssue tells that somebody says an issue changed. It is false, and
// nothing is kept, when too much waits already.
func (r *Reconciler) EnqueueIssue(h access.IssueHint) bool {
	if r.stopping.Load() || r.queue.Len() >= MaxQueued {
		return false
	}
	l := plan.Hint{IssueID: h.ID, Always: h.Status == access.Status{}}
	if !l.Always {
		l.Observed = &h.Status
	}
	id := r.memory.requestOf(h.ID)
	switch {
	case id != "":
		r.known(id, look{Hint: l})
		return true
	case h.RequestID != "":
		return r.stranger(h, key{request: h.RequestID}, look{Hint: l})
	}
	return r.stranger(h, key{issue: cmp.Or(h.ID, h.Key)}, look{})
}

// observations remember since when a value has been seen unchanged, by this
// process's own clock. Clocks of several replicas need not agree that way.
type observations struct {
	mu   sync.Mutex
	seen map[access.RequestID]observation
}

type observation struct {
	value string
	since time.Time
}

func newObservations() *observations {
	return &observations{seen: map[access.RequestID]observation{}}
}

// age is how long the value has stood, as far as this process saw.
func (o *observations) age(id access.RequestID, value string) time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	ob, ok := o.seen[id]
	if !ok || ob.value != value {
		ob = observation{value: value, since: time.Now()}
		o.seen[id] = ob
	}
	return time.Since(ob.since)
}

func (o *observations) forget(id access.RequestID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.seen, id)
}
