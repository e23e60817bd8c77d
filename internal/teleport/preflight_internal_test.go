package teleport

import (
	"testing"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/preflight"
)

func TestCheckNeed(t *testing.T) {
	for name, tc := range map[string]struct {
		own   rights
		got   grant
		level preflight.Level
		fix   string
	}{
		"granted":           {rights{known: true}, allowed, preflight.OK, ""},
		"refused":           {rights{known: true}, denied, preflight.Failure, "verbs: [list, read]"},
		"under a condition": {rights{known: true}, conditional, preflight.Warning, "take the condition"},
		"roles not shown":   {rights{}, denied, preflight.Warning, "make sure of it"},
	} {
		t.Run(name, func(t *testing.T) {
			f := checkNeed(need{"list", permRequests(), func(rights) grant { return tc.got }}, tc.own)
			require.Equal(t, tc.level, f.Level)
			require.Contains(t, f.Fix, tc.fix)
			require.Equal(t, tc.level == preflight.OK, f.Fix == "")
		})
	}
}
