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
