package server

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
)

func ask(h http.Handler, method, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w
}

func well() error { return nil }

// parts makes a Readiness in which each part is as the map says when it is asked.
func parts(state map[string]error) Readiness {
	r := Readiness{}
	for part := range state {
		r[part] = func() error { return state[part] }
	}
	return r
}

func TestHealthzReportsAProcessThatHangs(t *testing.T) {
	var err error
	ready := parts(map[string]error{"jira": errors.New("starting")})
	admin := Admin(prometheus.NewRegistry(), func() error { return err }, ready)
	require.Equal(t, http.StatusOK, ask(admin, "GET", "/healthz").Code, "while nothing is ready")
	err = errors.New("poll: no progress for 6m0s")
	w := ask(admin, "GET", "/healthz")
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.Equal(t, "poll: no progress for 6m0s\n", w.Body.String())
}

func TestReadyzAsksEachPart(t *testing.T) {
	state := map[string]error{"teleport": errors.New("starting"), "jira": errors.New("starting")}
	admin := Admin(prometheus.NewRegistry(), well, parts(state))
	w := ask(admin, "GET", "/readyz")
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.Equal(t, "jira: starting\nteleport: starting\n", w.Body.String())

	state["teleport"], state["jira"] = nil, errors.New("login refused:\n 401")
	w = ask(admin, "GET", "/readyz")
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.Equal(t, "jira: login refused: 401\n", w.Body.String())

	state["jira"] = errors.New("")
	require.Equal(t, "jira: not ready\n", ask(admin, "GET", "/readyz").Body.String())
	state["jira"] = nil
	require.Equal(t, http.StatusOK, ask(admin, "GET", "/readyz").Code)
}

func TestAdminEndpoints(t *testing.T) {
	registry := prometheus.NewRegistry()
	NewMetrics(registry)
	admin := Admin(registry, well, parts(map[string]error{"jira": errors.New("starting")}))
	for name, tc := range map[string]struct {
		method, path string
		status       int
		contains     string
	}{
		"alive while not ready": {"GET", "/healthz", 200, "ok"},
		"metrics":               {"GET", "/metrics", 200, "teleport_jira_certificate_expiry_timestamp_seconds"},
		"no writing":            {"POST", "/metrics", 405, ""},
		"no profiles":           {"GET", "/debug/pprof/", 404, ""},
		"no index":              {"GET", "/", 404, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := ask(admin, tc.method, tc.path)
			require.Equal(t, tc.status, w.Code)
			require.Contains(t, w.Body.String(), tc.contains)
		})
	}
}

func TestBrokenConnectionsDoNotFillTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, out := newLog()
		errorLog := slog.NewLogLogger(newErrorLog(log.Handler()), slog.LevelDebug)
		for range 1000 {
			errorLog.Print("http: TLS handshake error from 192.0.2.1:1: EOF")
		}
		require.Equal(t, 1, strings.Count(out.String(), "\n"))
		require.Contains(t, out.String(),
			`level=DEBUG msg="connection failed" error="TLS handshake error from 192.0.2.1:1: EOF" suppressed=0`)
		<-time.After(errorLogInterval)
		errorLog.Print("again")
		require.Equal(t, 2, strings.Count(out.String(), "\n"))
		require.Contains(t, out.String(), "error=again suppressed=999")
	})
}
