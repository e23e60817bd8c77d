// Command sandbox is a world to try teleport-jira in: doubles of Teleport and
// Jira, the real daemon between them, and a page to drive them. It translates
// flags and signals, and may do nothing else.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"teleport-jira/internal/sandbox"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "sandbox:", err)
		os.Exit(1)
	}
}

func run() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	var o sandbox.Options
	flag.StringVar(&o.Listen, "listen", "127.0.0.1:8090", "loopback `address` of the page")
	flag.StringVar(&o.Daemon, "daemon", filepath.Join(filepath.Dir(self), "teleport-jira"), "`path` of the daemon's program")
	flag.Parse()

	s, err := sandbox.New(o)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%w: choose another address, as in make demo DEMO_ADDR=127.0.0.1:8099", err)
	}
	if err != nil {
		return err
	}
	defer s.Close()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	fmt.Printf(`A Teleport cluster, a Jira project and teleport-jira between them are running.

  Open    %s
  Then    request access on the left, and drag the card to Approved.
  Try     acting as Mallory or as the requester, "kill -9 and restart", a role such as prod-db.
  Stop    with Ctrl-C. Nothing is kept.

`, s.URL())
	return s.Run(ctx)
}
