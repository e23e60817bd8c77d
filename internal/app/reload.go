package app

import (
	"context"
	"runtime/debug"

	"teleport-jira/internal/config"
	"teleport-jira/internal/logging"
)

// reloader builds the next generation while the active one works on, and then
// swaps them. It belongs to the main loop's goroutine.
type reloader struct {
	app    *app
	next   *generation        // being connected; nil for none
	cancel context.CancelFunc // ends that
	built  chan error         // what came of it; nil for none
}

// build connects a generation in the background. It ends with a value on built.
func (r *reloader) build(ctx context.Context, g *generation) {
	ctx, cancel := context.WithCancel(ctx)
	built := make(chan error, 1)
	r.next, r.cancel, r.built = g, cancel, built
	go func() { built <- g.connect(ctx) }()
}

// abandon ends a build in progress and releases what it holds.
func (r *reloader) abandon() {
	if r.next == nil {
		return
	}
	r.cancel()
	_ = <-r.built // its error is that it was canceled
	r.next.discard()
	r.next, r.built = nil, nil
}

// ended returns a channel that is closed when the active generation's work ends.
func (r *reloader) ended() <-chan struct{} {
	if g := r.app.active.Load(); g != nil {
		return g.done
	}
	return nil
}

// reload reopens the log, reads the configuration and begins to build the next
// generation, which waits for both sides as a start does. Whatever fails, the
// active generation and its configuration stay in use.
func (r *reloader) reload(ctx context.Context) {
	a := r.app
	if err := a.output.Reopen(); err != nil {
		a.log.Error("log not reopened, the old file stays in use", "error", err,
			"fix", "let the user that the daemon runs as write there, and send SIGHUP again")
	}
	starting := a.active.Load() == nil
	if !starting {
		a.systemd.reloading()
		defer a.systemd.ready()
		r.abandon() // What it prepared may be what this one needs, such as an address.
	}
	next, err := r.prepare(ctx)
	if err != nil {
		a.reloadFailed(err)
		return
	}
	a.warn(next.cfg)
	if starting {
		// Nothing works yet that has to go on: a daemon that waits for a side in
		// vain can be corrected, its listeners and its log at once.
		r.abandon()
		r.apply(ctx, next)
	}
	r.build(ctx, next)
}

// prepare reads the configuration and opens what it needs of log and listeners.
// It changes nothing that is in use but the rules for deciding.
func (r *reloader) prepare(ctx context.Context) (*generation, error) {
	cfg, rules, err := config.LoadRules(r.app.opts.ConfigPath, r.app.opts.configOptions())
	r.app.takeRules(rules)
	if err != nil {
		return nil, err
	}
	output, err := logging.Open(r.app.opts.logOptions(cfg))
	if err != nil {
		return nil, err
	}
	change, err := r.app.listeners.prepare(ctx, cfg)
	if err != nil {
		_ = output.Close()
		return nil, err
	}
	g := r.app.newGeneration(cfg)
	g.output, g.change = output, change
	return g, nil
}

// apply takes up what prepare opened for the generation. It cannot fail.
func (r *reloader) apply(ctx context.Context, g *generation) {
	a := r.app
	a.output.Replace(g.output)
	a.listeners.apply(ctx, g.change)
	g.listen()
	g.output, g.change = nil, nil
	a.reloads.Set(1)
	a.log.Info("configuration reloaded", "config", a.opts.ConfigPath)
}

// finish takes up the generation that was built, or not, if err says so. An
// error that it returns ends the daemon: there is no generation to go on with.
func (r *reloader) finish(ctx context.Context, err error) error {
	a, next := r.app, r.next
	r.cancel()
	r.next, r.built = nil, nil
	if err != nil {
		next.discard()
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // it was cut short by the shutdown
		case a.active.Load() == nil:
			return err
		}
		a.reloadFailed(err)
		return nil
	}
	if old := a.active.Load(); old != nil {
		if old.stop() != nil {
			next.discard()
			return errEnded // The error comes with its stop.
		}
		r.apply(ctx, next)
	}
	if wanted := a.rules.wanted.Load(); wanted != next.cfg {
		next.useRules(wanted) // A reload that failed otherwise brought newer ones.
	}
	next.start(ctx)
	a.active.Store(next)
	a.systemd.ready()
	// What only the start needed, a fifth of the idle daemon's own memory, goes
	// back to the system.
	debug.FreeOSMemory()
	return nil
}

// stop ends a build in progress and drains the active generation.
func (r *reloader) stop() error {
	r.abandon()
	if g := r.app.active.Load(); g != nil {
		return g.stop()
	}
	return nil
}

func (a *app) reloadFailed(err error) {
	a.reloads.Set(0)
	a.log.Error("configuration not reloaded, the old one stays in use", "error", err,
		"fix", "correct it and send SIGHUP again")
}
