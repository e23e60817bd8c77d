package jira

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// scope is what a refusal covers.
type scope string

const (
	scopeEndpoint scope = "endpoint" // one method and endpoint, as burst limits
	scopeIssue    scope = "issue"    // writes to one issue
	scopeAll      scope = "all"      // everything, as quotas and overload
)

const (
	firstPause = time.Second // where a refusal does not say how long
	longPause  = time.Minute
	mostPause  = time.Hour // an absurd Retry-After is not believed
)

// pausedError says that a limit's pause outlasts the call's deadline. The call was
// not sent.
type pausedError struct{ after time.Duration }

// Error implements error.
func (p *pausedError) Error() string {
	return fmt.Sprintf("Jira asked to be left alone for another %s", p.after.Round(time.Millisecond))
}

// pauses keeps what Jira asked to be left alone with. Safe for concurrent use.
type pauses struct {
	mu    sync.Mutex
	until map[string]pause
}

type pause struct {
	began time.Time
	end   time.Time
	tries int // refusals in a row that did not say how long
}

// keys are the pauses that a call has to respect.
func keys(req *http.Request) []string {
	return []string{
		keyOf(scopeAll, req), keyOf(scopeEndpoint, req), keyOf(scopeIssue, req),
	}
}

// keyOf is the pause of that scope for a call; "" where the scope does not
// cover it.
func keyOf(s scope, req *http.Request) string {
	switch e := endpointOf(req.Context()); {
	case s == scopeAll:
		return "all"
	case s == scopeEndpoint:
		return req.Method + " " + e.name
	case e.issue != "":
		return "issue " + e.issue
	}
	return ""
}

// left is how long a call still has to wait.
func (p *pauses) left(req *http.Request) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	var longest time.Duration
	for _, k := range keys(req) {
		longest = max(longest, time.Until(p.until[k].end))
	}
	return longest
}

// wait returns once no pause covers the call, at once with a *pausedError if that
// is later than the call's deadline.
func (p *pauses) wait(ctx context.Context, req *http.Request) error {
	for {
		left := p.left(req)
		if left <= 0 {
			return nil
		}
		if err := sleep(ctx, left, nil); err != nil {
			return err
		}
	}
}

// sleep waits, or less if there is news. It returns a *pausedError at once if the
// context's deadline comes first.
func sleep(ctx context.Context, d time.Duration, news <-chan struct{}) error {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= d {
		return &pausedError{after: d}
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-news:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// begin notes the refusal of a call that was sent at a time. after is what Jira
// asked for; 0 when it did not say: then pauses double while refusals follow
// one another. Calls that were under way when the pause began and ask for no
// more than it does not make it longer: several round trips would be lost in
// every second.
func (p *pauses) begin(s scope, req *http.Request, after time.Duration, sent time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	for k, old := range p.until {
		if now.Sub(old.end) > longPause {
			delete(p.until, k)
		}
	}
	key := keyOf(s, req)
	old := p.until[key]
	known := sent.Before(old.began) && after <= old.end.Sub(old.began)
	if old.end.After(now) && (known || after <= 0) {
		return
	}
	if after <= 0 {
		after = min(longPause, firstPause<<min(old.tries, 10))
		old.tries++
	}
	if end := now.Add(min(after, mostPause)); end.After(old.end) {
		old.began, old.end = now, end
	}
	p.until[key] = old
}

// succeeded forgets how often the call was refused.
func (p *pauses) succeeded(req *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, k := range keys(req) {
		if old, ok := p.until[k]; ok && !old.end.After(time.Now()) {
			delete(p.until, k)
		}
	}
}

// scopeOf reads from a refusal what it covers. Cloud names the limit; a
// refusal without a name is taken for a burst limit on Cloud. Data Center
// limits an account as a whole, and 503 means that all of Jira is overloaded.
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

// showsRate tells whether a refusal says something about calls a second. A quota
// is of an hour, and an overload of the moment.
func showsRate(resp *http.Response) bool {
	reason := strings.ToLower(resp.Header.Get("RateLimit-Reason"))
	return resp.StatusCode == http.StatusTooManyRequests && !strings.Contains(reason, "quota")
}
