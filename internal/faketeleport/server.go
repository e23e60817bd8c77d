package faketeleport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/gravitational/teleport/api/client"
	"github.com/gravitational/teleport/api/client/proto"
	"github.com/gravitational/teleport/api/constants"
	rulespb "github.com/gravitational/teleport/api/gen/proto/go/teleport/accessmonitoringrules/v1"
	userspb "github.com/gravitational/teleport/api/gen/proto/go/teleport/users/v1"
	"github.com/gravitational/teleport/api/metadata"
	"github.com/gravitational/teleport/api/utils"
	"github.com/gravitational/teleport/api/utils/grpc/interceptors"
	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/test/bufconn"
)

// memoryBuffer is how much an in-memory connection holds in each direction.
const memoryBuffer = 256 << 10

var (
	errServerRunning = errors.New("server is running")
	errServerStopped = errors.New("connection refused: server is stopped")
)

// Server lets gRPC clients talk to a Cluster, over mutual TLS. It can be stopped
// and started again on the same address while the Cluster keeps its state. All
// methods may be called concurrently.
type Server struct {
	cluster *Cluster
	cert    tls.Certificate
	memory  bool

	mu     sync.Mutex
	addr   string
	grpc   *grpc.Server // nil while stopped
	listen net.Listener
	done   chan struct{} // closed when Serve has returned
}

// Serve starts a server on a TCP address such as "127.0.0.1:0". Stop it, then
// close the Cluster.
func Serve(c *Cluster, addr string) (*Server, error) {
	return newServer(c, addr, false)
}

// ServeMemory starts a server that is reached through its Dialer only, without
// a socket. It may run in a testing/synctest bubble if the Cluster was made in
// it.
func ServeMemory(c *Cluster) (*Server, error) {
	return newServer(c, "memory", true)
}

func newServer(c *Cluster, addr string, memory bool) (*Server, error) {
	cert, err := c.certs.host.hostCert(
		constants.APIDomain, "*."+constants.APIDomain, utils.EncodeClusterName(c.cfg.ClusterName), c.cfg.ClusterName)
	if err != nil {
		return nil, err
	}
	s := &Server{cluster: c, cert: cert, memory: memory, addr: addr}
	return s, s.Start()
}

// Addr is where the server listens, also while it is stopped.
func (s *Server) Addr() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addr
}

// Start starts a stopped server on the address it had before.
func (s *Server) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.grpc != nil {
		return errServerRunning
	}
	listener, err := s.newListener()
	if err != nil {
		return fmt.Errorf("listen on %s: %w", s.addr, err)
	}
	server := s.newGRPC()
	done := make(chan struct{})
	s.addr, s.listen, s.grpc, s.done = listener.Addr().String(), listener, server, done
	go func() {
		defer close(done)
		// Serve returns when the listener is closed, which only Stop does.
		_ = server.Serve(listener)
	}()
	return nil
}

func (s *Server) newListener() (net.Listener, error) {
	if s.memory {
		return bufconn.Listen(memoryBuffer), nil
	}
	return net.Listen("tcp", s.addr)
}

func (s *Server) newGRPC() *grpc.Server {
	limit := &connectionLimit{most: int64(s.cluster.cfg.ConnectionLimit)}
	server := grpc.NewServer(
		grpc.Creds(credentials.NewTLS(&tls.Config{
			MinVersion:   tls.VersionTLS12,
			Certificates: []tls.Certificate{s.cert},
			ClientAuth:   tls.RequireAndVerifyClientCert,
			ClientCAs:    s.cluster.certs.user.pool(),
			NextProtos:   []string{http2.NextProtoTLS},
		})),
		// Clients ping idle connections; the library's default would cut them off.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: time.Second, PermitWithoutStream: true}),
		grpc.ChainUnaryInterceptor(metadata.UnaryServerInterceptor, interceptors.GRPCServerUnaryErrorInterceptor, limit.unary),
		grpc.ChainStreamInterceptor(metadata.StreamServerInterceptor, interceptors.GRPCServerStreamErrorInterceptor, limit.stream),
	)
	proto.RegisterAuthServiceServer(server, &authService{cluster: s.cluster})
	rulespb.RegisterAccessMonitoringRulesServiceServer(server, &monitoringService{cluster: s.cluster})
	userspb.RegisterUsersServiceServer(server, &usersService{cluster: s.cluster})
	return server
}

// Stop cuts all connections and stops listening, as a killed server does. The
// Cluster goes on: requests expire meanwhile. Stopping twice is harmless.
func (s *Server) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.grpc == nil {
		return
	}
	s.grpc.Stop()
	<-s.done
	s.grpc, s.listen = nil, nil
}

// Dialer reaches this server whatever address it is asked for; for
// client.Config.Dialer. Dialling a stopped server fails at once.
func (s *Server) Dialer() client.ContextDialer {
	return client.ContextDialerFunc(func(ctx context.Context, _, _ string) (net.Conn, error) {
		s.mu.Lock()
		listener, addr := s.listen, s.addr
		s.mu.Unlock()
		if listener == nil {
			return nil, errServerStopped
		}
		if mem, ok := listener.(*bufconn.Listener); ok {
			return mem.DialContext(ctx)
		}
		var dialer net.Dialer
		return dialer.DialContext(ctx, "tcp", addr)
	})
}

// Client is an api client logged in as the user, with a certificate that lasts
// an hour. Close it before the server is stopped for good.
func (s *Server) Client(ctx context.Context, user string) (*client.Client, error) {
	creds, err := s.cluster.Credentials(user, time.Hour)
	if err != nil {
		return nil, err
	}
	clt, err := client.New(ctx, client.Config{
		Dialer:      s.Dialer(),
		Credentials: []client.Credentials{creds},
	})
	if err != nil {
		return nil, fmt.Errorf("connect as %q: %w", user, err)
	}
	return clt, nil
}
