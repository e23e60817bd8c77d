package e2e

import (
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// How long things may take. Machines that test are slow and busy.
const (
	patience = 30 * time.Second
	tick     = 20 * time.Millisecond
	// calm is how long nothing must have happened for everything to be done.
	calm = 400 * time.Millisecond
)

// eventually waits until check finds nothing wrong.
func eventually(t *testing.T, check func(c *assert.CollectT)) {
	t.Helper()
	require.EventuallyWithT(t, check, patience, tick)
}

// within is eventually with a bound of its own.
func within(t *testing.T, limit time.Duration, check func(c *assert.CollectT)) {
	t.Helper()
	require.EventuallyWithT(t, check, limit, tick)
}

// Ports are taken from below those that systems give out by themselves, so
// that nothing else gets one between its choice and its use.
const (
	firstPort = 20000
	portRange = 12000
)

var ports atomic.Int64

// freeAddr is a loopback address that nobody listens on, and that no other
// test of this process gets.
func freeAddr(t *testing.T) string {
	t.Helper()
	for range portRange {
		port := firstPort + (int64(os.Getpid())*97+ports.Add(1))%portRange
		addr := fmt.Sprintf("127.0.0.1:%d", port)
		if isFree(t, addr) {
			return addr
		}
	}
	t.Fatal("no free port")
	return ""
}

// isFree tells whether the address can be listened on. No process may be
// started meanwhile: it would hold the listener until it runs a program of its
// own.
func isFree(t *testing.T, addr string) bool {
	t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return false
	}
	require.NoError(t, listener.Close())
	return true
}

// succeeds tries until it works.
func succeeds(t *testing.T, try func() error) {
	t.Helper()
	eventually(t, func(c *assert.CollectT) { require.NoError(c, try()) })
}
