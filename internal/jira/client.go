// Package jira adapts Jira, Cloud and Data Center, to what the reconciler
// needs of a tracker: make an issue for a request, find it, read it, comment
// on it and move it.
//
// It talks REST version 2 through go-jira's client and decides nothing: it
// neither reads configuration files nor knows Teleport or the reconciler, it
// repeats no write, and it logs only what an operator may act on and
// nobody else would report. Everything Jira answers is untrusted: ids and keys
// are validated before they go into a path, answers are bounded and decoded by
// this package's own small types, and errors are decided by status alone.
package jira

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	gojira "github.com/andygrunwald/go-jira"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/singleflight"

	"teleport-jira/internal/access"
	"teleport-jira/internal/jira/throttle"
	"teleport-jira/internal/logging"
	"teleport-jira/internal/ttlcache"
)

// Deps are what a Client needs of the process around it.
type Deps struct {
	// Logger takes what an operator may act on, e.g. a field that Jira refuses.
	Logger *slog.Logger
	// Metrics may be shared by clients that follow one another; nil measures
	// without showing.
	Metrics *Metrics
	// Transport replaces the client's own connections; for tests. Limits,
	// credentials and metrics apply all the same.
	Transport http.RoundTripper
}

// Client is one Jira seen with one account. It is safe for concurrent use and
// has no goroutines of its own; Monitor is run by whoever wants outages watched.
type Client struct {
	cfg        Config
	log        *slog.Logger
	api        *gojira.Client
	http       *http.Client
	base       http.RoundTripper
	throttle   *throttle.Transport
	templates  *issueTemplates
	health     health
	proofs     singleflight.Group // of the login
	workflows  workflows
	names      *statusNames
	reductions reductions
	circuit    *circuit
	projects   *projects
	statuses   *statuses
	issueTypes *issueTypes
	further    *furtherProjects
	oauth      *oauthTokens // nil: the account has a token of its own

	server atomic.Pointer[serverInfo]
	self   atomic.Pointer[access.Actor]
	// browsed is when Jira last said that the account may browse users.
	browseProvenAt atomic.Pointer[time.Time]

	answers   largeSlots
	oversized *prometheus.CounterVec

	refusedFields  *logging.Once                         // warned of
	largeIssues    *logging.Once                         // warned of
	accounts       *ttlcache.Cache[string, access.Actor] // found, by handle
	groups         *ttlcache.Cache[string, []groupJSON]  // of accounts, by account id
	requesters     *ttlcache.Cache[string, requester]    // by Teleport user
	requesterCalls singleflight.Group                    // by Teleport user
	fieldIDs       atomic.Pointer[map[string]string]     // by lower-case name; nil until read
}

// serverInfo is what the client needs to know of the server.
type serverInfo struct {
	BaseURL        string `json:"baseUrl"`
	DeploymentType string `json:"deploymentType"`
	Version        string `json:"version"`
	cloud          bool
}

func (i *serverInfo) isComplete() bool {
	return i.BaseURL != "" || i.DeploymentType != "" || i.Version != ""
}

// New makes a client. It makes no call; Preflight proves that Jira can be used.
// It fails on templates that can't be used, all at once, and on a CA file that
// can't be read.
func New(cfg Config, deps Deps) (*Client, error) {
	cfg = cfg.withDefaults()
	cfg.URL = strings.TrimRight(cfg.URL, "/")
	templates, err := parseTemplates(cfg.Issue)
	if err != nil {
		return nil, err
	}
	if deps.Logger == nil {
		deps.Logger = slog.New(slog.DiscardHandler)
	}
	if deps.Metrics == nil {
		deps.Metrics, _ = NewMetrics(nil) // fails only where it registers
	}
	base := deps.Transport
	if base == nil {
		if base, err = baseTransport(cfg); err != nil {
			return nil, err
		}
	}
	c := &Client{
		cfg:           cfg,
		log:           deps.Logger,
		base:          base,
		templates:     templates,
		answers:       make(largeSlots, largeAnswers),
		oversized:     deps.Metrics.oversized,
		refusedFields: logging.NewOnce(0),
		largeIssues:   logging.NewOnce(time.Hour),
		accounts:      ttlcache.New[string, access.Actor](maxAccounts, 0),
		groups:        ttlcache.New[string, []groupJSON](maxAccounts, groupTTL),
		requesters:    ttlcache.New[string, requester](maxRequesters, requesterTTL),
		workflows:     newWorkflows(),
		names:         newStatusNames(),
		reductions:    newReductions(),
		circuit:       newCircuit(),
		projects:      newProjects(),
		statuses:      newStatuses(),
		issueTypes:    newIssueTypes(),
		further:       newFurtherProjects(),
	}
	measuredBase := &measured{calls: deps.Metrics.calls, next: base}
	c.throttle = throttle.NewTransport(throttle.Config{
		Concurrency: cfg.Concurrency, RequestsPerSecond: cfg.RequestsPerSecond,
	}, deps.Metrics.throttle, &circuitTransport{circuit: c.circuit, next: measuredBase})
	if cfg.OAuth != nil {
		c.oauth = newOAuthTokens(*cfg.OAuth, base)
	}
	c.http = newHTTPClient(cfg, c.oauth, &probeTransport{circuit: c.circuit, held: c.throttle, direct: measuredBase})
	api, err := gojira.NewClient(c.http, cfg.URL+"/")
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	c.api = api
	return c, nil
}

// Close closes idle connections. Calls made afterwards still work.
func (c *Client) Close() {
	if base, ok := c.base.(interface{ CloseIdleConnections() }); ok {
		base.CloseIdleConnections()
	}
}

// Connect proves that Jira answers and that the account is logged in, and
// learns the deployment, the address for links and who the account is. A Jira
// that is away is a temporary error, a refused login an unauthenticated one.
func (c *Client) Connect(ctx context.Context) error {
	if _, err := c.info(ctx); err != nil {
		return err
	}
	self, err := c.myself(ctx)
	if err != nil {
		return err
	}
	c.self.Store(&self)
	return nil
}

// Self is the daemon's own account; zero until Connect or Preflight succeeded.
func (c *Client) Self() access.Actor {
	if self := c.self.Load(); self != nil {
		return *self
	}
	return access.Actor{}
}

// BrowseURL is the page of an issue, or "" for what is not a key.
func (c *Client) BrowseURL(key string) string {
	if _, err := access.ParseIssueKey(key); err != nil {
		return ""
	}
	base := c.cfg.URL
	if info := c.server.Load(); info != nil && info.BaseURL != "" {
		base = info.BaseURL
	}
	return strings.TrimRight(base, "/") + "/browse/" + key
}

// info is the server's description, asked for once.
func (c *Client) info(ctx context.Context) (serverInfo, error) {
	if known := c.server.Load(); known != nil {
		return *known, nil
	}
	var info serverInfo
	if err := c.call(ctx, call{
		op: "read server info", method: http.MethodGet, endpoint: "/serverInfo", path: "/serverInfo", read: true, essential: true,
	}, &info); err != nil {
		return serverInfo{}, err
	}
	switch c.cfg.Deployment {
	case Cloud:
		info.cloud = true
	case DataCenter:
	default:
		info.cloud = info.DeploymentType == "Cloud"
	}
	if u, err := url.Parse(info.BaseURL); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		info.BaseURL = ""
	}
	c.throttle.SetCloud(info.cloud)
	c.server.Store(&info)
	return info, nil
}

const myselfEndpoint = "/myself"

var errAnonymous = errors.New("the account is anonymous: Jira does not say who it is")

// myselfCall asks who the daemon's account is.
func myselfCall() call {
	return call{op: "read own account", method: http.MethodGet, endpoint: myselfEndpoint, path: myselfEndpoint, read: true, essential: true}
}

// myself proves the login: with a wrong token other endpoints may still answer
// as to anybody.
func (c *Client) myself(ctx context.Context) (access.Actor, error) {
	k := myselfCall()
	var me account
	if err := c.call(ctx, k, &me); err != nil {
		return access.Actor{}, err
	}
	self := me.actor()
	if self.ID == "" {
		anonymous := k.error(access.Unauth, errAnonymous)
		c.health.record(k, anonymous)
		return access.Actor{}, anonymous
	}
	return self, nil
}

// isConfigured reports whether a project is one of the configured ones, or has
// been found usable beside them.
func (c *Client) isConfigured(project string) bool {
	return slices.Contains(c.cfg.Projects, project) || slices.Contains(c.further.proven(), project)
}

// IsCloud reports whether it is Jira Cloud; Connect has to have succeeded.
func (c *Client) IsCloud() bool {
	info := c.server.Load()
	return info != nil && info.cloud
}
