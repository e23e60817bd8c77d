package server

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"teleport-jira/internal/filewatch"
)

// TLSFiles names the files for a listener's TLS, in PEM.
type TLSFiles struct {
	Cert          string // the certificate and what chains it to its CA
	Key           string
	VerifyClients bool   // ask for client certificates, and refuse those without
	ClientCA      string // what client certificates are checked against; empty: the system's CAs
}

// paths returns the files that are named.
func (f TLSFiles) paths() []string {
	return slices.DeleteFunc([]string{f.Cert, f.Key, f.ClientCA}, func(path string) bool { return path == "" })
}

// TLS holds the contents of TLSFiles, as they were when read. It never changes.
type TLS struct {
	files   TLSFiles
	config  *tls.Config
	sum     filewatch.Sum // of the files
	expires time.Time
}

// LoadTLS reads the files. It fails where one is missing, is no PEM, or where
// key and certificate don't belong together. TLS is 1.2 or later with Go's
// choice of cipher suites.
func LoadTLS(files TLSFiles) (*TLS, error) {
	// Before they are read, so that a change between is seen as one.
	sum := filewatch.SumOf(files.paths()...)
	pair, err := tls.LoadX509KeyPair(files.Cert, files.Key)
	if err != nil {
		return nil, fmt.Errorf("certificate %s with key %s: %w", files.Cert, files.Key, err)
	}
	t := &TLS{files: files, sum: sum, expires: pair.Leaf.NotAfter}
	t.config = &tls.Config{
		MinVersion:   tls.VersionTLS12,
		NextProtos:   protocols(),
		Certificates: []tls.Certificate{pair},
	}
	if !files.VerifyClients {
		return t, nil
	}
	t.config.ClientAuth = tls.RequireAndVerifyClientCert
	if files.ClientCA == "" {
		return t, nil
	}
	pem, err := os.ReadFile(files.ClientCA)
	if err != nil {
		return nil, fmt.Errorf("client CA: %w", err)
	}
	t.config.ClientCAs = x509.NewCertPool()
	if !t.config.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("client CA %s: no certificate in it", files.ClientCA)
	}
	return t, nil
}

// Expires returns when the certificate does.
func (t *TLS) Expires() time.Time { return t.expires }

// protocols returns what is offered to clients, the best first.
func protocols() []string { return []string{"h2", "http/1.1"} }

// Metrics are the metrics of a server with TLS.
type Metrics struct {
	expiry prometheus.Gauge
}

// NewMetrics registers the metrics.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{expiry: prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "teleport_jira_certificate_expiry_timestamp_seconds",
		Help: "When the webhook listener's certificate expires, in Unix seconds.",
	})}
	r.MustRegister(m.expiry)
	return m
}
