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

// RetryAfter returns for how long a 429 or 503 asks to be left alone: by
// Retry-After, in seconds or as an HTTP date, else by X-RateLimit-Reset, which
// some gateways send alone; 0 when it does not say, or for any other answer. Data
// Center sends the headers with successes too, where they mean nothing.
func RetryAfter(resp *http.Response, now time.Time) time.Duration {
	if !refused(resp) {
		return 0
	}
	value := strings.TrimSpace(resp.Header.Get("Retry-After"))
	if seconds, err := strconv.ParseInt(value, 10, 64); err == nil {
		return clamp(time.Duration(min(seconds, int64(maxBackoff/time.Second))) * time.Second)
	}
	if at, err := http.ParseTime(value); err == nil {
		return clamp(at.Sub(now))
	}
	return untilReset(resp, now)
}

func clamp(d time.Duration) time.Duration { return max(0, min(d, maxBackoff)) }

// untilReset reads X-RateLimit-Reset: a time, as Jira writes it, as in HTTP or in
// seconds since 1970; or seconds from now on. A time is by the clock of who
// answers, which the header Date shows.
func untilReset(resp *http.Response, now time.Time) time.Duration {
	value := strings.TrimSpace(resp.Header.Get("X-RateLimit-Reset"))
	if there, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		now = there
	}
	if seconds, err := strconv.ParseInt(value, 10, 64); err == nil {
		const sinceEpoch = 1_000_000_000 // smaller numbers are seconds from now on
		switch {
		case seconds < 0 || seconds > 1000*sinceEpoch:
			return 0
		case seconds >= sinceEpoch:
			return clamp(time.Unix(seconds, 0).Sub(now))
		}
		return clamp(time.Duration(min(seconds, int64(maxBackoff/time.Second))) * time.Second)
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", http.TimeFormat} {
		if at, err := time.Parse(layout, value); err == nil {
			return clamp(at.Sub(now))
		}
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

// showsRate reports whether a refusal says something about calls a second. A
// quota is of an hour, a cost of what was asked for, and an overload or a number
// of threads of the moment: only a burst limit, or one without a name, is a rate.
func showsRate(resp *http.Response) bool {
	reason := strings.ToLower(resp.Header.Get("RateLimit-Reason"))
	return resp.StatusCode == http.StatusTooManyRequests && (reason == "" || strings.Contains(reason, "burst"))
}
