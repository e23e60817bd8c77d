package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"teleport-jira/internal/fakejira"
)

// webhookRetry shortens Jira's waits between attempts to deliver a webhook,
// 5 minutes and more, to something that a person at a demo sits through.
const webhookRetry = 0.005

// Options describe a sandbox.
type Options struct {
	Listen string // where the page is served: a loopback address, port 0 for any
	Daemon string // path of the teleport-jira program
	Seed   bool   // whether there are requests of several people from the start
}

// Sandbox is both doubles, the daemon between them, and the page.
type Sandbox struct {
	*world
	daemon  *daemon
	journal *journal
	seed    []seedRequest
	dir     string // holds the daemon's identity and configuration
	page    net.Listener
	api     net.Listener // Jira's
}

// New makes a sandbox whose daemon is not started yet. The caller has to call
// Close.
func New(o Options) (*Sandbox, error) {
	if !isLoopback(o.Listen) {
		return nil, fmt.Errorf("listen on %q: it has to be a loopback address such as 127.0.0.1:8090", o.Listen)
	}
	w, err := newWorld()
	if err != nil {
		return nil, err
	}
	s := &Sandbox{world: w, journal: &journal{}}
	if err := s.prepare(o); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// prepare opens the sockets and writes the daemon's files.
func (s *Sandbox) prepare(o Options) error {
	var err error
	if s.page, err = net.Listen("tcp", o.Listen); err != nil {
		return fmt.Errorf("serve the page on %s: %w", o.Listen, err)
	}
	if o.Seed {
		if s.seed, err = s.createSeed(); err != nil {
			return err
		}
	}
	if s.api, err = net.Listen("tcp", loopback); err != nil {
		return fmt.Errorf("serve Jira: %w", err)
	}
	if s.dir, err = os.MkdirTemp("", "teleport-jira-sandbox-"); err != nil {
		return err
	}
	jiraURL := "http://" + s.api.Addr().String()
	s.jira.SetBaseURL(jiraURL)
	files, err := s.writeFiles(s.dir, jiraURL)
	if err != nil {
		return err
	}
	s.jira.RegisterWebhook(fakejira.Webhook{
		URL: "http://" + files.webhookAddr + "/webhook", Secret: files.webhookSecret, RetryScale: webhookRetry,
	})
	s.daemon = &daemon{
		path:    o.Daemon,
		args:    []string{"start", "--config", files.config, "--insecure-no-tls"},
		journal: s.journal,
	}
	return nil
}

// URL is the page's address.
func (s *Sandbox) URL() string { return "http://" + s.page.Addr().String() + "/" }

// Run starts the daemon and serves the page until ctx is done, then stops the
// daemon and returns. It fails if the daemon can't be started.
func (s *Sandbox) Run(ctx context.Context) error {
	handler, err := handler(s)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.daemon.Run(ctx) })
	group.Go(func() error { return serve(ctx, s.page, handler) })
	group.Go(func() error { s.settleSeed(ctx); return nil })
	// Jira outlives the daemon, which finishes what it is at.
	api := &http.Server{Handler: s.jiraHandler(), ReadHeaderTimeout: time.Second}
	served := make(chan error, 1)
	go func() { served <- api.Serve(s.api) }()
	err = group.Wait()
	return errors.Join(err, api.Close(), unlessClosed(<-served))
}

// Close stops the doubles and removes the daemon's files. Closing a sandbox
// that runs is a mistake.
func (s *Sandbox) Close() {
	s.close()
	for _, listener := range []net.Listener{s.page, s.api} {
		if listener != nil {
			_ = listener.Close()
		}
	}
	if s.dir != "" {
		// What can't be removed stays in the directory for temporary files.
		_ = os.RemoveAll(s.dir)
	}
}

// View implements backend.
func (s *Sandbox) View() View {
	v := s.snapshot()
	v.Daemon = s.daemon.view()
	return v
}

// Lines implements backend.
func (s *Sandbox) Lines(after int) []Line { return s.journal.since(after) }

// Kill implements backend: the daemon ends without warning and stays away.
func (s *Sandbox) Kill() error { return s.daemon.kill() }

// Start implements backend: it starts the daemon that was killed.
func (s *Sandbox) Start() error { return s.daemon.start() }

// serve serves the page until ctx is done; streams end with it.
func serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	return unlessClosed(server.Serve(listener))
}

func unlessClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
