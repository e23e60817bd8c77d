// Package teleport is the adapter to a Teleport cluster: it connects with an
// identity file or a key pair and renews them, reads Access Requests, keeps
// the record in plugin data, submits decisions and watches for changes.
//
// It knows package access and the Auth Service's client only. It may not know
// Jira, decide what to do about a request, or retry a write: an error is
// returned with its class, and the caller retries. Error types of the client
// do not leave the package, other than wrapped.
package teleport

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gravitational/teleport/api/breaker"
	"github.com/gravitational/teleport/api/client"
	"github.com/gravitational/teleport/api/client/accessmonitoringrules"
	"github.com/gravitational/teleport/api/client/proto"
	userspb "github.com/gravitational/teleport/api/gen/proto/go/teleport/users/v1"
	"github.com/gravitational/teleport/api/types"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"

	"teleport-jira/internal/access"
	"teleport-jira/internal/logging"
	"teleport-jira/internal/preflight"
	"teleport-jira/internal/ttlcache"
)

// opConnect is the operation that errors of a connect name.
const opConnect = "connect to"

// errClosed: the Client was used after Close.
var errClosed = errors.New("connection is closed")

// Client is a connection to a Teleport cluster that renews itself. All methods
// may be called concurrently. Errors are *access.Error.
type Client struct {
	cfg     Config
	log     *slog.Logger
	metrics *Metrics
	explain func([]access.MonitoringRule) []preflight.Finding // may be nil
	dialer  client.ContextDialer                              // nil: the network

	mu     sync.Mutex // guards conn and closed
	conn   *connection
	closed bool

	renewal  sync.Mutex // serialises identity renewals
	logged   *logging.Once
	names    *ttlcache.Cache[string, string] // friendly names by resource id
	rights   *ttlcache.Cache[struct{}, rights]
	listing  sync.Mutex                           // serialises listings of users
	users    *ttlcache.Cache[string, usersAnswer] // by trait
	cluster  atomic.Pointer[cluster]
	watching atomic.Bool
	circuit  *circuit
}

// Connect loads the identity, dials the cluster, and reads its version,
// features and the rights of the daemon's roles. It is one attempt: after
// a Temporary error the cluster is unreachable, and the caller retries with
// backoff; a Permanent error names what an operator has to change. A refused
// certificate may be reported as Temporary when the TLS alert is lost with the
// connection; a later attempt reports it as Permanent. The Client must be
// closed.
func Connect(ctx context.Context, cfg Config, deps Deps) (*Client, error) {
	c := newClient(cfg, deps)
	conn, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	c.conn = conn
	c.metrics.expires(conn.id.expires)
	return c, nil
}

func newClient(cfg Config, deps Deps) *Client {
	return &Client{
		cfg:     cfg.withDefaults(),
		log:     deps.Logger,
		metrics: deps.Metrics,
		explain: deps.DescribeRules,
		dialer:  deps.Dialer,
		logged:  logging.NewOnce(0),
		names:   ttlcache.New[string, string](maxNames, nameTTL),
		rights:  ttlcache.New[struct{}, rights](1, rightsTTL),
		users:   ttlcache.New[string, usersAnswer](maxTraits, usersTTL),
		circuit: newCircuit(),
	}
}

// Close closes the connection when the calls in flight have ended. Later calls
// fail. It may be called more than once.
func (c *Client) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	c.closed = true
	c.conn.closeWhenIdle()
}

// Identity returns the Teleport user that the daemon acts as, and when the
// certificate in use expires.
func (c *Client) Identity() (user string, expires time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.conn.id.user, c.conn.id.expires
}

// user returns the Teleport user that the daemon acts as.
func (c *Client) user() string {
	user, _ := c.Identity()
	return user
}

// acquire returns the current connection; the caller releases it.
func (c *Client) acquire() (*connection, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || !c.conn.acquire() {
		return nil, errClosed
	}
	return c.conn, nil
}

// replace makes next the current connection. It fails when the Client was
// closed in the meantime, and closes next then.
func (c *Client) replace(next *connection) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		next.closeWhenIdle()
		return errClosed
	}
	old := c.conn
	c.conn = next
	old.closeWhenIdle()
	c.metrics.expires(next.id.expires)
	return nil
}

// connection is one gRPC connection and the identity that it was dialed with.
// It counts the calls that use it and is closed when the last of them ends, so
// that renewing the identity breaks no call in flight.
type connection struct {
	api      api
	id       identity
	replaced chan struct{} // closed when the connection is no longer the current one

	mu        sync.Mutex // guards the fields below
	users     int        // calls and subscriptions that use the connection
	closing   bool       // to be closed when users is 0
	inspected time.Time  // when the cluster was last inspected over it
}

func newConnection(a api, id identity) *connection {
	return &connection{api: a, id: id, replaced: make(chan struct{})}
}

// acquire keeps the connection open until release; false when it is closing.
func (c *connection) acquire() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return false
	}
	c.users++
	return true
}

// release ends one use.
func (c *connection) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.users--
	c.closeIfIdle()
}

// closeWhenIdle refuses further use and closes the connection as soon as
// nothing uses it. It may be called once.
func (c *connection) closeWhenIdle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closing = true
	close(c.replaced)
	c.closeIfIdle()
}

// closeIfIdle closes the connection if it is closing and unused. Its error is
// dropped: nobody can act on it.
func (c *connection) closeIfIdle() {
	if c.closing && c.users == 0 {
		_ = c.api.Close()
	}
}

// inspectedWithin reports whether the cluster was inspected in the last d.
func (c *connection) inspectedWithin(d time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Since(c.inspected) < d
}

// setInspected records that the cluster was inspected now.
func (c *connection) setInspected() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inspected = time.Now()
}

// api is the part of *client.Client that the adapter uses.
type api interface {
	client.ListResourcesClient
	Ping(ctx context.Context) (proto.PingResponse, error)
	GetCurrentUserRoles(ctx context.Context) ([]types.Role, error)
	GetAccessRequests(ctx context.Context, filter types.AccessRequestFilter) ([]types.AccessRequest, error)
	ListAccessRequests(ctx context.Context, req *proto.ListAccessRequestsRequest) (*proto.ListAccessRequestsResponse, error)
	SubmitAccessReview(ctx context.Context, params types.AccessReviewSubmission) (types.AccessRequest, error)
	SetAccessRequestState(ctx context.Context, params types.AccessRequestUpdate) error
	GetPluginData(ctx context.Context, filter types.PluginDataFilter) ([]types.PluginData, error)
	UpdatePluginData(ctx context.Context, params types.PluginDataUpdateParams) error
	NewWatcher(ctx context.Context, watch types.Watch) (types.Watcher, error)
	AccessMonitoringRulesClient() *accessmonitoringrules.Client
	GetUser(ctx context.Context, name string, withSecrets bool) (types.User, error)
	ListUsers(ctx context.Context, req *userspb.ListUsersRequest) (*userspb.ListUsersResponse, error)
	UpsertLock(ctx context.Context, lock types.Lock) error
	Close() error
}

// dial finds out what answers at the address and tries it in parallel as an Auth Service and as each kind of
// Proxy, and keeps the first connection that works.
//
// The client's circuit breaker is off: it counts answers such as "not found"
// and "compare failed" as failures of the server, and would block urgent calls
// together with the others. Backoff is the caller's.
func (c *Client) dial(ctx context.Context, creds client.Credentials) (api, error) {
	cfg := client.Config{
		Addrs:                []string{c.cfg.Addr},
		Dialer:               c.dialer,
		Credentials:          []client.Credentials{creds},
		DialTimeout:          dialTimeout,
		CircuitBreakerConfig: breaker.NoopBreakerConfig(),
		KeepAliveCount:       1,
		DialOpts: []grpc.DialOption{
			grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessageSize)),
			grpc.WithConnectParams(grpc.ConnectParams{
				Backoff: backoff.Config{
					BaseDelay: 250 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: maxRedialDelay,
				},
				MinConnectTimeout: dialTimeout,
			}),
		},
	}
	if c.dialer != nil {
		cfg.Addrs = nil
		return client.New(ctx, cfg)
	}
	at, unusable := c.cfg.probe(ctx, creds)
	if unusable != nil && !errors.Is(unusable, errUntrusted) {
		return nil, unusable
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if unusable != nil {
		// The SSH port of a Proxy has no web certificate and may be the same one.
		timeout := time.AfterFunc(untrustedTimeout, func() { cancel(unusable) })
		defer timeout.Stop()
	}
	if own, err := creds.SSHClientConfig(); err == nil && at == proxyService {
		cfg.Dialer = &proxyDialer{cfg: c.cfg, ssh: own, refused: cancel}
	}
	a, err := client.New(ctx, cfg)
	switch {
	case err == nil:
		return a, nil
	case unusable != nil:
		return nil, unusable
	case ctx.Err() != nil && !errors.Is(context.Cause(ctx), ctx.Err()):
		return nil, context.Cause(ctx) // the Proxy refused the certificate
	}
	return nil, dialReason(err, at)
}

// open loads the identity, dials and inspects the cluster. An unreachable
// cluster is a Temporary error; an unusable identity, a refused certificate and
// a server that is too old are Permanent.
func (c *Client) open(ctx context.Context) (*connection, error) {
	id, err := loadIdentity(c.cfg, time.Now())
	if err != nil {
		return nil, err
	}
	a, err := c.dial(ctx, id.creds)
	if err != nil {
		return nil, c.connectError(id, err)
	}
	conn := newConnection(a, id)
	if err := c.inspect(ctx, conn); err != nil {
		if access.ClassOf(err) == access.Unauth {
			err = c.connectError(id, err)
		}
		return nil, errors.Join(err, a.Close())
	}
	return conn, nil
}

// connectError names the address, and where the certificate was refused, its
// user and expiry.
func (c *Client) connectError(id identity, err error) error {
	if known := (*access.Error)(nil); errors.As(err, &known) && known.Op == opConnect {
		return known
	}
	e := &access.Error{Op: opConnect, Key: c.cfg.Addr, Class: access.Temporary}
	e.Err = &apiError{message: messageOf(err), err: err}
	if errors.Is(err, errHostCA) {
		e.Class = access.Permanent
		e.Err = &apiError{message: err.Error(), sentinel: errIdentity, err: err}
		return e
	}
	if certificateRefused(err) || access.ClassOf(err) == access.Unauth {
		e.Class = access.Permanent
		refused := fmt.Errorf("the cluster refuses the certificate of user %q, valid until %s: %w",
			id.user, id.expires.UTC().Format(time.RFC3339), e.Err)
		e.Err = &apiError{message: refused.Error(), sentinel: errIdentity, err: refused}
	}
	return e
}
