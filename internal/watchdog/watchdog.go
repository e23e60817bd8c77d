// Package watchdog finds out that a process hangs although it runs: its
// components report progress, and it says which of them has made none for too
// long. It may not act on that: whoever asks does, such as a health endpoint.
package watchdog

import (
	"fmt"
	"sync"
	"time"
)

// Watchdog knows when each component last made progress and how long it may
// take to make more. The zero Watchdog expects nothing. Its methods may be
// called concurrently; they start no goroutine and never wait.
type Watchdog struct {
	mu         sync.Mutex
	components map[string]component
}

type component struct {
	last   time.Time // of its progress
	within time.Duration
}

// Expect notes that the component makes progress now and has to make more
// within that time. It begins to be watched with its first call.
func (w *Watchdog) Expect(name string, within time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.expect(name, within)
}

func (w *Watchdog) expect(name string, within time.Duration) {
	if w.components == nil {
		w.components = map[string]component{}
	}
	w.components[name] = component{last: time.Now(), within: within}
}

// Progress notes that the component makes progress now and has as long for more
// as it had. It does nothing for a component of which nothing is expected.
func (w *Watchdog) Progress(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.progress(name)
}

func (w *Watchdog) progress(name string) {
	if c, ok := w.components[name]; ok {
		w.expect(name, c.within)
	}
}

// Done ends what is expected of the component: it rests or has ended, as it
// should.
func (w *Watchdog) Done(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.components, name)
}

// Stalled returns an error that names the component that has been without
// progress the longest, of those that are overdue; nil while none is. A
// component may take all the time that it has.
func (w *Watchdog) Stalled() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	var stalled string
	var longest time.Duration
	for name, c := range w.components {
		if silent := time.Since(c.last); silent > c.within && silent > longest {
			stalled, longest = name, silent
		}
	}
	if longest == 0 {
		return nil
	}
	return fmt.Errorf("%s: no progress for %s", stalled, longest.Round(time.Second))
}
