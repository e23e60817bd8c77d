package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
)

// Ask asks a listener on this host whether it is alive, and returns nil if it
// answers GET path with 200. addr is the address that the listener is configured with,
// such as ":8082". The daemon's certificate is not verified: it is made out to
// its public name and not to this host's, and nothing but the status is sent. A listener that asks for client certificates is alive if it answers
// the handshake. ctx bounds the call.
func Ask(ctx context.Context, addr, path string, overTLS bool) error {
	scheme := "http"
	if overTLS {
		scheme = "https"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+local(addr)+path, http.NoBody)
	if err != nil {
		return fmt.Errorf("ask %s: %w", addr, err)
	}
	var shaken atomic.Bool
	transport := &http.Transport{DisableKeepAlives: true}
	transport.DialTLSContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		d := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // see above
		conn, err := d.DialContext(ctx, network, addr)
		shaken.Store(err == nil)
		return conn, err
	}
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(req)
	if err != nil {
		if shaken.Load() && ctx.Err() == nil {
			return nil
		}
		return fmt.Errorf("ask %s: %w", addr, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10)) // What could be read is shown.
		return fmt.Errorf("ask %s%s: status %d %s", addr, path, resp.StatusCode, said)
	}
	return nil
}

// local returns the address of a listener seen from this host: one that listens
// on all addresses listens on loopback too.
func local(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	ip, err := netip.ParseAddr(host)
	switch {
	case host == "", err == nil && ip.IsUnspecified() && ip.Is4():
		host = "127.0.0.1"
	case err == nil && ip.IsUnspecified():
		host = "::1"
	}
	return net.JoinHostPort(host, port)
}
