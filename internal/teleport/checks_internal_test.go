package teleport

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCheckOfAGrant(t *testing.T) {
	for name, tc := range map[string]struct {
		own   rights
		got   grant
		level Level
		fix   string
	}{
		"granted":           {rights{known: true}, granted, LevelOK, ""},
		"refused":           {rights{known: true}, refused, LevelFailure, "verbs: [list, read]"},
		"under a condition": {rights{known: true}, limited, LevelWarning, "without a condition"},
		"roles not shown":   {rights{}, refused, LevelWarning, "make sure of it"},
	} {
		t.Run(name, func(t *testing.T) {
			check := checkGrant("list", tc.own, tc.got, needRequests())
			require.Equal(t, tc.level, check.Level)
			require.Contains(t, check.Fix, tc.fix)
			require.Equal(t, tc.level == LevelOK, check.Fix == "")
		})
	}
}
