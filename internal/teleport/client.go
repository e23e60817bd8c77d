package teleport

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gravitational/teleport/api/client"

	"teleport-jira/internal/access"
)

// errClosed: the Client was used after Close.
var errClosed = errors.New("connection is closed")

// Client is a connection to a Teleport cluster that renews itself. All methods
// may be called concurrently. Errors are *access.Error.
type Client struct {
	cfg     Config
	log     *slog.Logger
	metrics *Metrics
	dialer  client.ContextDialer // nil for the network

	mu     sync.Mutex // guards link and closed
	link   *link
	closed bool

	renewing sync.Mutex // held while an identity is being renewed
	warned   warnings
	names    *nameCache
	users    userCache
	rights   rightsCache
	cluster  atomic.Pointer[cluster]
	watching atomic.Bool
}

// Connect loads the identity, reaches the cluster and reads what it is and
// what the daemon's roles may do. It is one attempt: a Temporary error means
// that the cluster is away, and the caller tries again after a pause; a
// Permanent one names what an operator has to change. A refused certificate may
// read as Temporary, when the refusal gets lost with its connection; the next
// attempt tells. The Client must be closed.
func Connect(ctx context.Context, cfg Config, deps Deps) (*Client, error) {
	c := &Client{
		cfg:     cfg.withDefaults(),
		log:     deps.Logger,
		metrics: deps.Metrics,
		dialer:  deps.Dialer,
		names:   newNameCache(),
	}
	l, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	c.link = l
	c.metrics.expires(l.id.expires)
	return c, nil
}

// Close ends the connection once the calls that are running have ended. Later
// calls fail.
func (c *Client) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	c.closed = true
	c.link.retire()
}

// Identity is the Teleport user that the daemon acts as, and when the
// certificate in use expires.
func (c *Client) Identity() (user string, expires time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.link.id.user, c.link.id.expires
}

// user is the Teleport user that the daemon acts as.
func (c *Client) user() string {
	user, _ := c.Identity()
	return user
}

// hold gives the current link; the caller releases it.
func (c *Client) hold() (*link, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || !c.link.hold() {
		return nil, errClosed
	}
	return c.link, nil
}

// replace puts l in place of the current link. It fails when the Client was
// closed meanwhile; l is then retired.
func (c *Client) replace(l *link) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		l.retire()
		return errClosed
	}
	old := c.link
	c.link = l
	old.retire()
	c.metrics.expires(l.id.expires)
	return nil
}

// call makes one call with its own deadline over the current link, counts it,
// and turns its error into one of package access.
func call[T any](
	ctx context.Context, c *Client, m method, key string, fn func(context.Context, api) (T, error),
) (T, error) {
	l, err := c.hold()
	if err != nil {
		var none T
		return none, &access.Error{Op: m.op, Key: key, Class: access.Permanent, Err: err}
	}
	defer l.release()
	return callOver(ctx, c.metrics, l.api, m, key, fn)
}

// callOver is call over a connection that the caller holds.
func callOver[T any](
	ctx context.Context, metrics *Metrics, conn api, m method, key string, fn func(context.Context, api) (T, error),
) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, m.timeout())
	defer cancel()
	v, err := fn(ctx, conn)
	if err != nil {
		wrapped := m.wrap(key, err)
		metrics.called(m, wrapped)
		var none T
		return none, wrapped
	}
	metrics.called(m, nil)
	return v, nil
}
