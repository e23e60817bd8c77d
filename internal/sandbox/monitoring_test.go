package sandbox

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRuleApprovesStaging(t *testing.T) {
	s := startSandbox(t, daemonProgram(t))
	require.NoError(t, s.Request(alice, []string{stagingRole}, "", time.Hour, 0))
	require.NoError(t, s.Request(alice, []string{stagingRole, "editor"}, "", time.Hour, 0))
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		states := map[int]string{}
		for _, request := range s.View().Requests {
			states[len(request.Roles)] = request.State
		}
		require.Equal(c, map[int]string{1: "approved", 2: "pending"}, states)
		require.Len(c, s.View().Cards, 2)
		for _, card := range s.View().Cards {
			want := map[string]string{"approved": "Approved", "pending": "Pending"}[card.Request.State]
			require.Equal(c, want, card.Status)
		}
	}, 30*time.Second, 50*time.Millisecond)
}
