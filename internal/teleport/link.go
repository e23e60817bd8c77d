package teleport

import (
	"sync"
	"time"
)

// link is one connection and the identity that it was made with. Calls hold it
// while they run; once retired it closes when the last of them has let go, so
// that a renewal breaks no call.
type link struct {
	api     api
	id      identity
	retired chan struct{} // closed when another link has taken its place

	mu        sync.Mutex
	holders   int
	gone      bool
	inspected time.Time
}

func newLink(conn api, id identity) *link {
	return &link{api: conn, id: id, retired: make(chan struct{})}
}

// hold keeps the link open; false when it has been retired.
func (l *link) hold() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gone {
		return false
	}
	l.holders++
	return true
}

// release ends a hold.
func (l *link) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.holders--
	l.closeUnused()
}

// retire lets the link close as soon as nobody holds it. It may be called once.
func (l *link) retire() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gone = true
	close(l.retired)
	l.closeUnused()
}

// closeUnused closes the connection of a retired link that nobody holds. What
// closing answers is of no use to anybody: the connection is abandoned.
func (l *link) closeUnused() {
	if l.gone && l.holders == 0 {
		_ = l.api.Close()
	}
}

// freshlyInspected tells whether the cluster was asked over this link within d.
func (l *link) freshlyInspected(d time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Since(l.inspected) < d
}

// noteInspected remembers that the cluster was asked just now.
func (l *link) noteInspected() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inspected = time.Now()
}
