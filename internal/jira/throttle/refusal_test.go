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

func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"7", "-1e300", "Sat, 01 Jan 2000 00:00:30 GMT", "99999999999999999999"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		wait := RetryAfter(answer(http.StatusTooManyRequests, "Retry-After", value), time.Now())
		require.GreaterOrEqual(t, wait, time.Duration(0))
		require.LessOrEqual(t, wait, maxBackoff)
	})
}
