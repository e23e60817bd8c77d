package preflight

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"
)

const (
	areaHTTP = "http"
	// renewBefore is how long before its end a certificate is worth a warning:
	// what renews certificates by itself does so earlier.
	renewBefore = 14 * 24 * time.Hour
	// probeTimeout bounds the call of the public address.
	probeTimeout = 10 * time.Second
)

// Listener is the webhook listener as it is configured.
type Listener struct {
	ListenAddr string
	PublicAddr string // empty: not known
	CertFile   string // empty: a proxy does TLS
	KeyFile    string
	// ClientCerts is set when callers need a client certificate. This host has none.
	ClientCerts bool
	Roots       *x509.CertPool // what the certificates are checked against; nil: the system's
}

// Webhook checks the certificate, the listener's address, and that a listener
// answers at the public address. It listens for a moment where nobody else does.
func Webhook(ctx context.Context, l Listener) []Finding {
	var out []Finding
	if l.CertFile != "" {
		out = l.certificate(time.Now())
	}
	listener := Listen(ctx, areaHTTP, l.ListenAddr)
	return append(out, listener, l.public(ctx, listener.Level == Warning))
}

// Listen checks that an address can be listened on.
func Listen(ctx context.Context, area, addr string) Finding {
	f := Finding{Area: area, Name: "listen_addr", Level: OK, Detail: addr + " is free to listen on"}
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", addr)
	switch {
	case err == nil:
		_ = listener.Close()
	case errors.Is(err, syscall.EADDRINUSE):
		f.Level, f.Detail = Warning, addr+" is in use"
		f.Fix = "none if the daemon itself is running; else find out who listens there, or change listen_addr"
	default:
		f.Level, f.Detail = Failure, err.Error()
		f.Fix = "change listen_addr; ports below 1024 need the capability CAP_NET_BIND_SERVICE"
	}
	return f
}

// certificate checks the files, the time, the chain and the name.
func (l Listener) certificate(now time.Time) []Finding {
	pair, err := tls.LoadX509KeyPair(l.CertFile, l.KeyFile)
	if err != nil {
		return []Finding{{
			Area: areaHTTP, Name: "certificate", Level: Failure, Detail: err.Error(),
			Fix: "set http.https_cert_file and http.https_key_file to a PEM certificate and its key that the daemon's user may read",
		}}
	}
	return []Finding{l.expiry(pair.Leaf, now), l.chain(pair, now), l.name(pair.Leaf)}
}

func (l Listener) expiry(leaf *x509.Certificate, now time.Time) Finding {
	f := Finding{
		Area: areaHTTP, Name: "certificate", Level: OK,
		Detail: fmt.Sprintf("of %s, valid until %s", strings.Join(names(leaf), ", "), leaf.NotAfter.UTC().Format(time.RFC3339)),
	}
	switch {
	case now.Before(leaf.NotBefore):
		f.Level, f.Fix = Failure, "it is valid from "+leaf.NotBefore.UTC().Format(time.RFC3339)+" only: check the clock"
	case !now.Before(leaf.NotAfter):
		f.Level, f.Fix = Failure, "it has expired: renew it"
	case leaf.NotAfter.Sub(now) < renewBefore:
		f.Level, f.Fix = Warning, "renew it soon; the daemon takes up the new files by itself"
	}
	return f
}

// chain checks that the file leads to a CA. Time is checked by itself.
func (l Listener) chain(pair tls.Certificate, now time.Time) Finding {
	f := Finding{Area: areaHTTP, Name: "certificate chain", Level: OK, Detail: "leads to a CA that this host trusts"}
	intermediates := x509.NewCertPool()
	for _, raw := range pair.Certificate[1:] {
		if cert, err := x509.ParseCertificate(raw); err == nil {
			intermediates.AddCert(cert)
		}
	}
	at := now
	if at.Before(pair.Leaf.NotBefore) || at.After(pair.Leaf.NotAfter) {
		at = pair.Leaf.NotBefore
	}
	_, err := pair.Leaf.Verify(x509.VerifyOptions{
		Roots: l.Roots, Intermediates: intermediates, CurrentTime: at,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	if err != nil {
		f.Level, f.Detail = Warning, err.Error()
		f.Fix = "put the intermediate certificates behind the certificate in http.https_cert_file; " +
			"Jira Cloud takes public CAs only, Data Center those in its Java trust store"
	}
	return f
}

// name checks that the certificate is for the host in the public address.
func (l Listener) name(leaf *x509.Certificate) Finding {
	f := Finding{Area: areaHTTP, Name: "certificate name", Level: OK}
	host := hostOf(l.PublicAddr)
	if host == "" {
		f.Level, f.Detail = Warning, "not checked: it is not known by which name Jira calls"
		f.Fix = "set http.public_addr"
		return f
	}
	f.Detail = "is for " + host
	if err := leaf.VerifyHostname(host); err != nil {
		f.Level, f.Detail = Failure, err.Error()
		f.Fix = "get a certificate for " + host + ", or correct http.public_addr"
	}
	return f
}

// public checks that the public address answers /status. Where nothing listens
// yet, no answer proves nothing, but its name has to be known all the same.
func (l Listener) public(ctx context.Context, running bool) Finding {
	f := Finding{Area: areaHTTP, Name: "public_addr", Level: OK}
	if l.PublicAddr == "" {
		f.Level, f.Detail, f.Fix = Warning, "not set, and so not checked", "set http.public_addr to the address that Jira calls"
		return f
	}
	if l.ClientCerts {
		f.Level, f.Detail = Warning, "not checked: callers have to show a client certificate"
		f.Fix = "call " + l.PublicAddr + "/status with one"
		return f
	}
	status, err := l.probe(ctx)
	switch {
	case err == nil && status == http.StatusOK:
		f.Detail = l.PublicAddr + " answers, seen from this host"
		return f
	case err == nil:
		f.Detail = fmt.Sprintf("%s/status answers %d", l.PublicAddr, status)
	default:
		f.Detail = err.Error()
	}
	f.Level, f.Fix = Failure, "check DNS, firewall, proxy and certificate on the way to listen_addr"
	var unknown *net.DNSError
	switch {
	case errors.As(err, &unknown):
		f.Fix = "correct the name in http.public_addr, or enter it in DNS: this host can't resolve it"
	case !running:
		f.Level, f.Fix = Warning, "check again while the daemon runs: nothing listens on listen_addr now"
	}
	return f
}

// probe asks for the status page, and follows no redirect: Jira does not either.
func (l Listener) probe(ctx context.Context) (status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(l.PublicAddr, "/")+"/status", http.NoBody)
	if err != nil {
		return 0, err
	}
	transport := &http.Transport{
		Proxy:             http.ProxyFromEnvironment,
		TLSClientConfig:   &tls.Config{RootCAs: l.Roots, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2: true,
	}
	defer transport.CloseIdleConnections()
	client := &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
			err = fmt.Errorf("%s does not answer within %s", l.PublicAddr, probeTimeout)
		}
		return 0, err
	}
	_ = resp.Body.Close()
	return resp.StatusCode, nil
}

func hostOf(addr string) string {
	u, err := url.Parse(addr)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// names returns the names in a certificate.
func names(leaf *x509.Certificate) []string {
	all := append([]string{}, leaf.DNSNames...)
	for _, ip := range leaf.IPAddresses {
		all = append(all, ip.String())
	}
	if len(all) == 0 {
		all = append(all, leaf.Subject.String())
	}
	return all
}
