package testworld

import (
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPortsAreOutsideThoseOfConnections(t *testing.T) {
	for _, tc := range []struct {
		name        string
		low, high   int
		first, last int
	}{
		{"Linux's default", 32768, 60999, lowestPort, 32767},
		{"a range that starts low", 16000, 65535, lowestPort, 15999},
		{"room above only", 1024, 60999, 61000, highestPort},
		{"all of them", 1024, 65535, fallbackPort, highestPort},
	} {
		t.Run(tc.name, func(t *testing.T) {
			first, last := portsFor(tc.low, tc.high)
			assert.Equal(t, []int{tc.first, tc.last}, []int{first, last})
		})
	}
}

func TestAddressesAreFreeAndDiffer(t *testing.T) {
	seen := map[string]bool{}
	for range 50 {
		addr, err := FreeAddr()
		require.NoError(t, err)
		assert.False(t, seen[addr], addr)
		seen[addr] = true
	}
}

// A block belongs to one process: whoever claims next gets another.
func TestABlockOfPortsHasOneOwner(t *testing.T) {
	var one, other portBlock
	require.True(t, one.claim())
	require.True(t, other.claim())
	assert.NotEqual(t, one.first, other.first)
	require.NoError(t, one.owner.Close())
	require.NoError(t, other.owner.Close())
}

func TestSiteWaitsForItsAddress(t *testing.T) {
	addr, err := FreeAddr()
	require.NoError(t, err)
	inTheWay, err := net.Listen("tcp", addr)
	require.NoError(t, err)
	site := &Site{Addr: addr}
	started := make(chan error)
	go func() { started <- site.Start() }()
	require.NoError(t, inTheWay.Close())
	require.NoError(t, <-started)
	site.Stop()
}
