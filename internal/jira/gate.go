package jira

import (
	"container/list"
	"context"
	"sync"
	"time"
)

const (
	firstLimit = 4           // calls in flight to begin with
	cutEvery   = time.Second // one overload is answered by one cut
	cutFactor  = 0.75        // of the limit that stays after a refusal
	slowFactor = 0.9         // of the limit that stays when answers slow down

	slack        = 50 * time.Millisecond // less than this is no slowing down
	warmUp       = 10                    // calls until an endpoint's latency is judged
	recentWeight = 0.1                   // of one call in the recent latency
	learnFaster  = 5 * time.Second       // until a lasting lower latency is usual
	learnSlower  = time.Minute           // until a lasting higher one is
)

// pace is how long an endpoint takes, as moving averages.
type pace struct {
	usual  time.Duration // when all is well
	recent time.Duration // in the last few calls
	at     time.Time     // of the last call
	calls  int           // as far as warmUp
}

// gate limits the calls in flight and adapts the limit: it doubles with every
// round trip until Jira shows strain for the first time, grows by one a round
// trip from then on, and shrinks on refusals (429, 503) and when answers take
// more than twice their usual time. It grows only while calls wait for it.
// First come, first served. Safe for concurrent use.
//
// failsafe-go's adaptive limiter does not fit: it goes by latency alone, so that
// a refusal could not shrink it, and grows by one or two in a sampling window,
// which takes a burst's whole length to come from 4 to 64.
type gate struct {
	mu      sync.Mutex
	limit   float64
	ceiling float64
	used    int
	waiters list.List // of chan struct{}
	strain  bool      // Jira has shown strain: grow slowly
	lastCut time.Time
	paces   map[string]pace // per endpoint
	changed func(limit int)
}

func newGate(ceiling int, changed func(limit int)) *gate {
	g := &gate{ceiling: float64(ceiling), paces: map[string]pace{}, changed: changed}
	g.set(firstLimit)
	return g
}

// acquire waits for a place; release has to be called for it.
func (g *gate) acquire(ctx context.Context) error {
	g.mu.Lock()
	if g.used < int(g.limit) && g.waiters.Len() == 0 {
		g.used++
		g.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	place := g.waiters.PushBack(turn)
	g.mu.Unlock()

	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-turn: // it came at the same moment: hand it on
		g.used--
		g.admit()
	default:
		g.waiters.Remove(place)
	}
	return ctx.Err()
}

// release gives a place back without learning from the call.
func (g *gate) release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.used--
	g.admit()
}

// answered gives a place back after a success that took latency.
func (g *gate) answered(endpoint string, latency time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	wanted := g.waiters.Len() > 0 || g.used >= int(g.limit)
	g.used--
	switch {
	case g.slow(endpoint, latency):
		g.slowDown()
	case wanted && g.strain:
		g.set(g.limit + 1/g.limit)
	case wanted:
		g.set(g.limit + 1)
	}
	g.admit()
}

// unanswered gives a place back after a call that got no answer within
// latency. A Jira that hangs is overloaded; one that hangs up says nothing.
func (g *gate) unanswered(endpoint string, latency time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.used--
	if p := g.paces[endpoint]; p.calls == warmUp && latency > 2*p.usual+slack {
		g.slowDown()
	}
	g.admit()
}

// refused gives a place back after Jira asked for fewer calls.
func (g *gate) refused() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.used--
	g.cut(cutFactor)
	g.admit()
}

// slow learns from a latency and compares the recent ones with the usual.
func (g *gate) slow(endpoint string, latency time.Duration) bool {
	now := time.Now()
	p := g.paces[endpoint]
	if p.calls < warmUp {
		p.calls++
		p.usual += (latency - p.usual) / time.Duration(p.calls)
		p.recent, p.at = p.usual, now
		g.paces[endpoint] = p
		return false
	}
	p.recent += time.Duration(recentWeight * float64(latency-p.recent))
	over := learnSlower
	if p.recent < p.usual {
		over = learnFaster
	}
	weight := min(1, now.Sub(p.at).Seconds()/over.Seconds())
	p.usual += time.Duration(weight * float64(p.recent-p.usual))
	p.at = now
	g.paces[endpoint] = p
	return p.recent > 2*p.usual+slack
}

// slowDown shrinks the limit a little, not below where it began.
func (g *gate) slowDown() {
	if g.limit*slowFactor >= firstLimit {
		g.cut(slowFactor)
	}
}

// cut shrinks the limit, once for all calls that met the same overload.
func (g *gate) cut(factor float64) {
	g.strain = true
	if now := time.Now(); now.Sub(g.lastCut) >= cutEvery {
		g.lastCut = now
		g.set(g.limit * factor)
	}
}

func (g *gate) set(limit float64) {
	before := int(g.limit)
	g.limit = max(1, min(limit, g.ceiling))
	if int(g.limit) != before {
		g.changed(int(g.limit))
	}
}

// admit lets waiters in as far as the limit goes.
func (g *gate) admit() {
	for g.used < int(g.limit) && g.waiters.Len() > 0 {
		turn, _ := g.waiters.Remove(g.waiters.Front()).(chan struct{})
		g.used++
		close(turn)
	}
}
