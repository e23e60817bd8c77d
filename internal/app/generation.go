package app

import (
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
	"teleport-jira/internal/reconcile"
	"teleport-jira/internal/teleport"
)

// generation is one configuration at work: both adapters and the reconciler
// between them. A reload builds the next one whole before this one stops.
type generation struct {
	log      *slog.Logger
	registry *prometheus.Registry
	token    atomic.Pointer[config.Secret]
	cluster  *teleport.Client
	tracker  *jira.Client
	worker   *reconcile.Reconciler
}

// build connects to both sides and proves that they will do. Sides that are
// away are waited for, for as long as ctx lives; what waiting does not mend is
// an error.
func build(ctx context.Context, cfg *config.Config, log *slog.Logger, h *health) (*generation, error) {
	g := &generation{log: log, registry: prometheus.NewRegistry()}
	g.token.Store(&cfg.Jira.APIToken)
	eg, ctx := errgroup.WithContext(ctx)
	eg.Go(func() error { return g.connectCluster(ctx, cfg, h) })
	eg.Go(func() error { return g.connectTracker(ctx, cfg, h) })
	if err := eg.Wait(); err != nil {
		g.close()
		return nil, err
	}
	mode, why := g.cluster.ReviewMode()
	log.Info("connected", "cluster", g.cluster.ClusterName(), "jira_account", g.tracker.Self().String(),
		"review_mode", mode, "because", why)
	g.worker = reconcile.New(reconcileOptions(cfg, mode), reconcile.Deps{
		Cluster: g.cluster, Tracker: g.tracker, Self: g.tracker.Self(), Log: log, Registerer: g.registry,
	})
	return g, nil
}

func (g *generation) connectCluster(ctx context.Context, cfg *config.Config, h *health) error {
	deps := teleport.Deps{Logger: g.log, Metrics: teleport.NewMetrics(g.registry)}
	return persist(ctx, g.log, "teleport", h, func() (err error) {
		g.cluster, err = teleport.Connect(ctx, teleportConfig(cfg), deps)
		return err
	})
}

func (g *generation) connectTracker(ctx context.Context, cfg *config.Config, h *health) error {
	metrics, err := jira.NewMetrics(g.registry)
	if err != nil {
		return err
	}
	token := func() string { return string(*g.token.Load()) }
	g.tracker, err = jira.New(jiraConfig(cfg, token), jira.Deps{Logger: g.log, Metrics: metrics})
	if err != nil {
		return err
	}
	return persist(ctx, g.log, "jira", h, func() error { return g.preflight(ctx, cfg) })
}

// persist tries until it works, an error is of a kind that stays, or ctx ends.
// It logs one line an attempt.
func persist(ctx context.Context, log *slog.Logger, side string, h *health, try func() error) error {
	wait := backoff.NewExponentialBackOff()
	wait.MaxInterval = 30 * time.Second
	for attempt := 1; ; attempt++ {
		err := try()
		h.set(side, err)
		if err == nil || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		if class := access.ClassOf(err); class == access.Permanent || class == access.Unauth {
			return err
		}
		after := max(wait.NextBackOff(), access.RetryAfter(err))
		log.Warn("not reachable yet, will retry", "side", side, "attempt", attempt, "after", after.Round(time.Millisecond), "error", err)
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
	defer g.close()
	eg, ctx := errgroup.WithContext(ctx)
	eg.Go(func() error { return g.cluster.Run(ctx) })
	eg.Go(func() error { return g.cluster.Watch(ctx, g.worker) })
	eg.Go(func() error { return g.worker.Run(ctx) })
	return eg.Wait()
}

func (g *generation) close() {
	if g.cluster != nil {
		g.cluster.Close()
	}
	if g.tracker != nil {
		g.tracker.Close()
	}
}
