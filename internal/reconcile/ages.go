package reconcile

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
)

// ages are the pending requests that this process knows of, with when they were
// made. Its methods may be called concurrently.
type ages struct {
	mu      sync.Mutex
	created map[access.RequestID]time.Time // guarded by mu
}

func newAges() *ages { return &ages{created: map[access.RequestID]time.Time{}} }

// saw takes a request as it was read, listed or told of; nil where it is deleted.
func (a *ages) saw(id access.RequestID, req *access.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if req == nil || req.State != access.Pending {
		delete(a.created, id)
	} else {
		a.created[id] = req.Created
	}
}

// keepOnly forgets the requests made before a listing began that it did not show.
func (a *ages) keepOnly(listed map[access.RequestID]struct{}, began time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for id, created := range a.created {
		if _, ok := listed[id]; !ok && created.Before(began) {
			delete(a.created, id)
		}
	}
}

// oldest is the age of the oldest pending request; 0 where none is pending.
func (a *ages) oldest(now time.Time) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	oldest := now
	for _, created := range a.created {
		if created.Before(oldest) {
			oldest = created
		}
	}
	return now.Sub(oldest)
}

// ageMetrics are how long people wait for decisions.
type ageMetrics struct {
	decision *prometheus.HistogramVec
	oldest   prometheus.GaugeFunc
}

func newAgeMetrics(a *ages) ageMetrics {
	m := ageMetrics{
		decision: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Name: "time_to_decision_seconds",
			Help:    "Time from a request to its decision, by result and by the way it was decided.",
			Buckets: []float64{10, 30, 60, 300, 900, 1800, 3600, 4 * 3600, 12 * 3600, 24 * 3600, 3 * 24 * 3600, 7 * 24 * 3600},
		}, []string{"result", "way"}),
		oldest: prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Namespace: namespace, Name: "oldest_pending_seconds",
			Help: "Age of the oldest request that waits for a decision; 0 where none does.",
		}, func() float64 { return a.oldest(time.Now()).Seconds() }),
	}
	for _, result := range []access.State{access.Approved, access.Denied, access.Promoted} {
		for _, way := range plan.Ways() {
			m.decision.WithLabelValues(string(result), string(way))
		}
	}
	return m
}

// noteSettled measures a decision: once, by the replica that notes in the record
// that the issue shows it. before is the record that was planned upon.
func (r *Reconciler) noteSettled(before access.Record, after snapshot) {
	if before.Resolution != "" || after.Record.Resolution == "" {
		return
	}
	if of, ok := plan.SettlementOf(after.Snapshot); ok {
		took := max(0, of.At.Sub(after.Request.Created))
		r.ageMetrics.decision.WithLabelValues(string(of.Result), string(of.Way)).Observe(took.Seconds())
	}
}
