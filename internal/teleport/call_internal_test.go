package teleport

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRefusedCertificateIsRecognised: the texts are a real Auth Service's and
// a real Proxy's.
func TestRefusedCertificateIsRecognised(t *testing.T) {
	for text, want := range map[string]bool{
		"remote error: tls: bad certificate":                                                                   true,
		"transport: authentication handshake failed: remote error: tls: expired certificate":                   true,
		"ssh: handshake failed: ssh: unable to authenticate, attempted methods [none publickey], no supported": true,
		"failed to dial: ssh: handshake failed: ssh: no authorities for hostname: example":                     true,
		"remote error: tls: internal error":                                                                    false,
		"ssh: rejected: connect failed (connection refused)":                                                   false,
		"ssh: handshake failed: EOF":                                                                           false,
		"dial tcp 127.0.0.1:3025: connect: connection refused":                                                 false,
	} {
		require.Equal(t, want, certificateRefused(errors.New(text)), text)
	}
}
