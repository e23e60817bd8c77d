package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// How long things may take. Machines that test are slow and busy.
const (
	patience = 30 * time.Second
	tick     = 20 * time.Millisecond
	// calm is how long nothing must have happened for everything to be done.
	calm = 400 * time.Millisecond
)

// eventually waits until check finds nothing wrong.
func eventually(t *testing.T, check func(c *assert.CollectT)) {
	t.Helper()
	require.EventuallyWithT(t, check, patience, tick)
}

// within is eventually with a bound of its own.
func within(t *testing.T, limit time.Duration, check func(c *assert.CollectT)) {
	t.Helper()
	require.EventuallyWithT(t, check, limit, tick)
}

// succeeds tries until it works.
func succeeds(t *testing.T, try func() error) {
	t.Helper()
	eventually(t, func(c *assert.CollectT) { require.NoError(c, try()) })
}
