package reconcile

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
)

type metrics struct {
	created       prometheus.Counter
	comments      prometheus.Counter
	transitions   *prometheus.CounterVec
	unreachable   prometheus.Counter
	issuesMissing prometheus.Counter
	decisions     *prometheus.CounterVec
	automatic     *prometheus.CounterVec
	refusals      *prometheus.CounterVec
	otherRules    prometheus.Counter
	duration      prometheus.Histogram
	errors        *prometheus.CounterVec
	success       *prometheus.GaugeVec
	ended         *prometheus.CounterVec
	locks         *prometheus.CounterVec
}

const namespace = "teleport_jira"

func newMetrics(reg prometheus.Registerer, r *Reconciler) *metrics {
	m := &metrics{
		created:       counter("issues_created_total", "Issues made for Access Requests."),
		comments:      counter("comments_total", "Comments written on issues."),
		transitions:   counters("transitions_total", "Issues moved, by the state they were moved to.", "state"),
		unreachable:   counter("transitions_unreachable_total", "Moves for which the workflow has no transition."),
		issuesMissing: counter("issues_gone_total", "Issues found to be deleted or invisible."),
		decisions:     counters("decisions_total", "Decisions submitted to Teleport, by mode and answer.", "mode", "verdict"),
		automatic:     counters("automatic_decisions_total", "Decisions submitted to Teleport that no person made, by source and answer.", "source", "answer"),
		refusals:      counters("refusals_total", "Moves that decided nothing, by reason.", "reason"),
		otherRules:    counter("foreign_rules_total", "Digests of other rules that another replica was seen to decide by."),
		errors:        counters("reconcile_errors_total", "Failed attempts to bring a request in step, by class.", "class"),
		ended:         counters("access_ended_total", "Accesses of approved requests that ended, as told on the issue, by cause.", "cause"),
		locks:         counters("locks_total", "Locks put on requests to end their access, by cause.", "cause"),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Name: "reconcile_duration_seconds",
			Help:    "Time that one execution of a request took.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 9),
		}),
		success: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: namespace, Name: "last_success_timestamp_seconds",
			Help: "When a listing last succeeded, in Unix seconds; 0 means never.",
		}, []string{"listing"}),
	}
	m.zero()
	reg.MustRegister(m.created, m.comments, m.transitions, m.unreachable, m.issuesMissing, m.decisions, m.automatic, m.refusals, m.otherRules,
		m.duration, m.errors, m.success, m.ended, m.locks, newQueueCollector(r), newRulesCollector(r),
		r.ageMetrics.decision, r.ageMetrics.oldest)
	return m
}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help})
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
}

// zero creates every series of a closed set, so that alerts see it rise from 0.
func (m *metrics) zero() {
	for _, state := range []access.State{access.Pending, access.Approved, access.Denied, access.Expired, access.Promoted, access.Ended, access.Revoked} {
		m.transitions.WithLabelValues(string(state))
	}
	for _, mode := range []access.ReviewMode{access.ModeReview, access.ModeOnBehalf, access.ModeState} {
		for _, v := range []access.Result{access.Submitted, access.AlreadyReviewed, access.AlreadySettled, access.NotAllowed} {
			m.decisions.WithLabelValues(string(mode), string(v))
		}
	}
	for _, source := range plan.Sources() {
		for _, v := range []access.Result{access.Submitted, access.AlreadyReviewed, access.AlreadySettled, access.NotAllowed} {
			m.automatic.WithLabelValues(string(source), string(v))
		}
	}
	for _, why := range plan.Refusals() {
		m.refusals.WithLabelValues(string(why))
	}
	for _, class := range []access.Class{access.Temporary, access.Limited, access.Permanent, access.Unauth} {
		m.errors.WithLabelValues(string(class))
	}
	for _, cause := range []access.End{access.EndExpired, access.EndDeleted, access.EndRevoked} {
		m.ended.WithLabelValues(string(cause))
	}
	for _, cause := range access.LockCauses() {
		m.locks.WithLabelValues(string(cause))
	}
	m.success.WithLabelValues(resync)
	m.success.WithLabelValues(poll)
}

func (m *metrics) observe(took time.Duration, err error) {
	m.duration.Observe(took.Seconds())
	if err != nil {
		m.errors.WithLabelValues(string(access.ClassOf(err))).Inc()
	}
}

func (m *metrics) succeeded(listing string) {
	m.success.WithLabelValues(listing).SetToCurrentTime()
}

// queueCollector reads gauges when they are asked for.
type queueCollector struct {
	r                      *Reconciler
	depth, oldest, byState *prometheus.Desc
}

func newQueueCollector(r *Reconciler) *queueCollector {
	name := func(n string) string { return prometheus.BuildFQName(namespace, "", n) }
	return &queueCollector{
		r:       r,
		depth:   prometheus.NewDesc(name("queue_depth"), "Requests that wait to be reconciled or retried.", nil, nil),
		oldest:  prometheus.NewDesc(name("queue_oldest_seconds"), "Age of the oldest entry that waits.", nil, nil),
		byState: prometheus.NewDesc(name("requests"), "Access Requests by state, as of the last resync.", []string{"state"}, nil),
	}
}

// Describe implements prometheus.Collector.
func (c *queueCollector) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(c, ch) }

// Collect implements prometheus.Collector.
func (c *queueCollector) Collect(ch chan<- prometheus.Metric) {
	n, oldest := c.r.hints.depth()
	age := 0.0
	if !oldest.IsZero() {
		age = time.Since(oldest).Seconds()
	}
	ch <- prometheus.MustNewConstMetric(c.depth, prometheus.GaugeValue, float64(n))
	ch <- prometheus.MustNewConstMetric(c.oldest, prometheus.GaugeValue, age)
	counts := c.r.cache.stateCounts()
	for _, state := range []access.State{access.Pending, access.Approved, access.Denied, access.Promoted} {
		ch <- prometheus.MustNewConstMetric(c.byState, prometheus.GaugeValue, float64(counts[state]), string(state))
	}
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
