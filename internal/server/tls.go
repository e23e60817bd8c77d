package server

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// TLSFiles names the files that a listener's TLS is made of, in PEM.
type TLSFiles struct {
	Cert          string // the certificate and what chains it to its CA
	Key           string
	VerifyClients bool   // ask for client certificates, and refuse those without
	ClientCA      string // what client certificates are checked against; empty: the system's CAs
}

// TLS is what TLSFiles held when they were read. It never changes.
type TLS struct {
	files   TLSFiles
	config  *tls.Config
	sum     [sha256.Size]byte // of the files' contents
	expires time.Time
}

// LoadTLS reads the files. It fails where one is missing, is no PEM, or where
// key and certificate don't belong together. TLS is 1.2 or later with Go's
// choice of cipher suites.
func LoadTLS(files TLSFiles) (*TLS, error) {
	c, err := readFiles(files)
	if err != nil {
		return nil, err
	}
	return c.parse(files)
}

// Expires is when the certificate does.
func (t *TLS) Expires() time.Time { return t.expires }

// renew is t itself while its files hold what they held, else what they hold now.
func (t *TLS) renew() (*TLS, error) {
	c, err := readFiles(t.files)
	if err != nil {
		return nil, err
	}
	if c.sum() == t.sum {
		return t, nil
	}
	return c.parse(t.files)
}

// contents is what the files hold.
type contents struct{ cert, key, clientCA []byte }

// readFiles reads all files that are named.
func readFiles(files TLSFiles) (contents, error) {
	var c contents
	for _, f := range []struct {
		path string
		into *[]byte
	}{{files.Cert, &c.cert}, {files.Key, &c.key}, {files.ClientCA, &c.clientCA}} {
		if f.path == "" {
			continue
		}
		data, err := os.ReadFile(f.path)
		if err != nil {
			return contents{}, err
		}
		*f.into = data
	}
	return c, nil
}

// sum tells contents apart.
func (c contents) sum() [sha256.Size]byte {
	h := sha256.New()
	for _, part := range [][]byte{c.cert, c.key, c.clientCA} {
		sum := sha256.Sum256(part)
		h.Write(sum[:])
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// parse makes a TLS of the contents.
func (c contents) parse(files TLSFiles) (*TLS, error) {
	pair, err := tls.X509KeyPair(c.cert, c.key)
	if err != nil {
		return nil, fmt.Errorf("certificate %s with key %s: %w", files.Cert, files.Key, err)
	}
	t := &TLS{files: files, sum: c.sum(), expires: pair.Leaf.NotAfter}
	t.config = &tls.Config{
		MinVersion:   tls.VersionTLS12,
		NextProtos:   protocols(),
		Certificates: []tls.Certificate{pair},
	}
	if !files.VerifyClients {
		return t, nil
	}
	t.config.ClientAuth = tls.RequireAndVerifyClientCert
	if files.ClientCA != "" {
		t.config.ClientCAs = x509.NewCertPool()
		if !t.config.ClientCAs.AppendCertsFromPEM(c.clientCA) {
			return nil, fmt.Errorf("client CA %s: no certificate in it", files.ClientCA)
		}
	}
	return t, nil
}

// protocols is what is offered to clients, the best first.
func protocols() []string { return []string{"h2", "http/1.1"} }

// Metrics is what a server with TLS measures.
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
