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
	"teleport-jira/internal/logging"
	"teleport-jira/internal/plan"
	"teleport-jira/internal/watchdog"
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
	// MonitoringRules: the Cluster reports access monitoring rules to
	// OnMonitoringRules, and no issue is made before it has, for some time.
	MonitoringRules bool
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
	Cluster Cluster
	Tracker Tracker
	// ClusterName is the cluster's, by which its issues are told from those of
	// others in the same project. Without one all issues are taken for its own.
	ClusterName string
	Self        access.Actor // the daemon's own Jira account
	Reviewer    string       // the daemon's own Teleport user
	Log         *slog.Logger
	Registerer  prometheus.Registerer
}

// Reconciler brings requests and issues in step. OnRequest, OnSubscribed,
// Resync and EnqueueIssue may be called concurrently, before, during and after
// Run.
type Reconciler struct {
	opts     Options               // without the policy, which may be replaced
	rules    atomic.Pointer[rules] // never nil
	monitor  monitor
	cluster  Cluster
	tracker  Tracker
	self     access.Actor
	reviewer string // the Teleport user of the daemon's own reviews
	log      *slog.Logger
	metrics  *metrics
	ages     *ages
	holder   string // names this Reconciler in claims; new with every start

	queue      workqueue.TypedRateLimitingInterface[key]
	hints      *pendingHints
	intake     *intake
	clusters   *clusters
	cache      *cache
	timers     *timers
	notices    *notices
	wakes      *signal
	ageMetrics ageMetrics
	seen       observations
	otherRules *logging.Once // digests of other rules that were warned of
	ownChanges observations  // changes by the daemon's account that it may not have made
	noReasons  observations  // changes whose authors have not said why
	unshown    observations  // statuses whose change the history does not show
	watchdog   watchdog.Watchdog
	workers    *watchdog.Pool
	resyncs    chan struct{} // holds one token while a resync is asked for
	relists    chan struct{} // the same for a relist
	endsFound  atomic.Bool   // the ends that came while no daemon ran have been looked for
	stopping   atomic.Bool
}

// New makes a Reconciler that does nothing until Run.
func New(opts Options, deps Deps) *Reconciler {
	opts = opts.withDefaults()
	r := &Reconciler{
		opts:       opts,
		cluster:    deps.Cluster,
		tracker:    deps.Tracker,
		self:       deps.Self,
		reviewer:   deps.Reviewer,
		log:        deps.Log,
		holder:     rand.Text(),
		hints:      newPendingHints(),
		intake:     newIntake(),
		clusters:   newClusters(deps.ClusterName),
		cache:      newCache(),
		ages:       newAges(),
		notices:    newNotices(),
		timers:     newTimers(),
		wakes:      newSignal(),
		seen:       newObservations(),
		ownChanges: newObservations(),
		noReasons:  newObservations(),
		unshown:    newObservations(),
		otherRules: logging.NewOnce(0),
		resyncs:    make(chan struct{}, 1),
		relists:    make(chan struct{}, 1),
	}
	r.queue = newQueue(r.hints)
	r.rules.Store(newRules(opts.Policy, false))
	r.monitor.init(opts)
	r.opts.Policy = plan.Policy{} // only the rules in use count
	r.workers = r.watchdog.Pool("workers", opts.Workers, StalledAfter)
	r.ageMetrics = newAgeMetrics(r.ages)
	r.metrics = newMetrics(deps.Registerer, r)
	return r
}

// StalledAfter is how long all workers, or a listing, may make no progress
// before the Reconciler counts as stalled. It is longer than any call to either
// side may take with all its repetitions, so that a side that hangs is no
// reason.
const StalledAfter = 5 * time.Minute

// Stalled returns why the work does not go on although the process runs: all
// workers have been busy with the same requests for StalledAfter, or a listing
// has made no progress for as long. It is nil while work goes on, however
// slowly, and before and after Run. It makes no call.
func (r *Reconciler) Stalled() error { return r.watchdog.Stalled() }

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
	r.timers.stop()
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
			r.workers.Begin()
			r.handle(ctx, k)
			r.workers.End()
		}
		r.queue.Done(k)
	}
}

// maxRounds bounds how often one execution of a key may plan anew. A request
// that needs more is retried with backoff: something keeps undoing what is done.
const maxRounds = 6

var errNotConverging = errors.New("request and issue do not converge")

// reconcile brings one request and its issue in step: snapshot, plan, acquire,
// execute, commit, until nothing is missing. requeueAfter is positive when
// there is something to do that has to wait.
func (r *Reconciler) reconcile(ctx context.Context, id access.RequestID, h hint) (requeueAfter time.Duration, err error) {
	if r.saysNothing(id, h) {
		return 0, nil
	}
	var issue *access.Issue // read in an earlier round, and still as it was
	for range maxRounds {
		r.workers.Progress()
		s, err := r.snapshot(ctx, id, h, issue)
		if err != nil {
			return 0, err
		}
		if s.awaitsRules {
			return rulesRetry, nil
		}
		steps := r.plan(s)
		if len(steps) == 0 && s.isHeld() {
			r.log.Debug("left for later, decisions wait", "request_id", id, "issue_key", s.Record.IssueKey)
			return heldRetry, nil
		}
		if len(steps) == 0 {
			if wait := r.missingRetry(s); wait > 0 {
				r.enqueueAfter(key{request: id}, hint{Hint: plan.Hint{Always: true}, urgency: decision, requester: h.requester}, wait)
				return 0, nil
			}
			r.markSynced(s)
			return 0, nil
		}
		r.cache.setNotSynced(id)
		c, wait, err := r.acquire(ctx, s, steps)
		if err != nil || wait > 0 {
			return wait, asRetryable(id, err)
		}
		after, out, err := r.execute(ctx, c, s, steps)
		noted := c.commit(ctx, after.Record)
		if noted == nil {
			r.noteEnded(after)
		}
		if err := errors.Join(err, noted); err != nil {
			return 0, asRetryable(id, err)
		}
		r.noteSettled(s.Record, after)
		if out == created && !after.hint.Always && len(r.plan(after)) == 0 && !after.rules.policy.NeedsIssue(after.Snapshot, plan.Hint{}) {
			// What changed meanwhile enqueues the request again: reading everything
			// once more, for every new request, would be a third of the calls to
			// Teleport.
			r.noteOwner(after)
			r.markSynced(after)
			return 0, nil
		}
		issue, h = after.Issue, after.hint
	}
	return 0, &access.Error{Op: "reconcile request", Key: string(id), Err: errNotConverging}
}

// plan returns what is missing, in the order to do it.
func (r *Reconciler) plan(s snapshot) []plan.Step {
	if s.OfAnotherCluster() {
		return nil
	}
	if s.Record.IssueID == "" && s.Request == nil && s.hint.orphan != "" {
		// Only an issue that names the request in turn is its orphan.
		if s.Issue == nil || s.Issue.RequestID != "" && s.Issue.RequestID != s.ID {
			return nil
		}
		return s.rules.policy.PlanOrphan(s.Snapshot)
	}
	if s.isHeld() {
		return s.planHeld()
	}
	steps := s.rules.policy.Plan(s.Snapshot)
	if s.Record.IssueID != "" && !s.IssueMissing {
		steps = append(steps, r.notices.steps(s.ID, steps, s.Record)...)
	}
	if len(steps) == 0 && !s.IssueMissing && s.abandoned {
		// All of it was done and only the note is missing.
		return []plan.Step{{Do: plan.SaveRecord{}, Then: s.Record}}
	}
	return steps
}

// markSynced remembers that there is nothing to do for now.
func (r *Reconciler) markSynced(s snapshot) {
	r.seen.forget(s.ID)
	r.ages.saw(s.ID, s.Request)
	r.cache.markSynced(s.Snapshot)
	r.timers.set(s.ID, s.rules.policy.NextLook(s.Snapshot), func() { r.enqueue(key{request: s.ID}, hint{}) })
	r.log.Debug("in step", "request_id", s.ID, "issue_key", s.Record.IssueKey)
}

// asRetryable makes races temporary: a record that changed, or was deleted with
// its request, is read again at once.
func asRetryable(id access.RequestID, err error) error {
	if errors.Is(err, access.ErrConflict) || errors.Is(err, access.ErrNotFound) {
		return &access.Error{Op: "reconcile request", Key: string(id), Class: access.Temporary, Err: err}
	}
	return err
}

// heldRetry is how often a request whose decision is held is looked at again.
const heldRetry = 5 * time.Second

var errRulesChanged = errors.New("the rules for deciding changed while it was worked on")

// rules are what requests are decided by at one moment. They are never changed,
// only replaced as a whole: a reload must not leave a worker with half of each.
type rules struct {
	policy plan.Policy
	digest string
	since  time.Time // when they came into use
	held   bool      // nothing is decided or refused now
}

func newRules(policy plan.Policy, held bool) *rules {
	return &rules{policy: policy, digest: policy.Digest(), since: time.Now(), held: held}
}

// policy returns the rules in use. What one plan is made of takes them from its
// snapshot or is thrown away if they have changed by the time something is
// decided.
func (r *Reconciler) policy() plan.Policy { return r.rules.Load().policy }

// SetReview replaces the rules for who may decide, at once: no decision under
// the old ones begins once it has returned, also of a request that is being
// worked on. With hold nothing is decided or refused until it is called again
// without; status changes wait, and everything else goes on. It may be called
// concurrently.
func (r *Reconciler) SetReview(review plan.ReviewRules, hold bool) {
	old := r.rules.Load()
	policy := old.policy
	policy.Review = review
	next := newRules(policy, hold)
	if next.digest == old.digest && next.held == old.held {
		return
	}
	r.rules.Store(next)
}

// Held reports whether decisions wait.
func (r *Reconciler) Held() bool { return r.rules.Load().held }
