package reconcile

import (
	"slices"
	"sync"
)

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
