package reconcile

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
)

// Webhooks about issues that no request is known for cost a call each to find
// out whose they are, and whoever reaches the listener can make them up. They
// are taken at a rate of their own, which leaves everything else its share.
const (
	strangersPerSecond = 10
	strangersAtOnce    = 50
	// strangersWait is how long one may wait for its turn before webhooks about
	// others are told to come back later.
	strangersWait = time.Minute
	// foreignFor is how long an issue that turned out to be nobody's is not
	// looked at again because a webhook says so. The poll and the resync look
	// all the same.
	foreignFor = 10 * time.Minute
	// mostForeign bounds how many such issues are remembered.
	mostForeign = 20_000
	// A request that is known is looked at this often, and so many times at
	// once, because webhooks say so. People move a card less often.
	looksPerSecond = 1
	looksAtOnce    = 10
)

// strangers is what keeps webhooks about unknown issues cheap.
type strangers struct {
	turns *rate.Limiter

	mu      sync.Mutex
	foreign map[string]time.Time // by issue id: when it was found to be nobody's
	looks   map[access.RequestID]*rate.Limiter
}

func newStrangers() *strangers {
	return &strangers{
		turns:   rate.NewLimiter(strangersPerSecond, strangersAtOnce),
		foreign: map[string]time.Time{}, looks: map[access.RequestID]*rate.Limiter{},
	}
}

// turn reserves the next turn and says how far away it is. ok is false, and
// nothing is reserved, when too many wait already.
func (s *strangers) turn() (wait time.Duration, ok bool) {
	r := s.turns.Reserve()
	if wait = r.Delay(); wait > strangersWait {
		r.Cancel()
		return 0, false
	}
	return wait, true
}

// found remembers that an issue is nobody's.
func (s *strangers) found(issueID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.foreign) >= mostForeign {
		clear(s.foreign)
	}
	s.foreign[issueID] = time.Now()
}

// isForeign tells whether an issue was found to be nobody's a short while ago.
func (s *strangers) isForeign(issueID string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, known := s.foreign[issueID]
	if known && time.Since(at) >= foreignFor {
		delete(s.foreign, issueID)
		return false
	}
	return known
}

// mayLook tells whether a webhook about a known request is to be followed at
// once: whoever sends many about the same one does not make it be read as often.
func (s *strangers) mayLook(id access.RequestID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	limit := s.looks[id]
	if limit == nil {
		if len(s.looks) >= mostForeign {
			clear(s.looks)
		}
		limit = rate.NewLimiter(looksPerSecond, looksAtOnce)
		s.looks[id] = limit
	}
	return limit.Allow()
}

// foreign tells whether the issue that a webhook named is not the request's,
// and will not be: the record names another one, or there is no request.
func foreign(v plan.Snapshot, l look) bool {
	if l.IssueID == "" || l.IssueID == v.Record.IssueID {
		return false
	}
	return v.Record.IssueID != "" || v.Request == nil && v.Record.IsZero()
}

// noteOwner remembers which request an issue belongs to, or that it belongs to
// none.
func (r *Reconciler) noteOwner(v plan.Snapshot, l look) {
	if v.Record.IssueID != "" {
		r.memory.with(func(m *memory) { m.requests[v.Record.IssueID], m.keys[v.ID] = v.ID, v.Record.IssueKey })
	}
	if foreign(v, l) {
		r.strangers.found(l.IssueID)
	}
}

// known takes a webhook about the issue of a known request.
func (r *Reconciler) known(id access.RequestID, l look) {
	k, e := key{request: id}, entry{look: l, since: time.Now()}
	switch {
	case r.strangers.mayLook(id):
		r.enqueue(k, l)
	case !r.waiting.join(k, e):
		r.waiting.put(k, e)
		r.queue.AddAfter(k, time.Second/looksPerSecond)
	}
}

// stranger takes a webhook about an issue that no request is known for. What
// waits already gets no second turn.
func (r *Reconciler) stranger(h access.IssueHint, k key, l look) bool {
	if r.strangers.isForeign(h.ID) {
		return true
	}
	e := entry{look: l, since: time.Now()}
	if r.waiting.join(k, e) {
		return true
	}
	wait, ok := r.strangers.turn()
	if !ok {
		return false
	}
	r.waiting.put(k, e)
	r.queue.AddAfter(k, wait)
	return true
}
