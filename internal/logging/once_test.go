package logging_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/logging"
)

func TestOnceReportsAKeyOnceAnInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := logging.NewOnce(time.Hour)
		require.True(t, o.First("a"))
		require.False(t, o.First("a"))
		require.True(t, o.First("b"))
		<-time.After(time.Hour)
		require.True(t, o.First("a"))
	})
}

func TestOnceReportsAnotherValue(t *testing.T) {
	o := logging.NewOnce(0)
	require.True(t, o.Changed("issue", "approved"))
	require.False(t, o.Changed("issue", "approved"))
	require.True(t, o.Changed("issue", "denied"))
	o.Forget("issue")
	require.True(t, o.Changed("issue", "denied"))
}
