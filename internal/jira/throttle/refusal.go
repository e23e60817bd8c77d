package throttle

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxBackoff bounds what Retry-After may ask for: an absurd value is not believed.
const maxBackoff = time.Hour

// refused reports whether Jira asks for fewer calls.
func refused(resp *http.Response) bool {
	return resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusServiceUnavailable
}

// RetryAfter returns for how long a 429 or 503 asks to be left alone, in seconds
// or as an HTTP date; 0 when it does not say, or for any other answer. Data
// Center sends the header with successes too, where it means nothing.
func RetryAfter(resp *http.Response, now time.Time) time.Duration {
	if !refused(resp) {
		return 0
	}
	value := strings.TrimSpace(resp.Header.Get("Retry-After"))
	if seconds, err := strconv.ParseInt(value, 10, 64); err == nil {
		return time.Duration(max(0, min(seconds, int64(maxBackoff/time.Second)))) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, min(at.Sub(now), maxBackoff))
	}
	return 0
}

// scopeOf returns what a refusal covers. Cloud names the limit; a refusal
// without a name is taken for a burst limit on Cloud. Data Center limits an
// account as a whole, and 503 means that all of Jira is overloaded.
func scopeOf(resp *http.Response, writesIssue, cloud bool) scope {
	reason := strings.ToLower(resp.Header.Get("RateLimit-Reason"))
	switch {
	case resp.StatusCode == http.StatusServiceUnavailable:
		return scopeAll
	case strings.Contains(reason, "per-issue") && writesIssue:
		return scopeIssue
	case strings.Contains(reason, "burst"), strings.Contains(reason, "per-issue"), reason == "" && cloud:
		return scopeEndpoint
	}
	return scopeAll
}

// showsRate reports whether a refusal says something about calls a second: a
// quota is of an hour, and an overload of the moment.
func showsRate(resp *http.Response) bool {
	reason := strings.ToLower(resp.Header.Get("RateLimit-Reason"))
	return resp.StatusCode == http.StatusTooManyRequests && !strings.Contains(reason, "quota")
}
