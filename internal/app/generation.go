package app

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"teleport-jira/internal/access"
	"teleport-jira/internal/config"
	"teleport-jira/internal/jira"
	"teleport-jira/internal/logging"
	"teleport-jira/internal/preflight"
	"teleport-jira/internal/reconcile"
	"teleport-jira/internal/teleport"
)

// generation is one configuration at work: both adapters and the reconciler
// between them. It is connected once, then started once, then stopped.
type generation struct {
	app      *app
	cfg      *config.Config
	registry *prometheus.Registry
	// secrets is cfg with the secrets as their files hold them now.
	secrets atomic.Pointer[config.Config]
	// renewed holds one token while a secret has changed that a login which is
	// waited for has not been tried with.
	renewed chan struct{}
	// secretsMu orders changes of what the listeners authenticate by.
	secretsMu sync.Mutex
	listening bool // they do so by this generation's secrets; guarded by secretsMu
	cluster   *teleport.Client
	tracker   *jira.Client
	worker    *reconcile.Reconciler
	cancel    context.CancelFunc // ends its work; nil before the start
	done      chan struct{}      // closed when its work has ended
	err       error              // what it ended with; read after done

	// What a reload prepared and takes up with the generation: nil for the one
	// that the process starts with.
	output *logging.Log
	change *change
}

func (a *app) newGeneration(cfg *config.Config) *generation {
	g := &generation{
		app: a, cfg: cfg, registry: prometheus.NewRegistry(), done: make(chan struct{}), renewed: make(chan struct{}, 1),
	}
	g.secrets.Store(cfg)
	return g
}

// connect connects to both sides and checks that they can be used. A side that
// is away is waited for until ctx ends; what waiting does not mend is an error.
func (g *generation) connect(ctx context.Context) error {
	watching := g.watchSecrets(ctx)
	defer watching()
	eg, ctx := errgroup.WithContext(ctx)
	eg.Go(func() error { return g.connectCluster(ctx) })
	eg.Go(func() error { return g.connectTracker(ctx) })
	if err := eg.Wait(); err != nil {
		return err
	}
	log := g.app.log
	log.Info("connected", "cluster", g.cluster.ClusterName(), "jira_account", g.tracker.Self().String())
	mode, _ := g.cluster.ReviewMode()
	reviewer, _ := g.cluster.Identity()
	g.worker = reconcile.New(g.options(mode), reconcile.Deps{
		Cluster: g.cluster, ClusterName: g.cluster.ClusterName(), Tracker: g.tracker, Self: g.tracker.Self(), Reviewer: reviewer, Log: log, Registerer: g.registry,
	})
	return nil
}

// options are the reconciler's, with statuses by id instead of name where Jira has
// shown which they are: names may be changed and given to others.
func (g *generation) options(mode access.ReviewMode) reconcile.Options {
	o := reconcileOptions(g.cfg, mode)
	for state, names := range o.Policy.Statuses {
		o.Policy.Statuses[state] = g.tracker.StatusIDs(names)
	}
	return o
}

func (g *generation) connectCluster(ctx context.Context) error {
	deps := teleport.Deps{Logger: g.app.log, Metrics: teleport.NewMetrics(g.registry)}
	err := g.retry(ctx, sideTeleport, func() (err error) {
		g.cluster, err = teleport.Connect(ctx, teleportConfig(g.cfg), deps)
		return err
	})
	if err != nil && ctx.Err() == nil {
		return teleport.WithFix(err)
	}
	return err
}

func (g *generation) connectTracker(ctx context.Context) error {
	metrics, err := jira.NewMetrics(g.registry)
	if err != nil {
		return err
	}
	token := func() string { return jiraSecret(g.secrets.Load()) }
	g.tracker, err = jira.New(jiraConfig(g.cfg, token), jira.Deps{Logger: g.app.log, Metrics: metrics})
	if err != nil {
		return err
	}
	return g.retry(ctx, sideJira, func() error {
		findings, err := g.tracker.Preflight(ctx, expect(g.cfg))
		for _, f := range findings {
			if f.Level == preflight.Warning {
				g.app.log.Warn("jira works but should be changed", "check", f.Name, "detail", f.Detail, "fix", f.Fix)
			}
		}
		return err
	})
}

// retry calls try until it succeeds, returns an error that does not pass by
// itself, or ctx ends. It logs one line a failed attempt.
func (g *generation) retry(ctx context.Context, side string, try func() error) error {
	wait := backoff.NewExponentialBackOff()
	wait.MaxInterval = 30 * time.Second
	var renewed <-chan struct{} // nil: secrets do not matter to the side
	if side == sideJira {
		renewed = g.renewed
	}
	for attempt := 1; ; attempt++ {
		err := try()
		g.app.startup.report(side, err)
		if err == nil || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		if class := access.ClassOf(err); class == access.Permanent || class == access.Unauth {
			return err
		}
		after := max(wait.NextBackOff(), access.RetryAfter(err)).Round(time.Millisecond)
		g.app.log.Warn("side unreachable, will retry", "side", side, "attempt", attempt, "after", after, "error", err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(after):
		case <-renewed:
		}
	}
}

// start starts the work of a connected generation. It outlives ctx: only stop
// ends it.
func (g *generation) start(ctx context.Context) {
	ctx, g.cancel = context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		defer close(g.done)
		g.err = g.run(ctx)
	}()
}

// run works until ctx ends and what is in flight has been finished or handed
// back.
func (g *generation) run(ctx context.Context) error {
	defer g.close()
	eg, ctx := errgroup.WithContext(ctx)
	eg.Go(func() error { return g.cluster.Run(ctx) })
	eg.Go(func() error { return g.cluster.Watch(ctx, g.worker) })
	eg.Go(func() error { return g.worker.Run(ctx) })
	stop := g.watchSecrets(ctx)
	defer stop()
	eg.Go(func() error { g.tracker.Monitor(ctx, g.worker.Wake); return nil })
	return eg.Wait()
}

// stop ends the work and waits until it has drained. It returns what the work
// ended with, as often as it is called.
func (g *generation) stop() error {
	g.cancel()
	<-g.done
	return g.err
}

// discard releases what a generation holds that is not started.
func (g *generation) discard() {
	if g.change != nil {
		g.change.discard()
	}
	if g.output != nil {
		_ = g.output.Close()
	}
	g.close()
}

// close closes the connections. The generation may be half connected.
func (g *generation) close() {
	if g.cluster != nil {
		g.cluster.Close()
	}
	if g.tracker != nil {
		g.tracker.Close()
	}
}

// activeGeneration is the generation at work, nil before the first: webhooks,
// health and metrics find it here. Its methods may be called concurrently.
type activeGeneration struct{ atomic.Pointer[generation] }

// EnqueueIssue implements webhook.Enqueuer. Before there is a generation it
// refuses: Jira's retries, or the first resync, bring what came too early.
func (a *activeGeneration) EnqueueIssue(h access.IssueHint) bool {
	g := a.Load()
	return g != nil && g.worker.EnqueueIssue(h)
}

// Describe implements prometheus.Collector and describes nothing: each
// generation's own registry checks its metrics.
func (a *activeGeneration) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector with the active generation's metrics.
func (a *activeGeneration) Collect(ch chan<- prometheus.Metric) {
	if g := a.Load(); g != nil {
		g.registry.Collect(ch)
	}
}
