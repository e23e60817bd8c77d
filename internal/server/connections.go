package server

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"teleport-jira/internal/sender"
)

const (
	// maxConnections bounds the connections of one listener. Jira Cloud delivers
	// 20 webhooks at once.
	maxConnections = 512
	// minStay is how long a connection has for a handshake and a request. Others
	// wait to be accepted until then.
	minStay = 500 * time.Millisecond
)

// connections bounds how many connections are open: one more is taken all the
// same, and the one closed for it that has waited longest, of the address that
// has the most. Whoever opens many closes their own; nobody is kept out. Its
// methods may be called concurrently.
type connections struct {
	max int

	mu   sync.Mutex
	open map[net.Conn]connection // guarded by mu
	of   map[netip.Prefix]int    // how many an address has; guarded by mu
}

type connection struct {
	from  netip.Prefix
	since time.Time // when it was opened, answered, or last sent something after that
	idle  bool      // it was answered, and has sent nothing since
}

func newConnections(limit int) *connections {
	return &connections{max: limit, open: map[net.Conn]connection{}, of: map[netip.Prefix]int{}}
}

// track is an http.Server's ConnState. The server accepts no other connection
// while it is called for a new one.
func (c *connections) track(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew:
		for len(c.open) >= c.max {
			c.makeRoom()
		}
		from := sender.Of(conn.RemoteAddr().String())
		c.open[conn] = connection{from: from, since: time.Now()}
		c.of[from]++
	case http.StateIdle:
		if known, ok := c.open[conn]; ok {
			c.open[conn] = connection{from: known.from, since: time.Now(), idle: true}
		}
	case http.StateClosed, http.StateHijacked:
		c.forget(conn)
	case http.StateActive:
		if known, ok := c.open[conn]; ok && known.idle {
			c.open[conn] = connection{from: known.from, since: time.Now()}
		}
	}
}

// makeRoom closes the connection whose turn it is, or waits a while, without the
// lock, where it has just come.
func (c *connections) makeRoom() {
	var victim net.Conn
	for conn, is := range c.open {
		if victim == nil || c.goesBefore(is, c.open[victim]) {
			victim = conn
		}
	}
	if left := minStay - time.Since(c.open[victim].since); left > 0 && !c.open[victim].idle {
		c.mu.Unlock()
		<-time.After(min(left, minStay/10))
		c.mu.Lock()
		return
	}
	c.forget(victim)
	if encrypted, ok := victim.(*tls.Conn); ok {
		victim = encrypted.NetConn() // Closing the other would wait for the peer.
	}
	_ = victim.Close() // Its handler sees the end.
}

// goesBefore reports whether a is closed rather than b.
func (c *connections) goesBefore(a, b connection) bool {
	if c.of[a.from] != c.of[b.from] {
		return c.of[a.from] > c.of[b.from]
	}
	return a.since.Before(b.since)
}

func (c *connections) forget(conn net.Conn) {
	known, ok := c.open[conn]
	if !ok {
		return
	}
	delete(c.open, conn)
	if c.of[known.from]--; c.of[known.from] == 0 {
		delete(c.of, known.from)
	}
}
