package jira

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are what the package measures. One Metrics serves all clients of a
// process, so that a reload may build a new client. Endpoint labels are
// templates, never paths, so that their number is bounded.
type Metrics struct {
	calls     *prometheus.HistogramVec
	throttled *prometheus.CounterVec
	limit     prometheus.Gauge
	inFlight  prometheus.Gauge
}

// NewMetrics registers the metrics with reg, unless reg is nil. It fails when
// they are registered already.
func NewMetrics(reg prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "teleport_jira_call_duration_seconds",
			Help:    "Calls to Jira by endpoint, method and HTTP status (error: no answer).",
			Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"endpoint", "method", "status"}),
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
	for _, c := range []prometheus.Collector{m.calls, m.throttled, m.limit, m.inFlight} {
		errs = append(errs, reg.Register(c))
	}
	return m, errors.Join(errs...)
}

// measured times calls.
type measured struct {
	metrics *Metrics
	next    http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (m *measured) RoundTrip(req *http.Request) (*http.Response, error) {
	m.metrics.inFlight.Inc()
	defer m.metrics.inFlight.Dec()
	start := time.Now()
	resp, err := m.next.RoundTrip(req)
	status := "error"
	if err == nil {
		status = strconv.Itoa(resp.StatusCode)
	}
	m.metrics.calls.WithLabelValues(endpointOf(req.Context()).name, req.Method, status).
		Observe(time.Since(start).Seconds())
	return resp, err
}
