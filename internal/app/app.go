// Package app puts the daemon together. It is the only package that knows all
// others; it decides nothing about requests and talks to nobody itself.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"

	"teleport-jira/internal/config"
	"teleport-jira/internal/logging"
	"teleport-jira/internal/server"
)

// Options is what the command line says.
type Options struct {
	ConfigPath    string
	Debug         bool // log at DEBUG whatever the configuration says
	InsecureNoTLS bool // allow a webhook listener without a certificate
	Version       string
	Stderr        io.Writer
	Reload        <-chan os.Signal // each tick asks for a reload
}

// Run runs the daemon until ctx ends, and returns nil after a stop in good
// order. The error is config.Faults where the configuration is at fault.
func Run(ctx context.Context, o Options) error {
	cfg, err := o.load()
	if err != nil {
		return err
	}
	log, err := logging.Open(o.logOptions(cfg))
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	a := newApp(o, log)
	a.log.Info("starting", "version", o.Version, "config", o.ConfigPath)
	a.warn(cfg)
	untell := context.AfterFunc(ctx, func() { a.log.Info("stopping, what is under way is finished first") })
	defer untell()
	if err := a.run(ctx, cfg); err != nil {
		return err
	}
	a.log.Info("stopped")
	return nil
}

func (o Options) load() (*config.Config, error) {
	return config.Load(o.ConfigPath, config.Options{InsecureNoTLS: o.InsecureNoTLS})
}

func (o Options) logOptions(cfg *config.Config) logging.Options {
	opts := logging.Options{
		Output: cfg.Log.Output, Severity: cfg.Log.Severity, Format: cfg.Log.Format,
		Stdout: os.Stdout, Stderr: o.Stderr,
	}
	if o.Debug {
		opts.Severity = slog.LevelDebug.String()
	}
	return opts
}

// app is what stays while generations come and go.
type app struct {
	opts     Options
	output   *logging.Log
	log      *slog.Logger
	registry *prometheus.Registry // of what lives as long as the process
	health   *server.Health
	active   *activeGeneration
	watchdog watchdog
	reloads  prometheus.Gauge
	notify   *notifier
}

func newApp(o Options, output *logging.Log) *app {
	a := &app{
		opts: o, output: output, log: output.Logger(),
		registry: prometheus.NewRegistry(),
		health:   server.NewHealth(sideTeleport, sideJira),
		active:   &activeGeneration{},
		reloads: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: "teleport_jira", Name: "config_last_reload_successful",
			Help: "Whether the last attempt to load the configuration succeeded.",
		}),
		notify: newNotifier(),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: "teleport_jira", Name: "build_info", Help: "The version that runs; always 1.",
		ConstLabels: prometheus.Labels{"version": o.Version},
	})
	build.Set(1)
	a.reloads.Set(1)
	a.registry.MustRegister(build, a.reloads, a.active, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return a
}

// warn says once what an operator should know of the configuration.
func (a *app) warn(cfg *config.Config) {
	for _, w := range cfg.Warnings {
		a.log.Warn("configuration works but should be changed", "detail", w.String(), "fix", w.Fix)
	}
	if cfg.HTTP.Enabled && !cfg.HTTP.Authenticated() {
		a.log.Warn("webhooks are not authenticated, set http.webhook_secret or http.basic_auth",
			"effect", "anybody who reaches the listener can make the daemon look at issues")
	}
}

// run opens the listeners, brings the first generation up and then replaces it
// as often as a reload asks for it.
func (a *app) run(ctx context.Context, cfg *config.Config) error {
	door := a.newListeners(cfg)
	change, err := door.prepare(ctx, cfg)
	if err != nil {
		return err
	}
	defer door.close()
	door.take(ctx, change)
	eg, ctx := errgroup.WithContext(ctx)
	eg.Go(func() error { return a.serve(ctx, cfg, door) })
	eg.Go(func() error { return a.notify.watchdog(ctx, a.alive, a.log) })
	err = eg.Wait()
	if errors.Is(err, errStopped) {
		return nil
	}
	return err
}

// errStopped ends the group once the daemon is through with its work.
var errStopped = errors.New("stopped")

// serve runs generations until ctx ends.
func (a *app) serve(ctx context.Context, cfg *config.Config, door *listeners) error {
	current, err := a.first(ctx, cfg, door)
	for err == nil {
		current, err = a.live(ctx, current, door)
	}
	return err
}

// first builds the first generation. A reload meanwhile begins anew, so that a
// daemon that waits in vain can be set right.
func (a *app) first(ctx context.Context, cfg *config.Config, door *listeners) (*generation, error) {
	try := a.begin(ctx, cfg, nil, a.health)
	for {
		select {
		case r := <-try.result:
			try.cancel()
			if ctx.Err() != nil {
				return nil, errStopped
			}
			return r.generation, r.err
		case err := <-door.failed:
			try.abandon()
			return nil, err
		case <-a.opts.Reload:
			next, change, err := a.prepare(ctx, door)
			if err != nil {
				a.reloadFailed(err)
				continue
			}
			try.abandon()
			door.take(ctx, change)
			a.reloaded()
			try = a.begin(ctx, next, nil, a.health)
		}
	}
}

// probeInterval is how often readiness is looked at. It costs no call.
const probeInterval = 100 * time.Millisecond

// live runs one generation until ctx ends, which is errStopped, or the next
// one stands.
func (a *app) live(ctx context.Context, g *generation, door *listeners) (*generation, error) {
	if g.change != nil {
		door.take(ctx, g.change)
		a.reloaded()
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- g.run(running) }()
	a.active.use(g)
	a.notify.ready()
	// What only the start needed, a fifth of the idle daemon's own memory, goes
	// back to the system.
	debug.FreeOSMemory()
	renewals := newReloader(a, g, door)
	defer renewals.stop()
	probe := time.NewTicker(probeInterval)
	defer probe.Stop()
	for {
		a.watchdog.beat()
		g.probe(a.health)
		select {
		case err := <-done:
			return nil, ended(ctx, err)
		case err := <-door.failed:
			stop()
			return nil, errors.Join(err, <-done)
		case <-probe.C:
		case <-a.opts.Reload:
			renewals.reload(ctx)
		case <-renewals.secrets.C:
			renewals.refreshSecrets()
		case r := <-renewals.result():
			if next := renewals.built(r); next != nil {
				stop()
				return next, <-done
			}
		}
	}
}

// ended is what the end of a generation means: errStopped after a stop, else
// that something ended that never should.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil && err == nil {
		return errStopped
	}
	return fmt.Errorf("the daemon's work ended by itself: %w", errors.Join(err, errUnexpected))
}

var errUnexpected = errors.New("unexpected end")
