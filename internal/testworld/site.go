package testworld

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// Site serves a handler at an address, and can be away for a while. It is not
// ready for concurrent use.
type Site struct {
	Addr    string
	Handler http.Handler
	server  *http.Server
}

// URL is where the site is reached.
func (s *Site) URL() string { return "http://" + s.Addr }

// Start begins to listen.
func (s *Site) Start() error {
	listener, err := net.Listen("tcp", s.Addr)
	if err != nil {
		return fmt.Errorf("start the site: %w", err)
	}
	s.server = &http.Server{Handler: s.Handler, ReadHeaderTimeout: time.Minute}
	go func(server *http.Server) { _ = server.Serve(listener) }(s.server) // it ends when it is stopped
	return nil
}

// Stop cuts all connections and stops listening.
func (s *Site) Stop() { _ = s.server.Close() }

// Ports are taken from below those that systems give out by themselves, so
// that nothing else gets one between its choice and its use.
const (
	firstPort = 20000
	portRange = 12000
)

var ports atomic.Int64 //nolint:gochecknoglobals // ports belong to the process

// FreeAddr is a loopback address that nobody listens on, and that this process
// gets only once.
func FreeAddr() (string, error) {
	for range portRange {
		port := firstPort + (int64(os.Getpid())*97+ports.Add(1))%portRange
		if addr := fmt.Sprintf("127.0.0.1:%d", port); isFree(addr) {
			return addr, nil
		}
	}
	return "", errNoPort
}

var errNoPort = errors.New("no free port")

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
