package webhook

import (
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// result is what came of a webhook, and the metric's label.
type result string

const (
	accepted        result = "accepted"        // the doorbell rang
	ignored         result = "ignored"         // well-formed, but can't matter
	method          result = "method"          // not a POST
	tooLarge        result = "too_large"       // larger than maxBody
	timeout         result = "timeout"         // the body came too slowly
	unauthenticated result = "unauthenticated" // signature or password missing or wrong
	malformed       result = "malformed"       // no JSON object, or an issue with an impossible id
	overloaded      result = "overloaded"      // too many at once, or nobody took the hint
)

// results lists them all.
func results() []result {
	return []result{accepted, ignored, method, tooLarge, timeout, unauthenticated, malformed, overloaded}
}

// status is the HTTP status that tells the result. Jira Cloud retries 408 and
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

// quietTime is how long refusals of one kind stay unlogged after one was.
const quietTime = 10 * time.Second

// refusalLog logs what came of webhooks: refusals as warnings, but few of
// them, since anybody can cause them; the rest for debugging.
type refusalLog struct {
	log  *slog.Logger
	mu   sync.Mutex
	seen map[result]*refusals
}

// refusals is what refusalLog remembers of one result.
type refusals struct {
	logged     time.Time
	suppressed int
}

// note logs a webhook's result if it should be.
func (l *refusalLog) note(r *http.Request, res result) {
	if res == accepted || res == ignored {
		l.log.LogAttrs(r.Context(), slog.LevelDebug, "webhook received", slog.String("result", string(res)))
		return
	}
	if suppressed, ok := l.due(res); ok {
		l.log.LogAttrs(r.Context(), slog.LevelWarn, "webhook refused",
			slog.String("result", string(res)), slog.String("remote_addr", r.RemoteAddr), slog.Int("suppressed", suppressed))
	}
}

// due tells whether a refusal is to be logged now, and how many like it were
// not since the last one that was.
func (l *refusalLog) due(res result) (suppressed int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.seen[res]
	if s == nil {
		s = &refusals{}
		l.seen[res] = s
	}
	now := time.Now()
	if !s.logged.IsZero() && now.Sub(s.logged) < quietTime {
		s.suppressed++
		return 0, false
	}
	suppressed = s.suppressed
	*s = refusals{logged: now}
	return suppressed, true
}
