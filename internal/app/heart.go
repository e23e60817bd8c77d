package app

import (
	"fmt"
	"sync/atomic"
	"time"
)

// loopLimit is how long a turn of the main loop may take: a change of
// generations takes as long as the old one's work, which is bounded.
const loopLimit = time.Minute

// heart knows when the main loop last turned. The zero heart has not begun.
type watchdog struct{ last atomic.Pointer[time.Time] }

func (h *watchdog) beat() {
	now := time.Now()
	h.last.Store(&now)
}

// stopped is why the loop counts as stopped; nil while it turns, or has not
// begun: a daemon that waits for a side at start is well.
func (h *watchdog) stalled() error {
	last := h.last.Load()
	if last == nil {
		return nil
	}
	if still := time.Since(*last); still > loopLimit {
		return fmt.Errorf("the main loop has not turned for %s", still.Round(time.Second))
	}
	return nil
}

// alive is why the process is of no use any more; nil while its loops turn.
// Whether either side can be reached does not matter to it.
func (a *app) alive() error {
	if err := a.watchdog.stalled(); err != nil {
		return err
	}
	return a.active.stalled()
}
