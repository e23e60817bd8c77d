package server

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Readiness is the parts of the daemon that have to be usable, by name. Each
// function returns why its part is not, or nil. They are called for each
// request, concurrently, and must not wait for anything; their errors' texts
// are shown to whoever asks, and must be fit for that.
type Readiness map[string]func() error

// reasons returns why the daemon is not ready, "part: reason" each, sorted;
// empty when it is ready.
func (r Readiness) reasons() []string {
	var reasons []string
	for _, part := range slices.Sorted(maps.Keys(r)) {
		if err := r[part](); err != nil {
			// One line a part, whatever a server's answer brought along.
			reason := cmp.Or(strings.Join(strings.Fields(err.Error()), " "), "not ready")
			reasons = append(reasons, part+": "+reason)
		}
	}
	return reasons
}

// Admin answers GET /metrics, /healthz and /readyz. alive returns nil, or why
// the process hangs and should be started again; its text is shown. Admin asks
// for no authentication and so must not be on a public listener; profiles are
// not served anywhere.
func Admin(g prometheus.Gatherer, alive func() error, ready Readiness) http.Handler {
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
		if reasons := ready.reasons(); len(reasons) > 0 {
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
