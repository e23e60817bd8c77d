package server

import (
	"fmt"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// peer is a connection from an address.
type peer struct {
	net.Conn
	from   net.Addr
	closed bool
}

func (p *peer) RemoteAddr() net.Addr { return p.from }

func (p *peer) Close() error {
	p.closed = true
	return nil
}

func from(address string) *peer {
	addr, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		panic(err)
	}
	return &peer{from: addr}
}

// TestConnectionsMakeRoom: one too many closes the one that has waited longest, of
// whoever has the most.
func TestConnectionsMakeRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConnections(10)
		open := func(address string) *peer {
			p := from(address)
			c.track(p, http.StateNew)
			<-time.After(time.Second)
			return p
		}
		honest := open("192.0.2.1:1")
		var many []*peer
		for i := range 9 {
			many = append(many, open(fmt.Sprintf("192.0.2.66:%d", i+1)))
		}
		c.track(many[0], http.StateActive)
		c.track(many[0], http.StateIdle) // It has just been answered.
		another := open("192.0.2.2:1")
		require.True(t, many[1].closed, "the first that was never answered")
		open("192.0.2.66:99")
		require.True(t, many[2].closed)
		for range 20 {
			open("192.0.2.66:100")
		}
		require.False(t, honest.closed)
		require.False(t, another.closed)
		require.True(t, many[0].closed)
		require.Len(t, c.open, 10)
	})
}

// TestConnectionsOfManySendersMakeRoom: where nobody has more than others, the
// oldest goes.
func TestConnectionsOfManySendersMakeRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConnections(3)
		var all []*peer
		for i := range 5 {
			p := from(fmt.Sprintf("[2001:db8:%d::1]:1", i+1))
			c.track(p, http.StateNew)
			<-time.After(time.Second)
			all = append(all, p)
		}
		for i, p := range all {
			require.Equal(t, i < 2, p.closed, i)
		}
		for _, p := range all[2:] {
			c.track(p, http.StateClosed)
		}
		require.Empty(t, c.open)
		require.Empty(t, c.of)
	})
}
