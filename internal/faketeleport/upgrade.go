package faketeleport

import (
	"context"
	"net"
	"net/http"
	"slices"

	"github.com/gobwas/ws"
	"github.com/gravitational/teleport/api/constants"
)

// SetUpgrades says whether the proxy takes connection upgrades by WebSocket, as
// those from 15.1 on do; the default. Older ones answer 404 to them.
func (p *Proxy) SetUpgrades(takes bool) { p.noUpgrades.Store(!takes) }

// upgrade takes a connection within a WebSocket for one of its own: behind a
// balancer that terminates TLS it is the way of everything but the web API.
func (p *Proxy) upgrade(ctx context.Context) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if p.noUpgrades.Load() {
			http.NotFound(w, r)
			return
		}
		kinds := []string{constants.WebAPIConnUpgradeTypeALPN, constants.WebAPIConnUpgradeTypeALPNPing}
		conn, _, _, err := ws.HTTPUpgrader{Protocol: func(kind string) bool { return slices.Contains(kinds, kind) }}.Upgrade(r, w)
		if err != nil {
			return // The upgrader has answered.
		}
		p.wg.Go(func() {
			stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
			defer stop()
			// The balancer has shown its own certificate. Within, clients trust the
			// cluster's authority, and proxies show a certificate of that.
			p.routeWith(ctx, &framed{Conn: conn}, p.inner)
		})
	}
}

// framed is a connection within the binary frames of a WebSocket, as the server
// sees it. One goroutine may read while another writes.
type framed struct {
	net.Conn

	left []byte // of the frame that is being read
}

// Read implements net.Conn.
func (f *framed) Read(to []byte) (int, error) {
	for len(f.left) == 0 {
		frame, err := ws.ReadFrame(f.Conn)
		if err != nil {
			return 0, err
		}
		if frame.Header.Masked {
			frame = ws.UnmaskFrameInPlace(frame)
		}
		switch frame.Header.OpCode {
		case ws.OpBinary, ws.OpContinuation:
			f.left = frame.Payload
		case ws.OpClose:
			return 0, net.ErrClosed
		}
	}
	n := copy(to, f.left)
	f.left = f.left[n:]
	return n, nil
}

// Write implements net.Conn.
func (f *framed) Write(b []byte) (int, error) {
	if err := ws.WriteFrame(f.Conn, ws.NewBinaryFrame(b)); err != nil {
		return 0, err
	}
	return len(b), nil
}
