package jira

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"runtime/debug"
	"time"
)

// maxAnswer is the most bytes of an answer that are read.
const maxAnswer = 10 << 20

// baseTransport talks to Jira: TLS 1.2 or later, proxies from the environment,
// a timeout for every stage.
func baseTransport(cfg Config) (http.RoundTripper, error) {
	roots, err := cfg.roots()
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Timeout: cfg.ConnectTimeout, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    cfg.ConnectTimeout,
		ResponseHeaderTimeout:  cfg.HeaderTimeout,
		ExpectContinueTimeout:  time.Second,
		IdleConnTimeout:        90 * time.Second,
		MaxIdleConns:           cfg.Concurrency,
		MaxIdleConnsPerHost:    cfg.Concurrency,
		MaxResponseHeaderBytes: 1 << 20,
		ForceAttemptHTTP2:      true,
	}, nil
}

// newHTTPClient authenticates what it sends by next. Redirects are refused,
// since credentials would follow them to other hosts.
func newHTTPClient(cfg Config, next http.RoundTripper) *http.Client {
	return &http.Client{
		Transport:     &authenticated{username: cfg.Username, token: cfg.Token, agent: userAgent(), next: next},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// userAgent names the daemon and its version to Jira's administrators.
func userAgent() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return "teleport-jira/" + info.Main.Version
	}
	return "teleport-jira"
}

// authenticated adds credentials and the headers that every call carries.
type authenticated struct {
	username string
	token    TokenSource
	agent    string
	next     http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (a *authenticated) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	if token := a.token(); a.username != "" {
		req.SetBasicAuth(a.username, token)
	} else {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Accept-Language", "en") // status names are localised per user
	req.Header.Set("User-Agent", a.agent)
	return a.next.RoundTrip(req)
}

// drain reads what is left of a body, within bounds, so that the connection
// can be used again, and closes it.
func drain(body io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, body, 256<<10)
	_ = body.Close()
}
