package teleport

import (
	"context"
	"crypto/tls"
	"net"
	"time"

	"github.com/gravitational/teleport/api/client"
	"github.com/gravitational/teleport/api/client/webclient"
	"github.com/gravitational/teleport/api/constants"
	tracessh "github.com/gravitational/teleport/api/observability/tracing/ssh"
	"github.com/gravitational/teleport/api/utils/sshutils"
	"golang.org/x/crypto/ssh"
)

// tcpKeepAlive is the interval of TCP keepalives to a Proxy.
const tcpKeepAlive = 15 * time.Second

// proxyDialer dials an Auth Service through the SSH tunnel of a Proxy. It does
// as the client's own dialers, which know the system's CAs only: a Proxy's web
// certificate may be of a CA in Config.CAFile.
type proxyDialer struct {
	cfg     Config
	ssh     *ssh.ClientConfig
	refused func(error) // called when the Proxy refuses the certificate
}

// DialContext implements client.ContextDialer. The address is the Proxy's,
// whatever the caller names.
func (d *proxyDialer) DialContext(ctx context.Context, network, _ string) (net.Conn, error) {
	found, err := d.cfg.find(ctx)
	if err != nil {
		return nil, err
	}
	addr, err := found.Proxy.TunnelAddr()
	if err != nil {
		return nil, err
	}
	conn, err := client.NewDialer(ctx, tcpKeepAlive, dialTimeout).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	if found.Proxy.TLSRoutingEnabled {
		if conn, err = d.routeToTunnel(ctx, conn, addr); err != nil {
			return nil, err
		}
	}
	tunnel, err := d.openTunnel(ctx, conn, addr)
	if err != nil {
		_ = conn.Close()
		if certificateRefused(err) {
			d.refused(err)
		}
		return nil, err
	}
	return tunnel, nil
}

// routeToTunnel asks a Proxy with one port for everything for its SSH tunnel. It
// closes conn when that fails.
func (d *proxyDialer) routeToTunnel(ctx context.Context, conn net.Conn, addr string) (net.Conn, error) {
	roots, err := d.cfg.webRoots()
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	host, _, err := webclient.ParseHostPort(addr)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	routed := tls.Client(conn, &tls.Config{
		NextProtos: []string{constants.ALPNSNIProtocolReverseTunnel},
		RootCAs:    roots, ServerName: host, MinVersion: tls.VersionTLS12,
	})
	if err := routed.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return routed, nil
}

// openTunnel opens a channel to the Auth Service that owns the connection.
func (d *proxyDialer) openTunnel(ctx context.Context, conn net.Conn, addr string) (net.Conn, error) {
	cfg := *d.ssh
	cfg.Timeout = dialTimeout
	session, err := tracessh.NewClientConnWithDeadline(ctx, conn, addr, &cfg)
	if err != nil {
		return nil, err
	}
	tunnel, _, err := sshutils.ConnectProxyTransport(session.Conn, &sshutils.DialReq{Address: constants.RemoteAuthServer}, true)
	if err != nil {
		_ = session.Close()
		return nil, err
	}
	return tunnel, nil
}
