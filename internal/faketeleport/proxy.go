package faketeleport

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gravitational/teleport/api/client/webclient"
	"github.com/gravitational/teleport/api/constants"
	"golang.org/x/crypto/ssh"
)

// helloTimeout bounds how long a connection may take to say what it is.
const helloTimeout = 10 * time.Second

var (
	errPeeked      = errors.New("hello was read")
	errProxyClosed = errors.New("proxy is closed")
)

// Proxy is a Teleport Proxy's TLS listener in front of a Server, with TLS
// routing. As the client's protocols ask, a connection gets to the web API
// (/webapi/find and /webapi/ping), straight to the Auth Service
// (teleport-auth@…), or through the SSH reverse tunnel (teleport-reversetunnel),
// which is the way of an identity file. Key pairs hold no SSH certificate: with
// the proxy's address they fail, as they do with a real one.
type Proxy struct {
	server *Server
	listen net.Listener
	web    *http.Server
	tls    *tls.Config
	inner  *tls.Config // within upgraded connections
	ssh    *ssh.ServerConfig
	conns  chan net.Conn // to the web server
	done   <-chan struct{}
	cancel context.CancelFunc // closes done
	name   atomic.Pointer[string]
	tunnel net.Listener // of a Proxy with a port for each thing; nil with TLS routing
	hang   atomic.Pointer[chan struct{}]

	noUpgrades atomic.Bool

	wg sync.WaitGroup
}

// ServeProxyWithPorts is ServeProxy without TLS routing: the web API is at addr,
// and the reverse tunnel has a port of its own, which speaks SSH without TLS.
func ServeProxyWithPorts(s *Server, addr, tunnel string) (*Proxy, error) {
	listener, err := net.Listen("tcp", tunnel)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", tunnel, err)
	}
	p, err := serveProxy(s, addr, listener)
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return p, nil
}

// ServeProxy starts a proxy on a TCP address such as "127.0.0.1:0". Its web
// certificate is signed by the authority that WebCA returns. Close it before
// the Server is stopped for good.
func ServeProxy(s *Server, addr string) (*Proxy, error) { return serveProxy(s, addr, nil) }

func serveProxy(s *Server, addr string, tunnel net.Listener) (*Proxy, error) {
	cert, err := s.cluster.certs.web.hostCert(s.cluster.cfg.ClusterName)
	if err != nil {
		return nil, err
	}
	inner, err := s.cluster.certs.host.hostCert(s.cluster.cfg.ClusterName)
	if err != nil {
		return nil, err
	}
	sshConfig, err := s.cluster.sshConfig()
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", addr, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	p := &Proxy{
		server: s,
		listen: listener,
		tls:    &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}},
		inner:  &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{inner}},
		ssh:    sshConfig,
		conns:  make(chan net.Conn),
		done:   ctx.Done(),
		cancel: cancel,
		tunnel: tunnel,
	}
	p.web = &http.Server{
		Handler:           p.webAPI(ctx),
		ReadHeaderTimeout: helloTimeout,
		// Clients that try all ways at once break off most of them.
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
	}
	p.wg.Go(func() { _ = p.web.Serve(webListener{p}) }) // until Close
	p.wg.Go(func() { p.accept(ctx, listener, p.route) })
	if tunnel != nil {
		p.wg.Go(func() { p.accept(ctx, tunnel, p.serveSSH) })
	}
	return p, nil
}

// WebCA is the authority of the proxy's web certificate, as PEM. It stands for
// a public one: name its file in SSL_CERT_FILE for a process that has to trust
// it, or set client.Config.InsecureAddressDiscovery.
func (c *Cluster) WebCA() []byte { return c.certs.web.pem() }

// Addr is where the proxy listens.
func (p *Proxy) Addr() string { return p.listen.Addr().String() }

// Close cuts all connections and stops listening.
func (p *Proxy) Close() {
	p.cancel()
	_ = p.listen.Close()
	if p.tunnel != nil {
		_ = p.tunnel.Close()
	}
	_ = p.web.Close()
	p.wg.Wait()
}

// Hang lets the Proxy take connections and bytes and pass nothing on, as one that
// was stopped or has no memory left, until GoOn.
func (p *Proxy) Hang() {
	hang := make(chan struct{})
	p.hang.Store(&hang)
}

// GoOn ends Hang: what was held back is passed on.
func (p *Proxy) GoOn() { close(*p.hang.Swap(nil)) }

// wait returns once the Proxy does not hang.
func (p *Proxy) wait() {
	if hang := p.hang.Load(); hang != nil {
		select {
		case <-*hang:
		case <-p.done:
		}
	}
}

// held reads for a Proxy that may hang.
type held struct {
	io.Reader
	proxy *Proxy
}

// Read implements io.Reader.
func (h held) Read(to []byte) (int, error) {
	n, err := h.Reader.Read(to)
	h.proxy.wait()
	return n, err
}

func (p *Proxy) accept(ctx context.Context, listener net.Listener, serve func(context.Context, net.Conn)) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		p.wg.Go(func() {
			stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
			defer stop()
			p.wait()
			serve(ctx, conn)
		})
	}
}

// route finds out what the client wants and serves it until it leaves. The web
// server closes its connections itself.
func (p *Proxy) route(ctx context.Context, conn net.Conn) { p.routeWith(ctx, conn, p.tls) }

// routeWith is route with the proxy's certificate for this kind of connection.
func (p *Proxy) routeWith(ctx context.Context, conn net.Conn, config *tls.Config) {
	_ = conn.SetDeadline(time.Now().Add(helloTimeout))
	protocols, conn, err := peekProtocols(ctx, conn)
	_ = conn.SetDeadline(time.Time{})
	if err != nil {
		_ = conn.Close()
		return
	}
	for _, proto := range protocols {
		switch {
		case p.tunnel != nil: // no TLS routing
		case strings.HasPrefix(proto, constants.ALPNSNIAuthProtocol):
			p.joinAuth(ctx, conn)
			return
		case proto == constants.ALPNSNIProtocolReverseTunnel:
			p.serveSSH(ctx, tls.Server(conn, tlsFor(config, proto)))
			return
		}
	}
	select {
	case p.conns <- tls.Server(conn, tlsFor(config, "http/1.1")):
	case <-p.done:
		_ = conn.Close()
	}
}

func tlsFor(config *tls.Config, proto string) *tls.Config {
	cfg := config.Clone()
	// Clients that speak HTTP/2 only, as those that take the proxy for an Auth
	// Service, get to see the web certificate before they are turned away.
	cfg.NextProtos = []string{proto, "h2"}
	return cfg
}

// joinAuth connects conn, whose TLS is still untouched, to the Auth Service.
func (p *Proxy) joinAuth(ctx context.Context, conn io.ReadWriteCloser) {
	auth, err := p.dialAuth(ctx)
	if err != nil {
		_ = conn.Close()
		return
	}
	p.joinUntil(ctx, conn, auth)
}

// dialAuth connects to the Auth Service.
func (p *Proxy) dialAuth(ctx context.Context) (net.Conn, error) {
	return p.server.Dialer().DialContext(ctx, "tcp", "")
}

// joinUntil joins both until one leaves or ctx ends.
func (p *Proxy) joinUntil(ctx context.Context, conn io.ReadWriteCloser, auth net.Conn) {
	stop := context.AfterFunc(ctx, func() { _ = auth.Close() })
	defer stop()
	p.join(conn, auth)
}

// join copies both ways. When the client leaves, the connection to the Auth
// Service is closed as well; the end of that one reaches the client only when it
// writes next, as with a real Proxy: a client that only listens does not notice.
func (p *Proxy) join(clt, auth io.ReadWriteCloser) {
	var wg sync.WaitGroup
	wg.Go(func() {
		_, _ = io.Copy(clt, held{auth, p})
		_ = auth.Close()
	})
	wg.Go(func() {
		_, _ = io.Copy(auth, held{clt, p})
		_ = auth.Close()
		_ = clt.Close()
	})
	wg.Wait()
}

func (p *Proxy) webAPI(ctx context.Context) http.Handler {
	answer := func(w http.ResponseWriter, _ *http.Request) {
		cfg, known := p.server.cluster.cfg, p.knownAs()
		tunnel := known
		if p.tunnel != nil {
			tunnel = p.tunnel.Addr().String()
		}
		w.Header().Set("Content-Type", "application/json")
		// A client that has gone away needs no answer.
		_ = json.NewEncoder(w).Encode(webclient.PingResponse{
			ClusterName:   cfg.ClusterName,
			ServerVersion: cfg.Version,
			Proxy: webclient.ProxySettings{
				TLSRoutingEnabled: p.tunnel == nil,
				SSH: webclient.SSHProxySettings{
					PublicAddr: known, WebListenAddr: known, ListenAddr: known, TunnelListenAddr: tunnel,
				},
			},
		})
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /webapi/find", answer)
	mux.HandleFunc("GET /webapi/ping", answer)
	mux.HandleFunc("GET "+constants.WebAPIConnUpgrade, p.upgrade(ctx))
	return p.byName(mux)
}

// webListener hands the web server the connections that are for it.
type webListener struct{ *Proxy }

// Accept implements net.Listener.
func (l webListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.done:
		return nil, errProxyClosed
	}
}

// Addr implements net.Listener.
func (l webListener) Addr() net.Addr { return l.listen.Addr() }

// Close implements net.Listener; the proxy closes its own listener.
func (l webListener) Close() error { return nil }

// peekProtocols reads the TLS hello and returns the protocols it offers, and a
// connection from which the hello can be read again.
func peekProtocols(ctx context.Context, conn net.Conn) ([]string, net.Conn, error) {
	var seen bytes.Buffer
	var protocols []string
	err := tls.Server(replayConn{Conn: conn, r: io.TeeReader(conn, &seen), mute: true}, &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			protocols = hello.SupportedProtos
			return nil, errPeeked
		},
	}).HandshakeContext(ctx)
	again := replayConn{Conn: conn, r: io.MultiReader(&seen, conn)}
	if !errors.Is(err, errPeeked) {
		return nil, again, fmt.Errorf("read hello: %w", err)
	}
	return protocols, again, nil
}

// replayConn reads from r in place of the connection; a mute one writes nothing.
type replayConn struct {
	net.Conn
	r    io.Reader
	mute bool
}

func (c replayConn) Read(b []byte) (int, error) { return c.r.Read(b) }

func (c replayConn) Write(b []byte) (int, error) {
	if c.mute {
		return len(b), nil
	}
	return c.Conn.Write(b)
}
