package server

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Health is which parts of the daemon are usable. It may be used concurrently.
type Health struct {
	mu      sync.Mutex
	reasons map[string]string // why a part is not ready; "" when it is
}

// NewHealth makes a Health with parts that are not ready until they are Set.
func NewHealth(parts ...string) *Health {
	h := &Health{reasons: map[string]string{}}
	for _, part := range parts {
		h.reasons[part] = "starting"
	}
	return h
}

// Set notes how a part is: nil means ready, anything else why it is not. The
// error's text is shown to whoever asks, and must be fit for that.
func (h *Health) Set(part string, err error) {
	reason := ""
	if err != nil {
		// One line a part, whatever a server's answer brought along.
		reason = cmp.Or(strings.Join(strings.Fields(err.Error()), " "), "not ready")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reasons[part] = reason
}

// Reasons is why the daemon is not ready, "part: reason" each, sorted; empty
// when it is ready.
func (h *Health) Reasons() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var reasons []string
	for _, part := range slices.Sorted(maps.Keys(h.reasons)) {
		if r := h.reasons[part]; r != "" {
			reasons = append(reasons, part+": "+r)
		}
	}
	return reasons
}

// Admin answers GET /metrics, /healthz and /readyz. Healthy is what alive says
// is: nil, or why the process is of no use and should be started again; its
// text is shown. Ready is what health knows. Admin asks for no authentication
// and so must not be on a public listener; profiles are not served anywhere.
func Admin(g prometheus.Gatherer, health *Health, alive func() error) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(g, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		if err := alive(); err != nil {
			plain(w, http.StatusServiceUnavailable, err.Error())
			return
		}
		plain(w, http.StatusOK, "ok")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if reasons := health.Reasons(); len(reasons) > 0 {
			plain(w, http.StatusServiceUnavailable, reasons...)
			return
		}
		plain(w, http.StatusOK, "ok")
	})
	return mux
}

// plain answers with lines of text.
func plain(w http.ResponseWriter, status int, lines ...string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	for _, line := range lines {
		_, _ = fmt.Fprintln(w, line)
	}
}
