package throttle

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are what the package measures. One Metrics serves all transports of a
// process, so that a reload may build a new one.
type Metrics struct {
	throttled *prometheus.CounterVec
	limit     prometheus.Gauge
	inFlight  prometheus.Gauge
}

// NewMetrics registers the metrics with reg, unless reg is nil. It fails when
// they are registered already.
func NewMetrics(reg prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		throttled: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "teleport_jira_calls_throttled_total",
			Help: "Answers by which Jira asked to be left alone (429, 503), by what they paused.",
		}, []string{"scope"}),
		limit: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "teleport_jira_concurrency_limit",
			Help: "Calls that may be in flight at once, as adapted to what Jira bears.",
		}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "teleport_jira_calls_in_flight",
			Help: "Calls in flight.",
		}),
	}
	for _, s := range []scope{scopeEndpoint, scopeIssue, scopeAll} {
		m.throttled.WithLabelValues(string(s))
	}
	if reg == nil {
		return m, nil
	}
	var errs []error
	for _, c := range []prometheus.Collector{m.throttled, m.limit, m.inFlight} {
		errs = append(errs, reg.Register(c))
	}
	return m, errors.Join(errs...)
}
