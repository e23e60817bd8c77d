package jira

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"teleport-jira/internal/jira/throttle"
)

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
func newHTTPClient(cfg Config, tokens *oauthTokens, next http.RoundTripper) *http.Client {
	var login http.RoundTripper = &loginTransport{username: cfg.Username, token: cfg.Token, next: next}
	if tokens != nil {
		login = &oauthTransport{tokens: tokens, next: next}
	}
	return &http.Client{
		Transport:     &headerTransport{agent: userAgent(), next: login},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Login returns a client that authenticates as the account of the configuration, for
// what an administrator does. It keeps to no limits.
func Login(cfg Config) (*http.Client, error) {
	cfg = cfg.withDefaults()
	base, err := baseTransport(cfg)
	if err != nil {
		return nil, err
	}
	var tokens *oauthTokens
	if cfg.OAuth != nil {
		tokens = newOAuthTokens(*cfg.OAuth, base)
	}
	login := newHTTPClient(cfg, tokens, base)
	login.Timeout = cfg.CallTimeout
	return login, nil
}

// userAgent names the daemon and its version to Jira's administrators.
func userAgent() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return "teleport-jira/" + info.Main.Version
	}
	return "teleport-jira"
}

// loginTransport adds the account's own credentials.
type loginTransport struct {
	username string
	token    TokenSource
	next     http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t *loginTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	token := t.token()
	if t.username == "" {
		return t.next.RoundTrip(bearing(req, token))
	}
	req = req.Clone(req.Context())
	req.SetBasicAuth(t.username, token)
	return t.next.RoundTrip(req)
}

// headerTransport adds the headers that every call carries.
type headerTransport struct {
	agent string
	next  http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (a *headerTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
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

// Metrics are what the package measures. One Metrics serves all clients of a
// process, so that a reload may build a new client. Endpoint labels are
// templates, never paths, so that their number is bounded.
type Metrics struct {
	calls     *prometheus.HistogramVec
	oversized *prometheus.CounterVec
	throttle  *throttle.Metrics
}

// NewMetrics registers the metrics with reg, unless reg is nil. It fails when
// they are registered already.
func NewMetrics(reg prometheus.Registerer) (*Metrics, error) {
	calls := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "teleport_jira_call_duration_seconds",
		Help:    "Calls to Jira by endpoint, method and HTTP status (error: no answer).",
		Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
	}, []string{"endpoint", "method", "status"})
	oversized := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "teleport_jira_oversized_issues_total",
		Help: "Issues too large to be read like others, by what was done: read in parts, or left out of a search.",
	}, []string{"handling"})
	for _, handling := range []string{readInParts, leftOut} {
		oversized.WithLabelValues(handling)
	}
	throttled, err := throttle.NewMetrics(reg)
	if reg != nil {
		err = errors.Join(err, reg.Register(calls), reg.Register(oversized))
	}
	return &Metrics{calls: calls, oversized: oversized, throttle: throttled}, err
}

// What is done about an issue that is too large, as metrics name it.
const (
	readInParts = "in_parts"
	leftOut     = "left_out"
)

// measured times calls.
type measured struct {
	calls *prometheus.HistogramVec
	next  http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (m *measured) RoundTrip(req *http.Request) (*http.Response, error) {
	start := time.Now()
	resp, err := m.next.RoundTrip(req)
	status := "error"
	if err == nil {
		status = strconv.Itoa(resp.StatusCode)
	}
	m.calls.WithLabelValues(throttle.CallOf(req.Context()).Endpoint, req.Method, status).Observe(time.Since(start).Seconds())
	return resp, err
}
