package teleport

import (
	"errors"
	"testing"

	"github.com/gravitational/trace"
	"github.com/stretchr/testify/require"
)

// TestReasonDoesNotDependOnTheOrderOfTheWays: the client's ways fail in random
// order.
func TestReasonDoesNotDependOnTheOrderOfTheWays(t *testing.T) {
	const (
		asAuth  = "failed to connect to addr x as an auth server: x509: certificate signed by unknown authority"
		rawSSH  = "failed to connect to addr x as a reverse tunnel proxy: ssh: handshake failed: EOF"
		refused = "failed to connect to addr x with TLS Routing dialer: ssh: handshake failed: ssh: unable to authenticate"
		upgrade = "failed to connect to addr x with TLS Routing with ALPN connection upgrade dialer: failed to switch Protocols 404"
		away    = "failed to connect to addr x as a web proxy: dial tcp 127.0.0.1:3024: connect: connection refused"
		slow    = "failed to connect to addr x as a web proxy: context deadline exceeded"
	)
	for name, tc := range map[string]struct {
		at   service
		ways []string
		want string
	}{
		"a proxy that refuses the certificate": {proxyService, []string{asAuth, rawSSH, slow, refused}, refused},
		"a proxy whose other port is closed":   {proxyService, []string{asAuth, rawSSH, refused, away}, away},
		"a balancer before an old proxy":       {proxyService, []string{asAuth, rawSSH, slow, upgrade}, upgrade},
		"an auth service":                      {authService, []string{slow, rawSSH, refused, asAuth}, asAuth},
	} {
		t.Run(name, func(t *testing.T) {
			for first := range tc.ways {
				var errs []error
				for i := range tc.ways {
					errs = append(errs, errors.New(tc.ways[(first+i)%len(tc.ways)]))
				}
				all := trace.Wrap(trace.NewAggregate(errs...), "all connection methods failed")
				require.EqualError(t, dialReason(all, tc.at), tc.want)
			}
		})
	}
}
