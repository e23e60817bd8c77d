// Package server is the daemon's listeners: TLS with certificates that can be
// renewed under it, limits and timeouts, and the admin endpoints for metrics
// and health.
//
// It may not know what is served: handlers come from outside, and so do the
// functions that answer for health.
package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"teleport-jira/internal/filewatch"
)

// Limits of every listener. Bodies are the handlers' own to limit.
const (
	readHeaderTimeout = 10 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = 30 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 16 << 10
	// Of HTTP/2, what one connection may send at once, and have in memory.
	maxStreams      = 20
	maxStreamBuffer = 64 << 10
	// shutdownTimeout bounds how long requests in flight may take once the server
	// stops.
	shutdownTimeout = 5 * time.Second
	// watchInterval is how often certificate files are compared.
	watchInterval = 5 * time.Second
)

// Options are the settings of a Server and what it depends on.
type Options struct {
	Addr    string // host:port; port 0 picks a free one
	Handler http.Handler
	TLS     *TLS // nil serves plain HTTP
	Log     *slog.Logger
	Metrics *Metrics // nil where TLS is
}

// Server is one listener. It speaks HTTP/1.1 and, with TLS, HTTP/2.
type Server struct {
	listener net.Listener
	http     *http.Server
	log      *slog.Logger
	metrics  *Metrics
	tls      atomic.Pointer[TLS]
	replaced chan struct{} // a signal that UseTLS was called
}

// Listen opens the listener; connections wait until Run serves them. Run must
// be called, or Close.
func Listen(ctx context.Context, o Options) (*Server, error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", o.Addr)
	if err != nil {
		return nil, err // names the address already
	}
	s := &Server{listener: listener, log: o.Log, metrics: o.Metrics, replaced: make(chan struct{}, 1)}
	s.http = &http.Server{
		Handler:           o.Handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ConnState:         newConnections(maxConnections).track,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: maxStreams, MaxReceiveBufferPerStream: maxStreamBuffer, MaxReceiveBufferPerConnection: maxStreamBuffer,
		},
		ErrorLog: slog.NewLogLogger(newErrorLog(o.Log.Handler()), slog.LevelDebug),
	}
	if o.TLS != nil {
		s.UseTLS(o.TLS)
		s.http.TLSConfig = &tls.Config{
			MinVersion: tls.VersionTLS12,
			NextProtos: protocols(),
			GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
				return s.tls.Load().config, nil
			},
		}
	}
	return s, nil
}

// Addr returns the address that the server listens on.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Close closes the listener of a server that will not be run.
func (s *Server) Close() error { return s.listener.Close() }

// UseTLS changes the certificate for connections from now on. It must not be
// called on a server that was made without TLS.
func (s *Server) UseTLS(t *TLS) {
	s.tls.Store(t)
	select {
	case s.replaced <- struct{}{}:
	default: // One signal is enough.
	}
	s.metrics.expiry.Set(float64(t.Expires().Unix()))
}

// Run serves until ctx ends, then waits a bounded time for the requests in
// flight and returns nil. It returns an error when the listener fails. While it
// runs, it reloads the certificate when its files change.
func (s *Server) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(s.serve)
	g.Go(func() error {
		<-ctx.Done()
		s.stop(ctx)
		return nil
	})
	if s.tls.Load() != nil {
		g.Go(func() error {
			s.watch(ctx)
			return nil
		})
	}
	return g.Wait()
}

// serve accepts connections until the server is stopped.
func (s *Server) serve() error {
	var err error
	if s.http.TLSConfig != nil {
		err = s.http.ServeTLS(s.listener, "", "")
	} else {
		err = s.http.Serve(s.listener)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve %s: %w", s.Addr(), err)
}

// stop waits for the requests in flight and cuts them off when they take too long.
func (s *Server) stop(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if err := s.http.Shutdown(ctx); err != nil {
		s.log.Warn("requests in flight cut off", "addr", s.Addr().String(), "error", err)
		_ = s.http.Close()
	}
}

// watch reloads the certificate when its files change, until ctx ends. It
// begins anew when UseTLS names other files.
func (s *Server) watch(ctx context.Context) {
	for ctx.Err() == nil {
		t := s.tls.Load()
		watching, stop := context.WithCancel(ctx)
		go func() {
			defer stop()
			select {
			case <-watching.Done():
			case <-s.replaced:
			}
		}()
		filewatch.Watch(watching, watchInterval, t.sum, t.files.paths(), s.reload)
		stop()
	}
}

// reload reads the certificate files again. Files that don't fit together leave
// the old certificate in use.
func (s *Server) reload() {
	current := s.tls.Load()
	next, err := LoadTLS(current.files)
	if err != nil {
		s.log.Warn("certificate not reloaded, the old one stays in use", "error", err,
			"fix", "put a certificate and its key there that belong together")
		return
	}
	// A TLS that UseTLS put to use meanwhile is newer than this one.
	if s.tls.CompareAndSwap(current, next) {
		s.metrics.expiry.Set(float64(next.expires.Unix()))
		s.log.Info("certificate reloaded", "file", next.files.Cert, "expires", next.expires)
	}
}
