package faketeleport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// Balancer terminates TLS in front of a Proxy, as an application balancer of a cloud
// does: it speaks HTTP/1.1 and negotiates no protocol, so that nothing but the web
// API gets through, and what is upgraded there. While its Proxy is away it answers
// with a page of its own.
type Balancer struct {
	proxy  *Proxy
	listen net.Listener
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// BalancerPage is the body of what a Balancer answers in place of its Proxy.
const BalancerPage = "<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\r\n</html>\r\n"

// ServeBalancer starts a balancer in front of the proxy, with a web certificate of
// the authority that Cluster.WebCA returns. Close it before the proxy.
func ServeBalancer(p *Proxy, addr string) (*Balancer, error) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", addr, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	b := &Balancer{proxy: p, listen: listener, cancel: cancel}
	b.wg.Go(func() { b.accept(ctx) })
	return b, nil
}

// Addr is where the balancer listens.
func (b *Balancer) Addr() string { return b.listen.Addr().String() }

// Close cuts all connections and stops listening.
func (b *Balancer) Close() {
	b.cancel()
	_ = b.listen.Close()
	b.wg.Wait()
}

func (b *Balancer) accept(ctx context.Context) {
	config := b.proxy.tls.Clone() // and no protocol to negotiate
	for {
		conn, err := b.listen.Accept()
		if err != nil {
			return
		}
		b.wg.Go(func() { b.serve(ctx, tls.Server(conn, config)) })
	}
}

// serve passes on what is within one connection.
func (b *Balancer) serve(ctx context.Context, conn *tls.Conn) {
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	defer func() { _ = conn.Close() }()
	if conn.HandshakeContext(ctx) != nil {
		return
	}
	dialer := tls.Dialer{Config: &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
		InsecureSkipVerify: true, //nolint:gosec // balancers don't look at what stands behind them
	}}
	behind, err := dialer.DialContext(ctx, "tcp", b.proxy.Addr())
	if err != nil {
		if _, err := io.ReadAtLeast(conn, make([]byte, 4096), 1); err == nil || errors.Is(err, io.ErrUnexpectedEOF) {
			_, _ = fmt.Fprintf(conn, "HTTP/1.1 503 Service Temporarily Unavailable\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(BalancerPage), BalancerPage)
		}
		return
	}
	stopBehind := context.AfterFunc(ctx, func() { _ = behind.Close() })
	defer stopBehind()
	var both sync.WaitGroup
	both.Go(func() { _, _ = io.Copy(behind, conn); _ = behind.Close() })
	both.Go(func() { _, _ = io.Copy(conn, behind); _ = conn.Close() })
	both.Wait()
}
