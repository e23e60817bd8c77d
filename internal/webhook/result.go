package webhook

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// result is the outcome of a webhook, and the label of the metric.
type result string

const (
	accepted        result = "accepted"        // the hint was enqueued
	ignored         result = "ignored"         // well-formed, but can't matter
	method          result = "method"          // not a POST
	tooLarge        result = "too_large"       // larger than maxBody
	timeout         result = "timeout"         // the body came too slowly
	unauthenticated result = "unauthenticated" // signature or password missing or wrong
	malformed       result = "malformed"       // no JSON object, or an issue with an impossible id
	overloaded      result = "overloaded"      // too many at once, or the queue is full
)

// results returns all of them.
func results() []result {
	return []result{accepted, ignored, method, tooLarge, timeout, unauthenticated, malformed, overloaded}
}

// status returns the HTTP status for the result. Jira Cloud retries 408 and
// 503 and drops what was answered with another 4xx.
func (r result) status() int {
	switch r {
	case accepted:
		return http.StatusOK
	case ignored:
		return http.StatusNoContent
	case method:
		return http.StatusMethodNotAllowed
	case tooLarge:
		return http.StatusRequestEntityTooLarge
	case timeout:
		return http.StatusRequestTimeout
	case unauthenticated:
		return http.StatusUnauthorized
	case malformed:
		return http.StatusBadRequest
	}
	return http.StatusServiceUnavailable
}

// metrics counts webhooks.
type metrics struct {
	webhooks *prometheus.CounterVec
}

// newMetrics registers the metrics, with every result at zero.
func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{webhooks: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "teleport_jira_webhooks_total",
		Help: "Webhooks received, by what came of them.",
	}, []string{"result"})}
	r.MustRegister(m.webhooks)
	for _, res := range results() {
		m.webhooks.WithLabelValues(string(res))
	}
	return m
}

// refusalInterval is how often refusals with one result are logged: anybody can
// cause them.
const refusalInterval = 10 * time.Second

// logResult logs what came of a webhook: some of the refusals as warnings, the
// rest for debugging.
func (h *Handler) logResult(r *http.Request, res result) {
	if res == accepted || res == ignored {
		h.log.LogAttrs(r.Context(), slog.LevelDebug, "webhook received", slog.String("result", string(res)))
		return
	}
	if suppressed, ok := h.refusals.Allow(string(res)); ok {
		h.log.LogAttrs(r.Context(), slog.LevelWarn, "webhook refused",
			slog.String("result", string(res)), slog.String("remote_addr", r.RemoteAddr), slog.Int("suppressed", suppressed))
	}
}
