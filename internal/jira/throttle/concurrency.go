package throttle

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
	// carefulFor is how long after the last overload the limit grows slowly. At
	// one a round trip it has found by then what Jira bears.
	carefulFor = time.Minute
)

// concurrency limits the calls in flight and adapts the limit: it doubles with
// every round trip, but grows by one a round trip where Jira was overloaded within
// the last minute, and shrinks on refusals (429, 503) and when answers take more
// than twice their usual time. It grows only while calls wait for it. First come, first served, but for calls that let the others go first. Safe for
// concurrent use.
//
// failsafe-go's adaptive limiter does not fit: it goes by latency alone, so that
// a refusal could not shrink it, and grows by one or two in a sampling window,
// which takes a burst's whole length to come from 4 to 64.
type concurrency struct {
	mu        sync.Mutex
	limit     float64
	max       float64
	inFlight  int
	waiting   list.List          // of chan struct{}, closed when the place is given
	yielding  list.List          // the same, of those that let the others go first
	lastCut   time.Time          // when Jira was last found overloaded
	latencies map[string]latency // by endpoint
	changed   func(limit int)
}

func newConcurrency(maxLimit int, changed func(limit int)) *concurrency {
	c := &concurrency{max: float64(maxLimit), latencies: map[string]latency{}, changed: changed}
	c.set(firstLimit)
	return c
}

// acquire waits for a place, which one of the other methods gives back. A call
// that yields lets all others that wait go first.
func (c *concurrency) acquire(ctx context.Context, yields bool) error {
	c.mu.Lock()
	if c.inFlight < int(c.limit) && c.queued() == 0 {
		c.inFlight++
		c.mu.Unlock()
		return nil
	}
	queue := &c.waiting
	if yields {
		queue = &c.yielding
	}
	given := make(chan struct{})
	place := queue.PushBack(given)
	c.mu.Unlock()

	select {
	case <-given:
		return nil
	case <-ctx.Done():
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-given: // at the same moment: hand it on
		c.inFlight--
		c.admit()
	default:
		queue.Remove(place)
	}
	return ctx.Err()
}

// release gives a place back without learning from the call.
func (c *concurrency) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inFlight--
	c.admit()
}

// answered gives a place back after a success.
func (c *concurrency) answered(endpoint string, took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	wanted := c.queued() > 0 || c.inFlight >= int(c.limit)
	c.inFlight--
	warm := c.latencies[endpoint].calls == warmUp
	l := c.latencies[endpoint].learn(took, time.Now())
	c.latencies[endpoint] = l
	switch {
	case warm && l.exceededBy(l.recent):
		c.slowDown()
	case wanted && time.Since(c.lastCut) < carefulFor:
		c.set(c.limit + 1/c.limit)
	case wanted:
		c.set(c.limit + 1)
	}
	c.admit()
}

// unanswered gives a place back after a call that got no answer for so long. A
// Jira that hangs is overloaded; one that hangs up says nothing.
func (c *concurrency) unanswered(endpoint string, took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inFlight--
	if c.latencies[endpoint].exceededBy(took) {
		c.slowDown()
	}
	c.admit()
}

// refused gives a place back after Jira asked for fewer calls.
func (c *concurrency) refused() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inFlight--
	c.cut(cutFactor)
	c.admit()
}

// recovered begins anew after an outage, which was no overload.
func (c *concurrency) recovered() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lastCut = time.Time{}
	c.set(max(c.limit, firstLimit))
	c.admit()
}

// slowDown shrinks the limit a little, not below where it began.
func (c *concurrency) slowDown() {
	if c.limit*slowFactor >= firstLimit {
		c.cut(slowFactor)
	}
}

// cut shrinks the limit, once for all calls that met the same overload.
func (c *concurrency) cut(factor float64) {
	if now := time.Now(); now.Sub(c.lastCut) >= cutEvery {
		c.lastCut = now
		c.set(c.limit * factor)
	}
}

func (c *concurrency) set(limit float64) {
	before := int(c.limit)
	c.limit = max(1, min(limit, c.max))
	if int(c.limit) != before {
		c.changed(int(c.limit))
	}
}

// queued is how many calls wait for a place.
func (c *concurrency) queued() int { return c.waiting.Len() + c.yielding.Len() }

// admit gives places to those who wait as far as the limit goes.
func (c *concurrency) admit() {
	for c.inFlight < int(c.limit) && c.queued() > 0 {
		queue := &c.waiting
		if queue.Len() == 0 {
			queue = &c.yielding
		}
		given, _ := queue.Remove(queue.Front()).(chan struct{})
		c.inFlight++
		close(given)
	}
}
