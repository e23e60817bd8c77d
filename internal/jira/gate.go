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
	slack      = 50 * time.Millisecond
	learnOver  = time.Minute // until a lasting latency is the usual one
)

// baseline is how long an endpoint takes when all is well.
type baseline struct {
	latency time.Duration
	at      time.Time // of the last change
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
	usual   map[string]baseline // per endpoint
	changed func(limit int)
}

func newGate(ceiling int, changed func(limit int)) *gate {
	g := &gate{ceiling: float64(ceiling), usual: map[string]baseline{}, changed: changed}
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

// answered gives a place back after an answer that took latency.
func (g *gate) answered(endpoint string, latency time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	wanted := g.waiters.Len() > 0 || g.used >= int(g.limit)
	g.used--
	switch {
	case g.slow(endpoint, latency):
		if g.limit*slowFactor >= firstLimit {
			g.cut(slowFactor)
		}
	case wanted && g.strain:
		g.set(g.limit + 1/g.limit)
	case wanted:
		g.set(g.limit + 1)
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

// slow compares a latency with the endpoint's usual one and learns from it: at
// once when it is lower, within about a minute when it is higher.
func (g *gate) slow(endpoint string, latency time.Duration) bool {
	now := time.Now()
	usual, known := g.usual[endpoint]
	if !known || latency < usual.latency {
		g.usual[endpoint] = baseline{latency, now}
		return false
	}
	weight := min(1, now.Sub(usual.at).Seconds()/learnOver.Seconds())
	g.usual[endpoint] = baseline{usual.latency + time.Duration(weight*float64(latency-usual.latency)), now}
	return latency > 2*usual.latency+slack
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
