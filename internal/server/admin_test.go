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

func TestHealthIsWhatAliveSays(t *testing.T) {
	var err error
	admin := Admin(prometheus.NewRegistry(), NewHealth("jira"), func() error { return err })
	require.Equal(t, http.StatusOK, ask(admin, "GET", "/healthz").Code, "while nothing is ready")
	err = errors.New("the poll has not moved for 6m0s")
	w := ask(admin, "GET", "/healthz")
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.Equal(t, "the poll has not moved for 6m0s\n", w.Body.String())
}

func TestReadiness(t *testing.T) {
	health := NewHealth("teleport", "jira")
	admin := Admin(prometheus.NewRegistry(), health, well)
	w := ask(admin, "GET", "/readyz")
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.Equal(t, "jira: starting\nteleport: starting\n", w.Body.String())

	health.Set("teleport", nil)
	health.Set("jira", errors.New("login refused:\n 401"))
	w = ask(admin, "GET", "/readyz")
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.Equal(t, "jira: login refused: 401\n", w.Body.String())
	require.Equal(t, []string{"jira: login refused: 401"}, health.Reasons())

	health.Set("jira", nil)
	health.Set("late", errors.New(""))
	require.Equal(t, []string{"late: not ready"}, health.Reasons())
	health.Set("late", nil)
	require.Equal(t, http.StatusOK, ask(admin, "GET", "/readyz").Code)
	require.Empty(t, health.Reasons())
}

func TestAdminEndpoints(t *testing.T) {
	registry := prometheus.NewRegistry()
	NewMetrics(registry)
	admin := Admin(registry, NewHealth("jira"), well)
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
		errorLog := slog.NewLogLogger(newQuiet(log.Handler()), slog.LevelDebug)
		for range 1000 {
			errorLog.Print("http: TLS handshake error from 192.0.2.1:1: EOF")
		}
		require.Equal(t, quietBurst, strings.Count(out.String(), "\n"))
		require.Contains(t, out.String(), `level=DEBUG msg="connection failed" error="TLS handshake error from 192.0.2.1:1: EOF"`)
		<-time.After(time.Second)
		errorLog.Print("again")
		require.Equal(t, quietBurst+quietPerSecond, strings.Count(out.String(), "\n"))
	})
}
