package logging_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/logging"
)

func TestLimitedAllowsOneOfAKindAnInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := logging.NewLimited(time.Minute)
		require.True(t, allowed(l, "a", 0))
		for range 7 {
			require.False(t, allowed(l, "a", 0))
		}
		require.True(t, allowed(l, "b", 0), "another kind")
		<-time.After(time.Minute - time.Second)
		require.False(t, allowed(l, "a", 0))
		<-time.After(time.Second)
		require.True(t, allowed(l, "a", 8), "it says how many were not logged")
		<-time.After(time.Minute)
		require.True(t, allowed(l, "a", 0), "and counts anew")
	})
}

// allowed reports whether an event is logged, with that count of suppressed ones.
func allowed(l *logging.Limited, kind string, suppressed int) bool {
	n, ok := l.Allow(kind)
	return ok && n == suppressed
}
