package app

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"teleport-jira/internal/config"
	"teleport-jira/internal/server"
)

// The two sides, as readiness and the log name them.
const (
	sideTeleport = "teleport"
	sideJira     = "jira"
)

var (
	errStarting    = errors.New("starting")
	errNotAtWork   = errors.New("connected, and not at work yet")
	errNotWatching = errors.New("no subscription to access requests")
)

// alive returns why the process hangs; nil while its loops make progress. It
// does not matter whether either side can be reached.
func (a *app) alive() error {
	if err := a.watchdog.Stalled(); err != nil {
		return err
	}
	if g := a.active.Load(); g != nil {
		return g.worker.Stalled()
	}
	return nil
}

// readiness asks both sides, and whether the rules in use are the wanted ones,
// when it is asked.
func (a *app) readiness() server.Readiness {
	ready := server.Readiness{"configuration": a.rulesInUse}
	for _, side := range []string{sideTeleport, sideJira} {
		ready[side] = func() error {
			if g := a.active.Load(); g != nil {
				return g.unreachable(side)
			}
			return a.startup.unreachable(side)
		}
	}
	return ready
}

// unreachable returns why a side can't be used now. It makes no call.
func (g *generation) unreachable(side string) error {
	if side == sideJira {
		return g.tracker.Health()
	}
	if !g.cluster.Watching() {
		return errNotWatching
	}
	return nil
}

// startup remembers what came of the last attempt to connect to each side, for
// readiness before a generation is active. Its methods may be called
// concurrently.
type startup struct {
	mu   sync.Mutex
	last map[string]error
}

func (s *startup) report(side string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last == nil {
		s.last = map[string]error{}
	}
	s.last[side] = cmp.Or(err, errNotAtWork)
}

func (s *startup) unreachable(side string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return cmp.Or(s.last[side], errStarting)
}

// unreachableAfter is how long a side has to be unreachable before the log says so:
// single calls that fail are repeated, and logged where they matter.
const unreachableAfter = 10 * time.Second

// healthLog logs when a side becomes unreachable for longer than a moment, and
// when it is back. It belongs to one goroutine.
type healthLog struct {
	log   *slog.Logger
	sides map[string]*sideHealth
}

type sideHealth struct {
	since  time.Time
	logged bool
}

func newHealthLog(log *slog.Logger) *healthLog {
	return &healthLog{log: log, sides: map[string]*sideHealth{}}
}

// check looks at both sides of the active generation, if there is one.
func (h *healthLog) check(g *generation) {
	if g == nil {
		return
	}
	for _, side := range []string{sideTeleport, sideJira} {
		h.note(side, g.unreachable(side))
	}
}

// note records why a side can't be used; nil when it can.
func (h *healthLog) note(side string, err error) {
	known := h.sides[side]
	switch {
	case err == nil:
		if known != nil && known.logged {
			h.log.Info("side reachable again", "side", side, "after", time.Since(known.since).Round(time.Second))
		}
		delete(h.sides, side)
	case known == nil:
		h.sides[side] = &sideHealth{since: time.Now()}
	case !known.logged && time.Since(known.since) >= unreachableAfter:
		known.logged = true
		h.log.Warn("side unreachable, will catch up", "side", side, "error", err)
	}
}

// healthTimeout bounds how long Healthy waits for an answer.
const healthTimeout = 5 * time.Second

// Healthy asks the daemon that runs on this host with the configuration at path
// whether it is alive, for supervisors that can only run a program. It asks
// /healthz where telemetry is configured, else /status of the webhook listener.
// asked is false, with a nil error, where neither listens: then nothing is known.
func Healthy(ctx context.Context, path string) (asked bool, err error) {
	cfg, err := config.Load(path, config.Options{})
	if err != nil {
		// The daemon may have been started with --insecure-no-tls.
		if cfg, err = config.Load(path, config.Options{InsecureNoTLS: true}); err != nil {
			return false, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	switch {
	case cfg.Telemetry.ListenAddr != "":
		return true, server.Ask(ctx, cfg.Telemetry.ListenAddr, "/healthz", false)
	case cfg.HTTP.Enabled:
		return true, server.Ask(ctx, cfg.HTTP.ListenAddr, "/status", cfg.HTTP.HTTPSCertFile != "")
	}
	return false, nil
}
