package reconcile

import (
	"sync"
	"time"

	"teleport-jira/internal/access"
)

// maxSleep is the longest that a timer sleeps before it looks at the clock again,
// which may be set, or run on while the machine sleeps.
const maxSleep = 10 * time.Minute

// timers bring back requests at a time of which no side tells. They are no part of
// the queue until then: what waits for hours is no backlog. A restart forgets
// them, and the resync sets them again. Its methods may be called concurrently.
type timers struct {
	mu      sync.Mutex
	byID    map[access.RequestID]*time.Timer // guarded by mu
	stopped bool                             // guarded by mu
}

func newTimers() *timers { return &timers{byID: map[access.RequestID]*time.Timer{}} }

// set calls due at the time, in place of what was set for the request before; the
// zero time sets nothing.
func (t *timers) set(id access.RequestID, at time.Time, due func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if old := t.byID[id]; old != nil {
		old.Stop()
		delete(t.byID, id)
	}
	if at.IsZero() || t.stopped {
		return
	}
	// The wall clock counts, not the time that the process has run.
	sleep := at.Round(0).Sub(time.Now().Round(0))
	t.byID[id] = time.AfterFunc(min(max(sleep, 0), maxSleep), func() {
		if sleep > maxSleep {
			t.set(id, at, due)
			return
		}
		due()
	})
}

// stop ends them all.
func (t *timers) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stopped = true
	for _, timer := range t.byID {
		timer.Stop()
	}
	clear(t.byID)
}
