package reconcile

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/util/workqueue"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
)

// Options are the reconciler's settings. Zero durations and counts get the
// defaults named here.
type Options struct {
	Policy         plan.Policy
	Workers        int           // default 128
	ResyncInterval time.Duration // default 10m
	PollInterval   time.Duration // 0: Jira is asked by the resync only
	// ClaimLife is how long a worker that died keeps others from a request.
	// Default 30s.
	ClaimLife time.Duration
	// SearchGrace is how long Jira's search may lag a write: an attempt to
	// create an issue whose answer was lost is not repeated before. Default 65s.
	SearchGrace time.Duration
	// Drain bounds the work that is finished after a stop. Default 10s.
	Drain time.Duration
}

func (o Options) withDefaults() Options {
	setDefault(&o.Workers, 128)
	setDefault(&o.ResyncInterval, 10*time.Minute)
	setDefault(&o.ClaimLife, 30*time.Second)
	setDefault(&o.SearchGrace, 65*time.Second)
	setDefault(&o.Drain, 10*time.Second)
	return o
}

func setDefault[T comparable](p *T, def T) {
	var zero T
	if *p == zero {
		*p = def
	}
}

// Deps are what the reconciler works with.
type Deps struct {
	Cluster    Cluster
	Tracker    Tracker
	Self       access.Actor // the daemon's own Jira account
	Reviewer   string       // the daemon's own Teleport user
	Log        *slog.Logger
	Registerer prometheus.Registerer
}

// Reconciler brings requests and issues in step. Its doorbells may be rung
// concurrently, before, during and after Run.
type Reconciler struct {
	opts    Options
	cluster Cluster
	tracker Tracker
	self    access.Actor
	reviews string // the Teleport user of the daemon's own reviews
	log     *slog.Logger
	metrics *metrics
	holder  string // names this Reconciler in claims; new with every start

	queue     workqueue.TypedRateLimitingInterface[key]
	waiting   *waiting
	seen      *observations
	memory    *memory
	strangers *strangers
	pulse     *pulse
	resyncs   chan struct{}
	stopping  atomic.Bool
}

// New makes a Reconciler that does nothing until Run.
func New(opts Options, deps Deps) *Reconciler {
	opts = opts.withDefaults()
	r := &Reconciler{
		opts:    opts,
		cluster: deps.Cluster,
		tracker: deps.Tracker,
		self:    deps.Self,
		reviews: deps.Reviewer,
		log:     deps.Log,
		holder:  rand.Text(),
		queue: workqueue.NewTypedRateLimitingQueue(
			workqueue.NewTypedItemExponentialFailureRateLimiter[key](firstRetry, lastRetry)),
		waiting:   newWaiting(),
		seen:      newObservations(),
		memory:    newMemory(),
		strangers: newStrangers(),
		pulse:     &pulse{workers: opts.Workers, due: map[string]time.Time{}},
		resyncs:   make(chan struct{}, 1),
	}
	r.metrics = newMetrics(deps.Registerer, r)
	return r
}

// Failed work is retried after firstRetry, doubling up to lastRetry.
const (
	firstRetry = 500 * time.Millisecond
	lastRetry  = 2 * time.Minute
)

// Run works until ctx ends, then takes no new work, finishes what is running
// within the drain time and returns nil. What was still queued is found again
// by the next start's resync.
func (r *Reconciler) Run(ctx context.Context) error {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		r.stopping.Store(true)
		r.queue.ShutDown()
	})
	defer stop()

	var loops errgroup.Group
	loops.Go(func() error { r.resyncLoop(ctx); return nil })
	loops.Go(func() error { r.pollLoop(ctx); return nil })
	var workers sync.WaitGroup
	for range r.opts.Workers {
		workers.Go(func() { r.worker(work) })
	}
	<-ctx.Done()
	drained := time.AfterFunc(r.opts.Drain, cancel)
	defer drained.Stop()
	workers.Wait()
	return loops.Wait()
}

func (r *Reconciler) worker(ctx context.Context) {
	for {
		k, shutdown := r.queue.Get()
		if shutdown {
			return
		}
		if !r.stopping.Load() {
			r.pulse.took()
			r.handle(ctx, k)
			r.pulse.finished()
		}
		r.queue.Done(k)
	}
}

// handle works on one key and decides when it comes back.
func (r *Reconciler) handle(ctx context.Context, k key) {
	start := time.Now()
	entry := r.waiting.take(k)
	again, err := r.process(ctx, k, entry.look)
	r.metrics.observe(time.Since(start), err)
	switch {
	case err != nil:
		r.retry(ctx, k, entry, err)
	case again > 0:
		r.queue.Forget(k)
		r.waiting.put(k, entry)
		r.queue.AddAfter(k, again)
	default:
		r.queue.Forget(k)
	}
}

// retry brings a failed key back: when the server said, or with backoff.
func (r *Reconciler) retry(ctx context.Context, k key, entry entry, err error) {
	r.say(ctx, k, entry.said, err)
	entry.said = err.Error()
	r.waiting.put(k, entry)
	after := access.RetryAfter(err)
	if after > 0 {
		r.queue.AddAfter(k, after)
		return
	}
	r.queue.AddRateLimited(k)
}

// say logs why a key has to come back. What was said of it before is repeated
// for debugging only: while a side is away thousands of requests may wait.
func (r *Reconciler) say(ctx context.Context, k key, said string, err error) {
	class, level, fix := access.ClassOf(err), slog.LevelWarn, ""
	switch {
	case errors.Is(err, access.ErrNotFound) && r.memory.isGone(k.request): // see issueGone
		level = slog.LevelDebug
	case errors.Is(err, access.ErrConflict), class == access.Limited, said == err.Error():
		level = slog.LevelDebug
	case class == access.Unauth:
		level, fix = slog.LevelError, "renew the token or identity, the new one is taken up without a restart"
	case class == access.Permanent:
		level, fix = slog.LevelError, "mend what the error names, the request is tried again"
	}
	facts := []slog.Attr{
		slog.String("request_id", string(k.request)), slog.String("issue_key", r.memory.keyOf(k)),
		slog.Int("attempt", r.queue.NumRequeues(k)+1), slog.String("class", string(class)), slog.Any("error", err),
	}
	if fix != "" {
		facts = append(facts, slog.String("fix", fix))
	}
	r.log.LogAttrs(ctx, level, "request not in step yet, will retry", facts...)
}

func (r *Reconciler) process(ctx context.Context, k key, look look) (again time.Duration, err error) {
	if k.issue != "" {
		return 0, r.identify(ctx, k.issue)
	}
	return r.reconcile(ctx, k.request, look)
}
