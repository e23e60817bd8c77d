package app

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"teleport-jira/internal/access"
	"teleport-jira/internal/config"
	"teleport-jira/internal/jira"
	"teleport-jira/internal/preflight"
	"teleport-jira/internal/reconcile"
	"teleport-jira/internal/server"
	"teleport-jira/internal/teleport"
)

// The parts that readiness is about.
const (
	sideTeleport = "teleport"
	sideJira     = "jira"
)

// generation is one configuration at work: both adapters and the reconciler
// between them. A reload builds the next one whole before this one stops.
type generation struct {
	cfg      *config.Config
	log      *slog.Logger
	registry *prometheus.Registry
	token    atomic.Pointer[config.Secret]
	cluster  *teleport.Client
	tracker  *jira.Client
	worker   *reconcile.Reconciler
	change   *change // what it asks of the listeners
	teleport outage
	jira     outage
}

// build connects to both sides and proves that they will do. Sides that are
// away are waited for, for as long as ctx lives; what waiting does not mend is
// an error. health may be nil.
func (a *app) build(ctx context.Context, cfg *config.Config, health *server.Health) (*generation, error) {
	g := &generation{cfg: cfg, log: a.log, registry: prometheus.NewRegistry()}
	g.token.Store(&cfg.Jira.APIToken)
	eg, ctx := errgroup.WithContext(ctx)
	eg.Go(func() error { return g.connectCluster(ctx, health) })
	eg.Go(func() error { return g.connectTracker(ctx, health) })
	if err := eg.Wait(); err != nil {
		g.close()
		return nil, err
	}
	mode, _ := g.cluster.ReviewMode()
	a.log.Info("connected", "cluster", g.cluster.ClusterName(), "jira_account", g.tracker.Self().String())
	reviewer, _ := g.cluster.Identity()
	g.worker = reconcile.New(reconcileOptions(cfg, mode), reconcile.Deps{
		Cluster: g.cluster, Tracker: g.tracker, Self: g.tracker.Self(), Reviewer: reviewer, Log: a.log, Registerer: g.registry,
	})
	return g, nil
}

func (g *generation) connectCluster(ctx context.Context, health *server.Health) error {
	deps := teleport.Deps{Logger: g.log, Metrics: teleport.NewMetrics(g.registry)}
	err := g.retry(ctx, sideTeleport, health, func() (err error) {
		g.cluster, err = teleport.Connect(ctx, teleportConfig(g.cfg), deps)
		return err
	})
	if err != nil && ctx.Err() == nil {
		return teleport.WithFix(err)
	}
	return err
}

func (g *generation) connectTracker(ctx context.Context, health *server.Health) error {
	metrics, err := jira.NewMetrics(g.registry)
	if err != nil {
		return err
	}
	token := func() string { return string(*g.token.Load()) }
	g.tracker, err = jira.New(jiraConfig(g.cfg, token), jira.Deps{Logger: g.log, Metrics: metrics})
	if err != nil {
		return err
	}
	return g.retry(ctx, sideJira, health, func() error {
		findings, err := g.tracker.Preflight(ctx, expect(g.cfg))
		for _, f := range findings {
			if f.Level == preflight.Warning {
				g.log.Warn("jira works but should be changed", "check", f.Name, "detail", f.Detail, "fix", f.Fix)
			}
		}
		return err
	})
}

// persist tries until it works, an error is of a kind that stays, or ctx ends.
// It logs one line an attempt.
func (g *generation) retry(ctx context.Context, side string, health *server.Health, try func() error) error {
	wait := backoff.NewExponentialBackOff()
	wait.MaxInterval = 30 * time.Second
	for attempt := 1; ; attempt++ {
		err := try()
		if health != nil {
			// Ready is for live to say: nothing is done before.
			health.Set(side, cmp.Or(err, errNotAtWork))
		}
		if err == nil || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		if class := access.ClassOf(err); class == access.Permanent || class == access.Unauth {
			return err
		}
		after := max(wait.NextBackOff(), access.RetryAfter(err)).Round(time.Millisecond)
		g.log.Warn("not reachable yet, will retry", "side", side, "attempt", attempt, "after", after, "error", err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(after):
		}
	}
}

// run works until ctx ends and what is under way has been finished or handed
// back.
func (g *generation) run(ctx context.Context) error {
	eg, ctx := errgroup.WithContext(ctx)
	eg.Go(func() error { return g.cluster.Run(ctx) })
	eg.Go(func() error { return g.cluster.Watch(ctx, g.worker) })
	eg.Go(func() error { return g.worker.Run(ctx) })
	defer g.close()
	return eg.Wait()
}

// close gives back what the generation holds. It may be half-built.
func (g *generation) close() {
	if g.cluster != nil {
		g.cluster.Close()
	}
	if g.tracker != nil {
		g.tracker.Close()
	}
}

var errNotAtWork = errors.New("connected, and not at work yet")

var errNotWatching = errors.New("no subscription to access requests stands")

// probe tells what of both sides is usable now. It makes no call.
func (g *generation) probe(health *server.Health) {
	var watching error
	if !g.cluster.Watching() {
		watching = errNotWatching
	}
	trouble := g.tracker.Health()
	health.Set(sideTeleport, watching)
	health.Set(sideJira, trouble)
	g.teleport.note(g.log, sideTeleport, watching)
	g.jira.note(g.log, sideJira, trouble)
}
