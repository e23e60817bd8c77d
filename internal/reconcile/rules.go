package reconcile

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
)

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

// planHeld returns what is missing apart from decisions and their refusals,
// which follow from a pending request's issue only.
func (s snapshot) planHeld() []plan.Step {
	s.Issue = nil
	return s.rules.policy.Plan(s.Snapshot)
}

// isHeld reports whether a decision may be asked for and has to wait.
func (s snapshot) isHeld() bool {
	return s.rules.held && s.Issue != nil && s.Request != nil && s.Request.State == access.Pending
}

// rulesUnchanged returns an error where the rules that the plan was made by are
// no longer in use, so that the request is read and planned anew.
func (e *execution) rulesUnchanged() error {
	if e.r.rules.Load() == e.snap.rules {
		return nil
	}
	return &access.Error{Op: "decide request", Key: string(e.snap.ID), Class: access.Temporary, Err: errRulesChanged}
}

// stampRules puts the digest of the rules into the record, for the decision or
// refusal that was just done: into what is stored if the next step fails, and
// into what the steps after it lead to.
func (e *execution) stampRules() {
	e.record.RulesDigest = e.snap.rules.digest
	for i := range e.steps {
		e.steps[i].Then.RulesDigest = e.snap.rules.digest
	}
}

// noteForeignRules warns, once for each digest, of a replica that decides by
// other rules than this one. Rules that were replaced since are no reason: only
// a decision that must have been made while those here were in use counts, on a
// request, or by a status change, that is younger than they are.
func (r *Reconciler) noteForeignRules(s snapshot) {
	digest := s.Record.RulesDigest
	if digest == "" || digest == s.rules.digest || r.isOurs(s.Record) {
		return
	}
	young := s.Request != nil && s.Request.Created.After(s.rules.since)
	if s.Issue != nil {
		for _, change := range s.Issue.Changes {
			young = young || change.ID == s.Record.HandledChange && change.At.After(s.rules.since)
		}
	}
	if !young || !r.foreign.First(digest) {
		return
	}
	r.metrics.foreignRules.Inc()
	r.log.Warn("another replica decides by other rules",
		"request_id", s.ID, "issue_key", s.Record.IssueKey, "digest", s.rules.digest, "other_digest", digest,
		"fix", "give all replicas the same configuration, and reload those that have an older one")
}

// rulesCollector shows the digest of the rules in use.
type rulesCollector struct {
	r    *Reconciler
	info *prometheus.Desc
	held *prometheus.Desc
}

func newRulesCollector(r *Reconciler) *rulesCollector {
	return &rulesCollector{
		r: r,
		info: prometheus.NewDesc(namespace+"_rules_info",
			"The digest of the rules for deciding that are in use; always 1. All replicas must have the same.", []string{"digest"}, nil),
		held: prometheus.NewDesc(namespace+"_decisions_held",
			"Whether decisions wait for a changed configuration to be up.", nil, nil),
	}
}

// Describe implements prometheus.Collector.
func (c *rulesCollector) Describe(ch chan<- *prometheus.Desc) { ch <- c.info; ch <- c.held }

// Collect implements prometheus.Collector.
func (c *rulesCollector) Collect(ch chan<- prometheus.Metric) {
	rules, held := c.r.rules.Load(), 0.0
	if rules.held {
		held = 1
	}
	ch <- prometheus.MustNewConstMetric(c.info, prometheus.GaugeValue, 1, rules.digest)
	ch <- prometheus.MustNewConstMetric(c.held, prometheus.GaugeValue, held)
}
