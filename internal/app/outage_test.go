package app

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestOutagesAreToldOnceAndWhenTheyEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var o outage
		var out bytes.Buffer
		log := slog.New(slog.NewTextHandler(&out, nil))
		during := func(d time.Duration, trouble error) int {
			out.Reset()
			for end := time.Now().Add(d); time.Now().Before(end); <-time.After(time.Second) {
				o.note(log, sideJira, trouble)
			}
			return strings.Count(out.String(), "\n")
		}
		away := errors.New("jira answers 503")
		require.Zero(t, during(time.Minute, nil))
		require.Zero(t, during(5*time.Second, away), "a moment is no outage")
		require.Zero(t, during(time.Minute, nil))
		require.Equal(t, 1, during(time.Hour, away))
		require.Contains(t, out.String(), "503")
		require.Equal(t, 1, during(time.Minute, nil))
		require.Contains(t, out.String(), "usable again")
		require.Contains(t, out.String(), "after=1h0m0s")
	})
}
