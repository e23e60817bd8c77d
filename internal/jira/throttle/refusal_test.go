package throttle

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func answer(status int, pairs ...string) *http.Response {
	header := http.Header{}
	for i := 0; i+1 < len(pairs); i += 2 {
		header.Set(pairs[i], pairs[i+1])
	}
	return &http.Response{StatusCode: status, Header: header, Body: http.NoBody}
}

func TestOnlyALimitOfASecondShowsARate(t *testing.T) {
	for reason, want := range map[string]bool{
		"": true, "jira-burst-based": true, "jira-quota-tenant-based": false, "jira-quota-global-based": false,
		"jira-cost-based": false, "jira-max-concurrent-threads-per-user": false, "jira-per-issue-on-write": false,
	} {
		require.Equal(t, want, showsRate(answer(http.StatusTooManyRequests, "RateLimit-Reason", reason)), reason)
		require.False(t, showsRate(answer(http.StatusServiceUnavailable, "RateLimit-Reason", reason)), reason)
	}
}

func TestScopeOfARefusal(t *testing.T) {
	for name, tc := range map[string]struct {
		status        int
		reason        string
		writes, cloud bool
		want          scope
	}{
		"burst":                    {429, "jira-burst-based", false, true, scopeEndpoint},
		"unnamed on cloud":         {429, "", false, true, scopeEndpoint},
		"unnamed on data center":   {429, "", false, false, scopeAll},
		"quota":                    {429, "jira-quota-tenant-based", false, true, scopeAll},
		"per issue":                {429, "jira-per-issue-on-write", true, true, scopeIssue},
		"per issue, but no write":  {429, "jira-per-issue-on-write", false, true, scopeEndpoint},
		"overload":                 {503, "", true, true, scopeAll},
		"a name that is not known": {429, "something-new", true, true, scopeAll},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tc.want, scopeOf(answer(tc.status, "RateLimit-Reason", tc.reason), tc.writes, tc.cloud))
		})
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, " 7 ": 7 * time.Second, "-7": 0, "soon": 0, "1.5": 0, "999999999999": maxBackoff,
		"Thu, 01 Jan 2026 00:00:30 GMT": 30 * time.Second, "Wed, 31 Dec 2025 00:00:00 GMT": 0,
	} {
		require.Equal(t, want, RetryAfter(answer(http.StatusTooManyRequests, "Retry-After", value), now), value)
		require.Equal(t, want, RetryAfter(answer(http.StatusServiceUnavailable, "Retry-After", value), now), value)
		require.Zero(t, RetryAfter(answer(http.StatusOK, "Retry-After", value), now), "Data Center sends it with successes")
	}
}

func TestResetTellsHowLongWhereRetryAfterDoesNot(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "soon": 0, "-5": 0, "99999999999999": 0, "0": 0,
		"2026-01-01T00:00:07Z": 7 * time.Second, "2026-01-01T00:20Z": 20 * time.Minute, "2026-01-01T01:00:09+01:00": 9 * time.Second,
		"Thu, 01 Jan 2026 00:00:30 GMT": 30 * time.Second, "1767225605": 5 * time.Second, "12": 12 * time.Second,
		"2025-12-31T23:59:59Z": 0, "2036-01-01T00:00:00Z": maxBackoff, "999999999": maxBackoff,
	} {
		require.Equal(t, want, RetryAfter(answer(http.StatusTooManyRequests, "X-RateLimit-Reset", value), now), value)
		require.Equal(t, 3*time.Second, RetryAfter(answer(http.StatusTooManyRequests, "X-RateLimit-Reset", value, "Retry-After", "3"), now), value)
		require.Zero(t, RetryAfter(answer(http.StatusOK, "X-RateLimit-Reset", value), now))
	}
	behind := answer(http.StatusTooManyRequests, "X-RateLimit-Reset", "2026-01-01T00:10:07Z", "Date", "Thu, 01 Jan 2026 00:10:00 GMT")
	require.Equal(t, 7*time.Second, RetryAfter(behind, now), "by the clock of who answers")
}

func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"7", "-1e300", "Sat, 01 Jan 2000 00:00:30 GMT", "99999999999999999999"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		for _, header := range []string{"Retry-After", "X-RateLimit-Reset"} {
			wait := RetryAfter(answer(http.StatusTooManyRequests, header, value), time.Now())
			require.GreaterOrEqual(t, wait, time.Duration(0))
			require.LessOrEqual(t, wait, maxBackoff)
		}
	})
}
