package testworld

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Ports are taken in blocks, each of which belongs to one process, and from
// outside those that the system gives to connections: nothing else gets one
// between its choice and its use.
const (
	blockSize    = 1000
	lowestPort   = 3000  // below it are those of well-known services
	fallbackPort = 20000 // where the system gives all of them to connections
	highestPort  = 65535
)

// ports are those of this process.
var ports portBlock //nolint:gochecknoglobals // ports belong to the process

type portBlock struct {
	mu    sync.Mutex
	owner net.Listener // holds the block's first port, and with it the block
	first int
	next  int
}

var errNoPort = errors.New("no free port")

// FreeAddr is a loopback address that nobody listens on, and that no other
// process of the tests takes.
func FreeAddr() (string, error) {
	ports.mu.Lock()
	defer ports.mu.Unlock()
	if ports.owner == nil && !ports.claim() {
		return "", errNoPort
	}
	for range blockSize - 1 {
		ports.next = ports.next%(blockSize-1) + 1
		if addr := loopbackAddr(ports.first + ports.next); isFree(addr) {
			return addr, nil
		}
	}
	return "", errNoPort
}

// claim takes a block that no other process has.
func (b *portBlock) claim() bool {
	low, high := portsFor(readRange())
	for first := low; first+blockSize <= high+1; first += blockSize {
		// Nothing connects to it: the listener is there to be in the way.
		if listener, err := net.Listen("tcp", loopbackAddr(first)); err == nil {
			b.owner, b.first = listener, first
			return true
		}
	}
	return false
}

// portsFor are the lowest and highest port for servers where connections get
// those from low to high: the wider side of them.
func portsFor(low, high int) (first, last int) {
	below, above := low-lowestPort, highestPort-high
	switch {
	case max(below, above) < blockSize:
		return fallbackPort, highestPort
	case below >= above:
		return lowestPort, low - 1
	default:
		return high + 1, highestPort
	}
}

// readRange are the ports that the system gives to connections; Linux's
// defaults where it does not say.
func readRange() (low, high int) {
	low, high = 32768, 60999
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	fields := strings.Fields(string(text))
	if err != nil || len(fields) != 2 {
		return low, high
	}
	first, err1 := strconv.Atoi(fields[0])
	last, err2 := strconv.Atoi(fields[1])
	if err1 != nil || err2 != nil {
		return low, high
	}
	return first, last
}

func loopbackAddr(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// isFree reports whether the address can be listened on. No process may be
// started meanwhile: it would hold the listener until it runs a program of its
// own.
func isFree(addr string) bool {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return false
	}
	return listener.Close() == nil
}

// listen listens on the address, and waits a while for whoever still has it: a
// process that is being started, or a connection that was given its port.
func listen(addr string) (net.Listener, error) {
	var listener net.Listener
	var err error
	Until(5*time.Second, 10*time.Millisecond, func() bool {
		listener, err = net.Listen("tcp", addr)
		return !errors.Is(err, syscall.EADDRINUSE)
	})
	return listener, err //nolint:wrapcheck // the caller says what for
}
