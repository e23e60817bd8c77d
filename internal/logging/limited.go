package logging

import (
	"sync"
	"time"
)

// Limited keeps events that anybody outside can cause, such as refused
// webhooks, from filling the log: of each kind it lets one through an interval.
// Its methods may be called concurrently.
type Limited struct {
	interval time.Duration
	mu       sync.Mutex
	kinds    map[string]*kind
}

type kind struct {
	logged     time.Time // when one was let through last
	suppressed int       // since then
}

// NewLimited makes a Limited that lets one event of each kind through an interval.
func NewLimited(interval time.Duration) *Limited {
	return &Limited{interval: interval, kinds: map[string]*kind{}}
}

// Allow reports whether an event is to be logged, and how many of its kind were
// not since the last that was. Kinds are remembered for ever and so must be
// few, and the program's own.
func (l *Limited) Allow(name string) (suppressed int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	k := l.kinds[name]
	switch {
	case k == nil:
		k = &kind{}
		l.kinds[name] = k
	case now.Sub(k.logged) < l.interval:
		k.suppressed++
		return 0, false
	}
	suppressed = k.suppressed
	*k = kind{logged: now}
	return suppressed, true
}
