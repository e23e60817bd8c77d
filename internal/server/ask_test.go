package server

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAskReportsWhetherAListenerIsAlive(t *testing.T) {
	t.Parallel()
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	plain, _ := start(t, handler, nil)
	require.NoError(t, Ask(t.Context(), plain.Addr().String(), "/healthz", false))
	require.ErrorContains(t, Ask(t.Context(), plain.Addr().String(), "/readyz", false), "status 503")
	require.Error(t, Ask(t.Context(), plain.Addr().String(), "/healthz", true), "it speaks no TLS")
	require.ErrorContains(t, Ask(t.Context(), "127.0.0.1:1", "/healthz", false), "refused")
	require.ErrorContains(t, Ask(t.Context(), "no port\x7f", "/healthz", false), "ask no port")
}

func TestAskIsContentWithAHandshakeWhereClientCertificatesAreAskedFor(t *testing.T) {
	t.Parallel()
	f, p := files(t), newPair(t, "server", inAYear())
	p.write(t, f)
	f.VerifyClients, f.ClientCA = true, f.Cert
	certs, err := LoadTLS(f)
	require.NoError(t, err)
	s, _ := start(t, hello, certs)
	require.NoError(t, Ask(t.Context(), s.Addr().String(), "/status", true))
	require.Error(t, Ask(t.Context(), s.Addr().String(), "/status", false), "it speaks TLS")
}

func TestListenersOnAllAddressesAreAskedOnLoopback(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{
		":8082":            "127.0.0.1:8082",
		"0.0.0.0:8082":     "127.0.0.1:8082",
		"[::]:8082":        "[::1]:8082",
		"10.1.2.3:8082":    "10.1.2.3:8082",
		"host.example:443": "host.example:443",
	} {
		require.Equal(t, want, local(addr), addr)
	}
}
