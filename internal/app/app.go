// Package app wires the daemon together. It is the only package that knows all
// others; it decides nothing about requests and calls neither side itself.
package app

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"teleport-jira/internal/config"
	"teleport-jira/internal/logging"
	"teleport-jira/internal/watchdog"
)

// Options are the command line's options for the daemon.
type Options struct {
	ConfigPath    string
	Debug         bool // log at DEBUG whatever the configuration says
	InsecureNoTLS bool // allow a webhook listener without a certificate
	Version       string
	Stderr        io.Writer
	Reload        <-chan os.Signal // each tick asks for a reload
}

// Run runs the daemon until ctx ends, and returns nil after an orderly stop.
// The error is config.Faults where the configuration is at fault.
func Run(ctx context.Context, o Options) error {
	cfg, err := o.load()
	if err != nil {
		return err
	}
	output, err := logging.Open(o.logOptions(cfg))
	if err != nil {
		return err
	}
	defer func() { _ = output.Close() }()
	a := newApp(o, output, cfg)
	a.log.Info("starting", "version", o.Version, "config", o.ConfigPath)
	a.warn(cfg)
	stopLogging := context.AfterFunc(ctx, func() { a.log.Info("shutting down, draining") })
	defer stopLogging()
	if err := a.run(ctx, cfg); err != nil {
		return err
	}
	a.log.Info("stopped")
	return nil
}

func (o Options) load() (*config.Config, error) {
	return config.Load(o.ConfigPath, o.configOptions())
}

func (o Options) configOptions() config.Options {
	return config.Options{InsecureNoTLS: o.InsecureNoTLS}
}

func (o Options) logOptions(cfg *config.Config) logging.Options {
	opts := logging.Options{
		Output: cfg.Log.Output, Severity: cfg.Log.Severity, Format: cfg.Log.Format,
		Stdout: os.Stdout, Stderr: o.Stderr, Journal: os.Getenv("JOURNAL_STREAM"),
	}
	if o.Debug {
		opts.Severity = slog.LevelDebug.String()
	}
	return opts
}

// app is what lives as long as the process, while generations come and go.
type app struct {
	opts      Options
	output    *logging.Log
	log       *slog.Logger
	registry  *prometheus.Registry // its metrics, and those of the active generation
	reloads   prometheus.Gauge
	active    activeGeneration
	rules     rulebook
	startup   startup
	watchdog  watchdog.Watchdog // of the main loop
	systemd   *systemd
	listeners *listeners
}

func newApp(o Options, output *logging.Log, cfg *config.Config) *app {
	a := &app{
		opts: o, output: output, log: output.Logger(),
		registry: prometheus.NewRegistry(),
		reloads: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: "teleport_jira", Name: "config_last_reload_successful",
			Help: "Whether the last attempt to load the configuration succeeded.",
		}),
		systemd: newSystemd(),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: "teleport_jira", Name: "build_info", Help: "The version that runs; always 1.",
		ConstLabels: prometheus.Labels{"version": o.Version},
	})
	build.Set(1)
	a.reloads.Set(1)
	a.registry.MustRegister(build, a.reloads, &a.active, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	a.rules.wanted.Store(cfg)
	a.listeners = a.newListeners(cfg)
	return a
}

// warn logs what an operator should change about a valid configuration.
func (a *app) warn(cfg *config.Config) {
	for _, w := range cfg.Warnings {
		a.log.Warn("configuration works but should be changed", "detail", w.String(), "fix", w.Fix)
	}
	for _, f := range openRules(cfg) {
		a.log.Warn("the rules for deciding leave something open", "key", f.Name, "detail", f.Detail, "fix", f.Fix)
	}
	if cfg.HTTP.Enabled && !cfg.HTTP.Authenticated() {
		a.log.Warn("webhooks are not authenticated, set http.webhook_secret, http.header_name or http.basic_auth",
			"effect", "anybody who reaches the listener can make the daemon read issues")
	}
}

// run sets the daemon up, runs the main loop until ctx ends or something fails,
// and stops what was set up, the last first. Listeners come before the first
// generation, so that a daemon that waits for a side answers health checks, and
// refuses webhooks so that Jira sends them again. They stop after the active
// generation has drained, for the same reasons.
func (a *app) run(ctx context.Context, cfg *config.Config) (err error) {
	var stops stops
	defer func() { err = errors.Join(err, stops.run(a.log, stopTimeout)) }()

	change, err := a.listeners.prepare(ctx, cfg)
	if err != nil {
		return err
	}
	a.listeners.apply(ctx, change)
	stops.add("listeners", a.listeners.close)
	stops.add("systemd notifier", a.systemd.start(ctx, a.alive, a.log))
	r := &reloader{app: a}
	first := a.newGeneration(cfg)
	first.listen()
	a.systemd.ready(statusWaiting) // A boot must not wait for a side that is away.
	r.build(ctx, first)
	stops.add("work", r.stop)
	return a.loop(ctx, r)
}

// The main loop ticks at this interval, to log which side is unreachable. One turn of it may
// take loopTimeout: a swap of generations takes as long as the old one drains,
// which is bounded.
const (
	tickInterval = 5 * time.Second
	loopTimeout  = time.Minute
)

// errEnded is the error of work that ended although nobody stopped it.
var errEnded = errors.New("the daemon's work ended by itself")

// loop handles one event after the other until ctx ends or something fails.
func (a *app) loop(ctx context.Context, r *reloader) error {
	tick := time.NewTicker(tickInterval)
	defer tick.Stop()
	health := newHealthLog(a.log)
	for {
		a.watchdog.Expect("main loop", loopTimeout)
		select {
		case <-ctx.Done():
			return nil
		case <-r.ended():
			return errEnded // Its own error comes with its stop.
		case err := <-a.listeners.failed:
			return err
		case <-a.opts.Reload:
			r.reload(ctx)
		case err := <-r.built:
			if err := r.finish(ctx, err); err != nil {
				return err
			}
		case <-tick.C:
			health.check(a.active.Load())
		}
	}
}

// stopTimeout bounds a whole shutdown, which may take 15 s: supervisors kill the
// process soon after.
const stopTimeout = 14 * time.Second

// stops are the functions that stop what has been set up, in the order of the
// set-up.
type stops []struct {
	name string
	stop func() error
}

func (s *stops) add(name string, stop func() error) {
	*s = append(*s, struct {
		name string
		stop func() error
	}{name, stop})
}

// run stops everything, the last first, and returns the errors. It does not wait
// for what has not stopped within the timeout: the process ends.
func (s stops) run(log *slog.Logger, timeout time.Duration) error {
	deadline := time.NewTimer(timeout)
	defer deadline.Stop()
	over := false
	var errs []error
	for i := len(s) - 1; i >= 0; i-- {
		stopped := make(chan error, 1)
		go func() { stopped <- s[i].stop() }()
		if over {
			continue // Only its stop begins.
		}
		select {
		case err := <-stopped:
			errs = append(errs, err)
		case <-deadline.C:
			over = true
			log.Warn("not stopped in time, left behind", "part", s[i].name, "timeout", timeout)
		}
	}
	return errors.Join(errs...)
}
