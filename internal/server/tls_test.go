package server

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/stretchr/testify/require"
)

// pair is a self-signed certificate and its key, in PEM.
type pair struct{ cert, key []byte }

func newPair(t *testing.T, name string, expires time.Time) pair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: expires,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return pair{
		cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		key:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}),
	}
}

// write puts the pair into the files.
func (p pair) write(t *testing.T, f TLSFiles) {
	t.Helper()
	require.NoError(t, os.WriteFile(f.Cert, p.cert, 0o600))
	require.NoError(t, os.WriteFile(f.Key, p.key, 0o600))
}

// trusting is a client's configuration that trusts the pairs.
func trusting(t *testing.T, pairs ...pair) *tls.Config {
	t.Helper()
	pool := x509.NewCertPool()
	for _, p := range pairs {
		require.True(t, pool.AppendCertsFromPEM(p.cert))
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS10}
}

func files(t *testing.T) TLSFiles {
	t.Helper()
	dir := t.TempDir()
	return TLSFiles{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
}

func inAYear() time.Time { return time.Now().AddDate(1, 0, 0).Truncate(time.Second) }

func TestTLSVersionsAndProtocols(t *testing.T) {
	f, p := files(t), newPair(t, "a", inAYear())
	p.write(t, f)
	certs, err := LoadTLS(f)
	require.NoError(t, err)
	require.True(t, certs.Expires().Equal(inAYear()) || certs.Expires().Before(inAYear()))
	s, out := start(t, hello, certs)
	url := "https://" + s.Addr().String()

	resp, body, err := get(t, url, trusting(t, p))
	require.NoError(t, err)
	require.Equal(t, "hello", body)
	require.Equal(t, 2, resp.ProtoMajor)
	require.Equal(t, uint16(tls.VersionTLS13), resp.TLS.Version)

	old := trusting(t, p)
	old.MaxVersion = tls.VersionTLS12
	resp, _, err = get(t, url, old)
	require.NoError(t, err)
	require.Equal(t, uint16(tls.VersionTLS12), resp.TLS.Version)

	old = trusting(t, p)
	old.MaxVersion = tls.VersionTLS11
	_, _, err = get(t, url, old)
	require.ErrorContains(t, err, "protocol version")
	require.Eventually(t, func() bool { return strings.Contains(out.String(), "level=DEBUG msg=\"connection failed\"") },
		10*time.Second, 10*time.Millisecond)
}

func TestClientCertificates(t *testing.T) {
	f, p := files(t), newPair(t, "server", inAYear())
	p.write(t, f)
	client, other := newPair(t, "client", inAYear()), newPair(t, "other", inAYear())
	f.VerifyClients, f.ClientCA = true, filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(f.ClientCA, client.cert, 0o600))
	certs, err := LoadTLS(f)
	require.NoError(t, err)
	s, _ := start(t, hello, certs)
	as := func(who *pair) error {
		config := trusting(t, p)
		if who != nil {
			cert, err := tls.X509KeyPair(who.cert, who.key)
			require.NoError(t, err)
			config.Certificates = []tls.Certificate{cert}
		}
		_, _, err := get(t, "https://"+s.Addr().String(), config)
		return err
	}
	require.NoError(t, as(&client))
	require.Error(t, as(nil))
	require.Error(t, as(&other))

	// The CA is reloaded when it changes, like the certificate.
	require.NoError(t, os.WriteFile(f.ClientCA, other.cert, 0o600))
	s.reload()
	require.NoError(t, as(&other))
	require.Error(t, as(&client))
}

func TestRenewedCertificateIsTakenUp(t *testing.T) {
	f, first := files(t), newPair(t, "first", inAYear())
	first.write(t, f)
	certs, err := LoadTLS(f)
	require.NoError(t, err)
	s, out := start(t, hello, certs)
	name := func() string {
		conn, err := tls.Dial("tcp", s.Addr().String(), &tls.Config{InsecureSkipVerify: true})
		require.NoError(t, err)
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].Subject.CommonName
	}
	s.reload()
	require.Equal(t, "first", name())

	// Half of the new pair, and broken files: the old one stays.
	second := newPair(t, "second", inAYear())
	broken := func(want string) {
		before := len(out.String())
		s.reload()
		require.Equal(t, "first", name())
		require.Contains(t, out.String()[before:], `msg="certificate not reloaded, the old one stays in use"`)
		require.Contains(t, out.String()[before:], want)
	}
	require.NoError(t, os.WriteFile(f.Cert, second.cert, 0o600))
	broken("private key does not match")
	require.NoError(t, os.WriteFile(f.Key, second.key[:50], 0o600))
	broken("key.pem")
	require.NoError(t, os.Remove(f.Key))
	broken("no such file")

	second.write(t, f)
	s.reload()
	require.Equal(t, "second", name())
	require.Contains(t, out.String(), "certificate reloaded")
}

func TestClientCertificatesAreCheckedAgainstTheSystemsCAsByDefault(t *testing.T) {
	f := files(t)
	newPair(t, "server", inAYear()).write(t, f)
	f.VerifyClients = true
	certs, err := LoadTLS(f)
	require.NoError(t, err)
	require.Equal(t, tls.RequireAndVerifyClientCert, certs.config.ClientAuth)
	require.Nil(t, certs.config.ClientCAs)
}

func TestUseTLSSwapsForOtherFiles(t *testing.T) {
	registry := prometheus.NewRegistry()
	s := &Server{metrics: NewMetrics(registry)}
	for _, expires := range []time.Time{inAYear(), inAYear().AddDate(1, 0, 0)} {
		f := files(t)
		newPair(t, "x", expires).write(t, f)
		certs, err := LoadTLS(f)
		require.NoError(t, err)
		s.UseTLS(certs)
		families, err := registry.Gather()
		require.NoError(t, err)
		require.InDelta(t, float64(expires.Unix()), families[0].GetMetric()[0].GetGauge().GetValue(), 1)
		problems, err := promlint.NewWithMetricFamilies(families).Lint()
		require.NoError(t, err)
		require.Empty(t, problems)
	}
}

func TestChangedFilesAreReloadedOnceAChange(t *testing.T) {
	f, other := files(t), files(t)
	newPair(t, "first", inAYear()).write(t, f)
	newPair(t, "elsewhere", inAYear()).write(t, other)
	certs, err := LoadTLS(f)
	require.NoError(t, err)
	elsewhere, err := LoadTLS(other)
	require.NoError(t, err)
	second, third := newPair(t, "second", inAYear()), newPair(t, "third", inAYear())
	synctest.Test(t, func(t *testing.T) {
		log, out := newLog()
		s := &Server{log: log, metrics: NewMetrics(prometheus.NewRegistry()), replaced: make(chan struct{}, 1)}
		s.UseTLS(certs)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); s.watch(ctx) }()
		reloads := func(msg string) int {
			<-time.After(10 * watchInterval)
			synctest.Wait()
			return strings.Count(out.String(), `msg="certificate `+msg)
		}
		require.Zero(t, reloads("reloaded"))
		second.write(t, f)
		require.Equal(t, 1, reloads("reloaded"))
		require.NoError(t, os.Remove(f.Key))
		require.Equal(t, 1, reloads("not reloaded"), "a fault that stays is logged once")
		s.UseTLS(elsewhere)
		require.Equal(t, 1, reloads("not reloaded"), "nobody needs the old files any more")
		third.write(t, other)
		require.Equal(t, 2, reloads("reloaded"), "the files of the new configuration are watched")
		cancel()
		<-done
	})
}

func TestLoadTLSRefuses(t *testing.T) {
	good := newPair(t, "good", inAYear())
	for name, tc := range map[string]struct {
		spoil func(f *TLSFiles)
		want  string
	}{
		"no certificate":      {func(f *TLSFiles) { f.Cert = f.Cert + "x" }, "no such file"},
		"no key":              {func(f *TLSFiles) { f.Key = f.Key + "x" }, "no such file"},
		"key for certificate": {func(f *TLSFiles) { f.Cert = f.Key }, "failed to find certificate"},
		"no client CA": {func(f *TLSFiles) {
			f.VerifyClients, f.ClientCA = true, filepath.Join(filepath.Dir(f.Cert), "missing")
		}, "no such file"},
		"client CA without certificate": {func(f *TLSFiles) { f.VerifyClients, f.ClientCA = true, f.Key }, "no certificate in it"},
	} {
		t.Run(name, func(t *testing.T) {
			f := files(t)
			good.write(t, f)
			tc.spoil(&f)
			_, err := LoadTLS(f)
			require.ErrorContains(t, err, tc.want)
		})
	}
}
