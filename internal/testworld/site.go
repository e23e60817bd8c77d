package testworld

import (
	"fmt"
	"net/http"
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
	listener, err := listen(s.Addr)
	if err != nil {
		return fmt.Errorf("start the site: %w", err)
	}
	s.server = &http.Server{Handler: s.Handler, ReadHeaderTimeout: time.Minute}
	go func(server *http.Server) { _ = server.Serve(listener) }(s.server) // it ends when it is stopped
	return nil
}

// Stop cuts all connections and stops listening.
func (s *Site) Stop() { _ = s.server.Close() }
