package sender

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOf(t *testing.T) {
	t.Parallel()
	for remote, want := range map[string]string{
		"192.0.2.1:4711":              "192.0.2.1/32",
		"[::ffff:192.0.2.1]:4711":     "192.0.2.1/32",
		"[2001:db8:1:2:3:4:5:6]:4711": "2001:db8:1:2::/64",
		"[fe80::1%eth0]:4711":         "fe80::/64",
		"@":                           "invalid Prefix",
		"":                            "invalid Prefix",
	} {
		require.Equal(t, want, Of(remote).String(), remote)
	}
}
