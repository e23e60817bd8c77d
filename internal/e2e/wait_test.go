package e2e

import (
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// How long things may take. Machines that test are slow and busy.
const (
	patience = 20 * time.Second
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
		if listener, err := net.Listen("tcp", addr); err == nil {
			require.NoError(t, listener.Close())
			return addr
		}
	}
	t.Fatal("no free port")
	return ""
}
