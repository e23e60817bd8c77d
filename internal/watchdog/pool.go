package watchdog

import "time"

// Pool is a component of several workers. It is stalled when all of them are
// busy and none makes progress: as long as one is idle, work can go on. Its
// methods may be called concurrently.
type Pool struct {
	watchdog *Watchdog
	name     string
	size     int
	within   time.Duration
	busy     int // guarded by watchdog.mu
}

// Pool makes the component. size is the number of its workers; within is how
// long they may all be busy without progress of any.
func (w *Watchdog) Pool(name string, size int, within time.Duration) *Pool {
	return &Pool{watchdog: w, name: name, size: size, within: within}
}

// Begin notes that a worker begins a task.
func (p *Pool) Begin() { p.change(1) }

// Progress notes that a busy worker makes progress with its task.
func (p *Pool) Progress() { p.watchdog.Progress(p.name) }

// End notes that a worker is through with a task.
func (p *Pool) End() { p.change(-1) }

func (p *Pool) change(by int) {
	p.watchdog.mu.Lock()
	defer p.watchdog.mu.Unlock()
	p.busy += by
	if p.busy < p.size {
		delete(p.watchdog.components, p.name)
		return
	}
	p.watchdog.expect(p.name, p.within)
}
