package preflight_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/preflight"
)

// authority signs the certificates of a test.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-1000 * time.Hour), NotAfter: time.Now().Add(10000 * time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	a.cert, a.key = a.sign(template, template, nil)
	return a
}

// sign makes a certificate; a nil key means that it signs itself.
func (a *authority) sign(template, parent *x509.Certificate, key *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(a.t, err)
	if key == nil {
		key = own
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, parent, &own.PublicKey, key)
	require.NoError(a.t, err)
	cert, err := x509.ParseCertificate(raw)
	require.NoError(a.t, err)
	return cert, own
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// files writes a certificate for the name, valid from now+from to now+until.
func (a *authority) files(name string, from, until time.Duration) (certFile, keyFile string) {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: []string{name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(from), NotAfter: time.Now().Add(until), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	cert, key := a.sign(template, a.cert, a.key)
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(a.t, err)
	dir := a.t.TempDir()
	certFile, keyFile = filepath.Join(dir, "crt"), filepath.Join(dir, "key")
	require.NoError(a.t, os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}), 0o600))
	require.NoError(a.t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}), 0o600))
	return certFile, keyFile
}

// serve is a listener with a certificate that answers every path alike.
func serve(t *testing.T, certFile, keyFile string, status int) (url, addr string) {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	require.NoError(t, err)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/status" {
			status = http.StatusNotFound
		}
		w.Header().Set("Location", "https://127.0.0.1:1/")
		w.WriteHeader(status)
	}))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL, s.Listener.Addr().String()
}

func byName(findings []preflight.Finding) map[string]preflight.Finding {
	all := map[string]preflight.Finding{}
	for _, f := range findings {
		all[f.Name] = f
	}
	return all
}

func TestWebhookThatRunsAndIsReachedIsOK(t *testing.T) {
	ca := newAuthority(t)
	certFile, keyFile := ca.files("jira.example.com", -time.Hour, 1000*time.Hour)
	url, addr := serve(t, certFile, keyFile, http.StatusOK)
	got := byName(preflight.Webhook(t.Context(), preflight.Listener{
		ListenAddr: addr, PublicAddr: url + "/", CertFile: certFile, KeyFile: keyFile, Roots: ca.pool(),
	}))
	for _, name := range []string{"certificate", "certificate chain", "certificate name", "public_addr"} {
		require.Equal(t, preflight.OK, got[name].Level, "%v", got[name])
		require.Empty(t, got[name].Fix)
	}
	require.Equal(t, preflight.Warning, got["listen_addr"].Level, "somebody listens there")
}

func TestWebhookFaults(t *testing.T) {
	ca := newAuthority(t)
	good, goodKey := ca.files("127.0.0.1", -time.Hour, 1000*time.Hour)
	for name, tc := range map[string]struct {
		name        string
		from, until time.Duration
		roots       *x509.CertPool
		status      int
		change      func(*preflight.Listener)
		check       string
		level       preflight.Level
		detail      string
	}{
		"expired": {from: -2 * time.Hour, until: -time.Hour, check: "certificate", level: preflight.Failure, detail: "valid until"},
		"not yet valid": {
			from: time.Hour, until: 1000 * time.Hour, check: "certificate", level: preflight.Failure, detail: "valid until",
		},
		"ends soon": {until: 24 * time.Hour, check: "certificate", level: preflight.Warning, detail: "valid until"},
		"chain of an expired one": {
			from: -2 * time.Hour, until: -time.Hour, check: "certificate chain", level: preflight.OK, detail: "leads to a CA",
		},
		"unknown CA": {roots: x509.NewCertPool(), check: "certificate chain", level: preflight.Warning, detail: "unknown authority"},
		"other name": {
			change: func(d *preflight.Listener) { d.PublicAddr = "https://other.example.com:1" },
			check:  "certificate name", level: preflight.Failure, detail: "other.example.com",
		},
		"no public address": {
			change: func(d *preflight.Listener) { d.PublicAddr = "" }, check: "public_addr", level: preflight.Warning, detail: "not set",
		},
		"no public address, name": {
			change: func(d *preflight.Listener) { d.PublicAddr = "" }, check: "certificate name", level: preflight.Warning, detail: "not checked",
		},
		"key of another": {
			change: func(d *preflight.Listener) { d.KeyFile = goodKey }, check: "certificate", level: preflight.Failure, detail: "private key",
		},
		"no file": {
			change: func(d *preflight.Listener) { d.CertFile = good + ".gone" }, check: "certificate", level: preflight.Failure, detail: "no such file",
		},
		"answers something else": {status: http.StatusFound, check: "public_addr", level: preflight.Failure, detail: "answers 302"},
		"nobody answers, daemon runs": {
			change: func(d *preflight.Listener) { d.PublicAddr = "https://127.0.0.1:1" },
			check:  "public_addr", level: preflight.Failure, detail: "refused",
		},
		"nobody answers, nobody listens": {
			change: func(d *preflight.Listener) { d.PublicAddr, d.ListenAddr = "https://127.0.0.1:1", "127.0.0.1:0" },
			check:  "public_addr", level: preflight.Warning, detail: "refused",
		},
		"unknown name, nobody listens": {
			change: func(d *preflight.Listener) {
				// Too long for a label: no resolver is asked.
				d.PublicAddr, d.ListenAddr = "https://"+strings.Repeat("a", 64)+".example.com", "127.0.0.1:0"
			},
			check: "public_addr", level: preflight.Failure, detail: "no such host",
		},
		"client certificates": {
			change: func(d *preflight.Listener) { d.ClientCerts = true }, check: "public_addr", level: preflight.Warning, detail: "client certificate",
		},
		"address of another host": {
			change: func(d *preflight.Listener) { d.ListenAddr = "192.0.2.1:1" }, check: "listen_addr", level: preflight.Failure, detail: "192.0.2.1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.from == 0 {
				tc.from = -time.Hour
			}
			if tc.until == 0 {
				tc.until = 1000 * time.Hour
			}
			if tc.status == 0 {
				tc.status = http.StatusOK
			}
			certFile, keyFile := ca.files("jira.example.com", tc.from, tc.until)
			url, addr := serve(t, certFile, keyFile, tc.status)
			d := preflight.Listener{ListenAddr: addr, PublicAddr: url, CertFile: certFile, KeyFile: keyFile, Roots: ca.pool()}
			if tc.roots != nil {
				d.Roots = tc.roots
			}
			if tc.change != nil {
				tc.change(&d)
			}
			found := byName(preflight.Webhook(t.Context(), d))[tc.check]
			require.Equal(t, tc.level, found.Level, "%v", found)
			require.Contains(t, found.Detail, tc.detail)
			require.Equal(t, found.Level == preflight.OK, found.Fix == "")
		})
	}
}

func TestListenerThatIsFreeIsLeftFree(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := listener.Addr().String()
	require.Equal(t, preflight.Warning, preflight.Listen(t.Context(), "telemetry", addr).Level)
	require.NoError(t, listener.Close())
	require.Equal(t, preflight.OK, preflight.Listen(t.Context(), "telemetry", addr).Level)
	again, err := net.Listen("tcp", addr)
	require.NoError(t, err)
	require.NoError(t, again.Close())
}
