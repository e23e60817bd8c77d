package faketeleport

import (
	"context"
	"encoding/json"
	"fmt"
	"net"

	"github.com/gravitational/teleport/api/constants"
	"github.com/gravitational/teleport/api/utils/sshutils"
	"golang.org/x/crypto/ssh"
)

// sshConfig is the reverse tunnel's: users prove themselves with a certificate
// of the user authority, the proxy with one of the host authority.
func (c *Cluster) sshConfig() (*ssh.ServerConfig, error) {
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	cert, err := c.certs.host.signSSH(key, ssh.Certificate{
		CertType:        ssh.HostCert,
		KeyId:           "proxy",
		ValidPrincipals: []string{"127.0.0.1", "::1", "localhost", c.cfg.ClusterName},
	}, newValidity(certLife))
	if err != nil {
		return nil, err
	}
	plain, err := ssh.NewSignerFromKey(key)
	if err != nil {
		return nil, fmt.Errorf("make ssh signer: %w", err)
	}
	signer, err := ssh.NewCertSigner(cert, plain)
	if err != nil {
		return nil, fmt.Errorf("make ssh signer: %w", err)
	}
	checker := &ssh.CertChecker{IsUserAuthority: func(auth ssh.PublicKey) bool {
		return sshutils.KeysEqual(auth, c.certs.user.signer.PublicKey())
	}}
	cfg := &ssh.ServerConfig{PublicKeyCallback: checker.Authenticate}
	cfg.AddHostKey(signer)
	return cfg, nil
}

// serveSSH serves one client of the reverse tunnel until it leaves.
func (p *Proxy) serveSSH(ctx context.Context, conn net.Conn) {
	defer func() { _ = conn.Close() }()
	_, channels, requests, err := ssh.NewServerConn(conn, p.ssh)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for channel := range channels {
		if channel.ChannelType() != constants.ChanTransport {
			_ = channel.Reject(ssh.UnknownChannelType, "only transport channels are served")
			continue
		}
		p.wg.Go(func() { p.serveTransport(ctx, channel) })
	}
}

// serveTransport connects a transport channel to the Auth Service, the only
// address there is behind this proxy.
func (p *Proxy) serveTransport(ctx context.Context, offered ssh.NewChannel) {
	channel, requests, err := offered.Accept()
	if err != nil {
		return
	}
	dial, ok := <-requests
	if !ok {
		return
	}
	var req sshutils.DialReq
	if dial.Type != constants.ChanTransportDialReq ||
		json.Unmarshal(dial.Payload, &req) != nil || req.Address != constants.RemoteAuthServer {
		_, _ = fmt.Fprintln(channel.Stderr(), "only the Auth Service can be reached")
		_ = dial.Reply(false, nil)
		_ = channel.Close()
		return
	}
	auth, err := p.dialAuth(ctx)
	if err != nil {
		_, _ = fmt.Fprintln(channel.Stderr(), "connection rejected: failed dialing through tunnel (not found) or directly")
		_ = dial.Reply(false, nil)
		_ = channel.Close()
		return
	}
	_ = dial.Reply(true, nil)
	go ssh.DiscardRequests(requests)
	p.joinUntil(ctx, channel, auth)
}
