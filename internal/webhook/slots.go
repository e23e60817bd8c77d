package webhook

import (
	"net/netip"
	"sync"
	"time"
)

// slots is room for webhooks whose bodies arrive. Where it is full, one more takes
// the slot of the one that has been there longest, of the sender who has the most:
// slow senders cut off each other, and keep nobody out. Its methods may be called
// concurrently.
type slots struct {
	max int
	// stay is how long a webhook keeps its slot in any case.
	stay time.Duration

	mu   sync.Mutex
	held map[*slot]struct{}   // guarded by mu
	of   map[netip.Prefix]int // how many a sender has; guarded by mu
}

type slot struct {
	sender  netip.Prefix
	since   time.Time
	arrived bool // the body has: it is worked on
	// cutOff ends the reading of the body. It does not wait.
	cutOff func()
}

func newSlots(limit int, stay time.Duration) *slots {
	return &slots{max: limit, stay: stay, held: map[*slot]struct{}{}, of: map[netip.Prefix]int{}}
}

// enter takes a slot; nil when all are taken by webhooks that have just come or
// are worked on.
func (s *slots) enter(sender netip.Prefix, cutOff func()) *slot {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.held) >= s.max && !s.cutOne() {
		return nil
	}
	taken := &slot{sender: sender, since: time.Now(), cutOff: cutOff}
	s.held[taken] = struct{}{}
	s.of[sender]++
	return taken
}

// keep says that the body has arrived, so that the slot is not taken away any
// more. It returns false when it has been.
func (s *slots) keep(taken *slot) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, held := s.held[taken]
	taken.arrived = true
	return held
}

// leave gives the slot back, unless it was taken away.
func (s *slots) leave(taken *slot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free(taken)
}

// cutOne frees the slot whose turn it is; false where none may be taken away yet.
func (s *slots) cutOne() bool {
	var victim *slot
	for held := range s.held {
		if !held.arrived && time.Since(held.since) >= s.stay && (victim == nil || s.goesBefore(held, victim)) {
			victim = held
		}
	}
	if victim == nil {
		return false
	}
	s.free(victim)
	victim.cutOff()
	return true
}

// goesBefore reports whether a is cut off rather than b.
func (s *slots) goesBefore(a, b *slot) bool {
	if s.of[a.sender] != s.of[b.sender] {
		return s.of[a.sender] > s.of[b.sender]
	}
	return a.since.Before(b.since)
}

func (s *slots) free(taken *slot) {
	if _, held := s.held[taken]; !held {
		return
	}
	delete(s.held, taken)
	if s.of[taken.sender]--; s.of[taken.sender] == 0 {
		delete(s.of, taken.sender)
	}
}

// room is the slots that one webhook has. It belongs to one goroutine.
type room []place

type place struct {
	of   *slots
	slot *slot
}

// enter takes one more slot; false when there is none.
func (r *room) enter(s *slots, sender netip.Prefix, cutOff func()) bool {
	taken := s.enter(sender, cutOff)
	if taken == nil {
		return false
	}
	*r = append(*r, place{s, taken})
	return true
}

// keep says that the body has arrived; false when one of the slots was taken away
// before.
func (r *room) keep() bool {
	kept := true
	for _, p := range *r {
		kept = p.of.keep(p.slot) && kept
	}
	return kept
}

// leave gives all slots back.
func (r *room) leave() {
	for _, p := range *r {
		p.of.leave(p.slot)
	}
}
