package teleport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"time"

	"github.com/gravitational/teleport/api/client"
	"github.com/gravitational/teleport/api/client/webclient"
	"github.com/gravitational/teleport/api/constants"
	tracessh "github.com/gravitational/teleport/api/observability/tracing/ssh"
	"github.com/gravitational/teleport/api/utils/sshutils"
	"golang.org/x/crypto/ssh"

	"teleport-jira/internal/access"
)

const (
	// probeTimeout bounds the probe of an address.
	probeTimeout = 5 * time.Second
	// maxFindSize bounds what a Proxy says of itself, in bytes.
	maxFindSize = 1 << 20
)

// Reasons why an address does not lead to a cluster, each with a fix of its own.
var (
	errUntrusted   = errors.New("the web certificate of the Proxy Service is not trusted")
	errOtherName   = errors.New("the Proxy Service answers under another name")
	errNotTeleport = errors.New("no Teleport answers there")
	errHostCA      = errors.New("the Auth Service's certificate is not of a CA in the identity: " +
		"the identity is another cluster's, or the cluster's host CA was rotated since")
)

// webRoots returns the CAs that a Proxy's web certificate is checked against;
// nil means the system's. The file is read anew, so that it may be replaced.
func (c Config) webRoots() (*x509.CertPool, error) {
	if c.CAFile == "" {
		return nil, nil //nolint:nilnil // crypto/tls reads nil as the system's
	}
	pem, err := os.ReadFile(c.CAFile)
	if err != nil {
		return nil, fmt.Errorf("teleport.ca_file: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("system certificates: %w", err)
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("teleport.ca_file: no certificate in %s", c.CAFile)
	}
	return pool, nil
}

// find reads what the Proxy at the address publishes of itself. Redirects are
// not followed: they are how a Proxy answers to a name that is not its own.
func (c Config) find(ctx context.Context) (*webclient.PingResponse, error) {
	roots, err := c.webRoots()
	if err != nil {
		return nil, &access.Error{Op: opConnect, Key: c.Addr, Class: access.Permanent, Err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	address := url.URL{Scheme: "https", Host: c.Addr, Path: "/webapi/find"}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	web := &http.Client{
		Transport: &http.Transport{
			Proxy:             http.ProxyFromEnvironment,
			TLSClientConfig:   &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			DisableKeepAlives: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := web.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if to, err := resp.Location(); err == nil && to.Host != req.URL.Host {
		return nil, fmt.Errorf("%w: %q", errOtherName, to.Host)
	}
	var found webclient.PingResponse
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxFindSize)).Decode(&found); err != nil {
		return nil, fmt.Errorf("%w: /webapi/find is answered with status %d and no JSON", errNotTeleport, resp.StatusCode)
	}
	return &found, nil
}

// service is what answers at an address.
type service int

const (
	unknownService service = iota // not found out
	proxyService
	authService
)

// probe finds out what answers at the address before all ways to a cluster are
// tried at once, which takes as long as the slowest of them and says which way
// failed, not why. An error means that no way can work.
func (c Config) probe(ctx context.Context, creds client.Credentials) (service, error) {
	_, err := c.find(ctx)
	var (
		refused *access.Error
		wrong   *tls.CertificateVerificationError
		noName  *net.DNSError
		network *net.OpError
	)
	switch {
	case err == nil:
		return proxyService, nil
	case errors.As(err, &refused), errors.Is(err, errOtherName), errors.Is(err, errNotTeleport):
		return unknownService, err
	case errors.As(err, &wrong) && len(wrong.UnverifiedCertificates) > 0:
		cert := wrong.UnverifiedCertificates[0]
		if slices.Contains(cert.DNSNames, constants.APIDomain) {
			return authService, checkHostCA(creds, cert)
		}
		return proxyService, fmt.Errorf("%w: %w", errUntrusted, wrong.Err)
	case errors.As(err, &noName):
		return unknownService, noName
	case errors.As(err, &network) && network.Op == "dial":
		return unknownService, network
	}
	return unknownService, nil
}

// checkHostCA fails when the certificate of an Auth Service is not of a CA that
// the identity trusts.
func checkHostCA(creds client.Credentials, cert *x509.Certificate) error {
	cfg, err := creds.TLSConfig()
	if err != nil {
		return err
	}
	if cfg.RootCAs == nil {
		return nil
	}
	_, err = cert.Verify(x509.VerifyOptions{Roots: cfg.RootCAs, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	if errors.As(err, new(x509.UnknownAuthorityError)) {
		return errHostCA
	}
	return nil
}

// tcpKeepAlive is the interval of TCP keepalives to a Proxy.
const tcpKeepAlive = 15 * time.Second

// proxyDialer dials an Auth Service through the SSH tunnel of a Proxy. It does
// as the client's own dialers, which know the system's CAs only: a Proxy's web
// certificate may be of a CA in Config.CAFile.
type proxyDialer struct {
	cfg     Config
	ssh     *ssh.ClientConfig
	refused func(error) // called when the Proxy refuses the certificate
}

// DialContext implements client.ContextDialer. The address is the Proxy's,
// whatever the caller names.
func (d *proxyDialer) DialContext(ctx context.Context, network, _ string) (net.Conn, error) {
	found, err := d.cfg.find(ctx)
	if err != nil {
		return nil, err
	}
	addr, err := found.Proxy.TunnelAddr()
	if err != nil {
		return nil, err
	}
	conn, err := client.NewDialer(ctx, tcpKeepAlive, dialTimeout).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	if found.Proxy.TLSRoutingEnabled {
		if conn, err = d.routeToTunnel(ctx, conn, addr); err != nil {
			return nil, err
		}
	}
	tunnel, err := d.openTunnel(ctx, conn, addr)
	if err != nil {
		_ = conn.Close()
		if certificateRefused(err) {
			d.refused(err)
		}
		return nil, err
	}
	return tunnel, nil
}

// routeToTunnel asks a Proxy with one port for everything for its SSH tunnel. It
// closes conn when that fails.
func (d *proxyDialer) routeToTunnel(ctx context.Context, conn net.Conn, addr string) (net.Conn, error) {
	roots, err := d.cfg.webRoots()
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	host, _, err := webclient.ParseHostPort(addr)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	routed := tls.Client(conn, &tls.Config{
		NextProtos: []string{constants.ALPNSNIProtocolReverseTunnel},
		RootCAs:    roots, ServerName: host, MinVersion: tls.VersionTLS12,
	})
	if err := routed.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return routed, nil
}

// openTunnel opens a channel to the Auth Service that owns the connection.
func (d *proxyDialer) openTunnel(ctx context.Context, conn net.Conn, addr string) (net.Conn, error) {
	cfg := *d.ssh
	cfg.Timeout = dialTimeout
	session, err := tracessh.NewClientConnWithDeadline(ctx, conn, addr, &cfg)
	if err != nil {
		return nil, err
	}
	tunnel, _, err := sshutils.ConnectProxyTransport(session.Conn, &sshutils.DialReq{Address: constants.RemoteAuthServer}, true)
	if err != nil {
		_ = session.Close()
		return nil, err
	}
	return tunnel, nil
}
