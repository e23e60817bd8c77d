package reconcile

import (
	"fmt"
	"sync"
	"time"
)

// StuckAfter is how long nothing may turn before the Reconciler counts as
// stuck. It is longer than any call to either side may take with all its
// repetitions, so that a side that hangs is no reason.
const StalledAfter = 5 * time.Minute

// pulse knows whether workers and loops turn. Safe for concurrent use.
type pulse struct {
	mu      sync.Mutex
	workers int
	busy    int
	moved   time.Time            // when a worker last took, did or finished something
	due     map[string]time.Time // by when each loop is to have turned again
}

// took, moves and finished note a worker's progress.
func (p *pulse) took()     { p.work(1) }
func (p *pulse) moves()    { p.work(0) }
func (p *pulse) finished() { p.work(-1) }

func (p *pulse) work(busy int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy += busy
	p.moved = time.Now()
}

// turns notes that a loop turns, and that it now rests for a while.
func (p *pulse) turns(loop string, rest time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.due[loop] = time.Now().Add(rest + StalledAfter)
}

// ended notes that a loop has ended, as it should.
func (p *pulse) ended(loop string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.due, loop)
}

// Stuck is why the work does not go on although the process runs: all workers
// have been at the same requests for StuckAfter, or a listing has not moved for
// as long. It is nil while work goes on, however slowly, and also before and
// after Run. It makes no call.
func (r *Reconciler) Stalled() error {
	p := r.pulse
	p.mu.Lock()
	defer p.mu.Unlock()
	if still := time.Since(p.moved); p.busy >= p.workers && still > StalledAfter {
		return fmt.Errorf("all %d workers have been busy without an end for %s", p.workers, still.Round(time.Second))
	}
	for loop, due := range p.due {
		if late := time.Since(due); late > 0 {
			return fmt.Errorf("the %s has not moved for %s", loop, (StalledAfter + late).Round(time.Second))
		}
	}
	return nil
}
