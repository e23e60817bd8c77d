package teleport

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gravitational/teleport/api/breaker"
	"github.com/gravitational/teleport/api/client"
	"github.com/gravitational/teleport/api/client/proto"
	userspb "github.com/gravitational/teleport/api/gen/proto/go/teleport/users/v1"
	"github.com/gravitational/teleport/api/types"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"

	"teleport-jira/internal/access"
)

// api is what the adapter needs of the Auth Service's client, *client.Client.
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
	ListUsers(ctx context.Context, req *userspb.ListUsersRequest) (*userspb.ListUsersResponse, error)
	Close() error
}

// dial tries all ways to the address at once, as an Auth Service and as
// a Proxy of every kind, and keeps the first that works.
//
// The client's circuit breaker is off: it takes answers such as "not found"
// and "changed by somebody else" for failures of the server, and pauses belong
// to the caller, who knows what is urgent.
func (c *Client) dial(ctx context.Context, creds client.Credentials) (api, error) {
	cfg := client.Config{
		Addrs:                []string{c.cfg.Addr},
		Dialer:               c.dialer,
		Credentials:          []client.Credentials{creds},
		DialTimeout:          dialTimeout,
		CircuitBreakerConfig: breaker.NoopBreakerConfig(),
		KeepAliveCount:       1,
		DialOpts: []grpc.DialOption{
			grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage)),
			grpc.WithConnectParams(grpc.ConnectParams{
				Backoff: backoff.Config{
					BaseDelay: 500 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: reconnectDelay,
				},
				MinConnectTimeout: dialTimeout,
			}),
		},
	}
	if c.dialer != nil {
		cfg.Addrs = nil
	}
	return client.New(ctx, cfg)
}

// open loads the identity, dials and reads what the cluster is. A cluster that
// is away is a Temporary error; an identity that can't be used, a refused
// certificate and a server that is too old are Permanent.
func (c *Client) open(ctx context.Context) (*link, error) {
	id, err := loadIdentity(c.cfg, time.Now())
	if err != nil {
		return nil, err
	}
	conn, err := c.dial(ctx, id.creds)
	if err != nil {
		return nil, c.connectError(id, err)
	}
	l := newLink(conn, id)
	if err := c.inspect(ctx, l); err != nil {
		if access.ClassOf(err) == access.Unauth {
			err = c.connectError(id, err)
		}
		return nil, errors.Join(err, conn.Close())
	}
	return l, nil
}

// connectError says whose certificate did not lead to which address.
func (c *Client) connectError(id identity, err error) error {
	e := &access.Error{Op: "connect to", Key: c.cfg.Addr, Class: access.Temporary}
	e.Err = &cause{words: words(err), err: err}
	if certificateRefused(err) || access.ClassOf(err) == access.Unauth {
		e.Class = access.Permanent
		refused := fmt.Errorf("the cluster refuses the certificate of user %q, valid until %s: %w",
			id.user, id.expires.UTC().Format(time.RFC3339), e.Err)
		e.Err = &cause{words: refused.Error(), is: errIdentity, err: refused}
	}
	return e
}
