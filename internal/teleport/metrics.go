package teleport

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"teleport-jira/internal/access"
)

// Metrics are the adapter's metrics. One Metrics serves one Client.
type Metrics struct {
	watcherConnected prometheus.Gauge
	reconnects       prometheus.Counter
	calls            *prometheus.CounterVec
	identityExpiry   prometheus.Gauge
}

// Results of a call, the label "result".
const (
	resultOK          = "ok"
	resultNotFound    = "not_found"
	resultConflict    = "conflict"
	resultDenied      = "denied"
	resultLimited     = "limited"
	resultUnavailable = "unavailable"
)

// NewMetrics registers the metrics with reg. It panics when they are already
// registered, as MustRegister does.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		watcherConnected: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "teleport_jira_watcher_connected",
			Help: "Whether the daemon is subscribed to the cluster's Access Requests (1) or not (0).",
		}),
		reconnects: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "teleport_jira_watcher_reconnects_total",
			Help: "How often the subscription ended or could not be made, and was tried again.",
		}),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "teleport_jira_teleport_calls_total",
			Help: "Calls to the Auth Service by method and result.",
		}, []string{"method", "result"}),
		identityExpiry: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "teleport_jira_identity_expiry_timestamp_seconds",
			Help: "When the certificate in use expires, in seconds since the epoch.",
		}),
	}
	reg.MustRegister(m.watcherConnected, m.reconnects, m.calls, m.identityExpiry)
	results := []string{resultOK, resultNotFound, resultConflict, resultDenied, resultLimited, resultUnavailable}
	for _, method := range methods() {
		for _, result := range results {
			m.calls.WithLabelValues(method.name, result)
		}
	}
	return m
}

// called counts a call that ended in err, an error of package access or nil.
func (m *Metrics) called(method method, err error) {
	m.calls.WithLabelValues(method.name, resultOf(err)).Inc()
}

// connected records whether the watcher is subscribed.
func (m *Metrics) connected(subscribed bool) {
	if subscribed {
		m.watcherConnected.Set(1)
		return
	}
	m.watcherConnected.Set(0)
}

// expires records when the certificate in use expires.
func (m *Metrics) expires(t time.Time) { m.identityExpiry.Set(float64(t.Unix())) }

func resultOf(err error) string {
	switch {
	case err == nil:
		return resultOK
	case errors.Is(err, access.ErrNotFound):
		return resultNotFound
	case errors.Is(err, access.ErrConflict):
		return resultConflict
	}
	switch access.ClassOf(err) {
	case access.Permanent, access.Unauth:
		return resultDenied
	case access.Limited:
		return resultLimited
	case access.Temporary:
	}
	return resultUnavailable
}
