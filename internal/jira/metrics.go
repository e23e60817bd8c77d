package jira

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"teleport-jira/internal/jira/throttle"
)

// Metrics are what the package measures. One Metrics serves all clients of a
// process, so that a reload may build a new client. Endpoint labels are
// templates, never paths, so that their number is bounded.
type Metrics struct {
	calls    *prometheus.HistogramVec
	throttle *throttle.Metrics
}

// NewMetrics registers the metrics with reg, unless reg is nil. It fails when
// they are registered already.
func NewMetrics(reg prometheus.Registerer) (*Metrics, error) {
	calls := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "teleport_jira_call_duration_seconds",
		Help:    "Calls to Jira by endpoint, method and HTTP status (error: no answer).",
		Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
	}, []string{"endpoint", "method", "status"})
	throttled, err := throttle.NewMetrics(reg)
	if reg != nil {
		err = errors.Join(err, reg.Register(calls))
	}
	return &Metrics{calls: calls, throttle: throttled}, err
}

// measured times calls.
type measured struct {
	calls *prometheus.HistogramVec
	next  http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (m *measured) RoundTrip(req *http.Request) (*http.Response, error) {
	start := time.Now()
	resp, err := m.next.RoundTrip(req)
	status := "error"
	if err == nil {
		status = strconv.Itoa(resp.StatusCode)
	}
	m.calls.WithLabelValues(throttle.CallOf(req.Context()).Endpoint, req.Method, status).Observe(time.Since(start).Seconds())
	return resp, err
}
