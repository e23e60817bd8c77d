package access_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
)

func TestUnixTime(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 999, time.FixedZone("CET", 3600))
	for name, c := range map[string]struct {
		in   time.Time
		want time.Time
	}{
		"no time":      {time.Time{}, time.Time{}},
		"before 1970":  {time.Unix(-5, 0), time.Time{}},
		"zone and ns":  {at, time.Date(2026, 3, 1, 11, 0, 0, 0, time.UTC)},
		"whole second": {time.Unix(1700000000, 0), time.Unix(1700000000, 0).UTC()},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, access.UnixTimeOf(c.in).Time()) })
	}
	require.Equal(t, access.UnixTimeOf(at), access.UnixTimeOf(at.UTC().Truncate(time.Second)), "the same second is the same value")
}

func TestAttemptMayHaveEffect(t *testing.T) {
	require.False(t, access.Attempt("").MayHaveEffect())
	require.False(t, access.AttemptFailed.MayHaveEffect())
	require.True(t, access.Attempt("x").MayHaveEffect())
}

func TestAnyFieldMakesARecord(t *testing.T) {
	require.True(t, access.Record{}.IsZero())
	require.False(t, access.Record{User: "alice"}.IsZero())
	require.False(t, access.Record{Ambiguous: access.AttemptFailed}.IsZero())
}
