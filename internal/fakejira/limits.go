package fakejira

import (
	"math"
	"net/http"
	"strconv"
	"time"
)

// Limits are Jira's rate limits. The zero value has none.
type Limits struct {
	// Get, Post and Put are the calls a second that a tenant may make of each
	// kind; Jira Cloud's documented bursts are 100, 100 and 50. Deletes count
	// as puts. 0 means no limit. A bucket holds as many calls as a second's.
	Get, Post, Put int
	// PerIssue limits writes to one issue to 20 in 2 s and 100 in 30 s, as
	// Jira Cloud does.
	PerIssue bool
	// Windowed counts the calls of each second by the clock instead: nothing
	// is handed on from one second to the next.
	Windowed bool
	// NoRetryAfter leaves Retry-After and X-RateLimit-Reset out of 429 answers.
	NoRetryAfter bool
	// OnlyReset leaves out Retry-After alone, as some gateways do.
	OnlyReset bool
}

// CloudLimits are Jira Cloud's documented burst and per-issue limits.
func CloudLimits() Limits { return Limits{Get: 100, Post: 100, Put: 50, PerIssue: true} }

// window is a limit of writes per issue.
type window struct {
	writes int
	within time.Duration
}

// limiter counts calls against Limits. The server's lock guards it.
type limiter struct {
	Limits
	flavour Flavour
	buckets map[string]*bucket
	writes  map[int64][]time.Time // of each issue, oldest first
}

func newLimiter(l Limits, f Flavour) *limiter {
	return &limiter{Limits: l, flavour: f, buckets: map[string]*bucket{}, writes: map[int64][]time.Time{}}
}

// SetLimits replaces Options.Limits; buckets start full.
func (s *Server) SetLimits(l Limits) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limiter = newLimiter(l, s.opts.Flavour)
}

// bucket holds tokens, refilled continuously or with every second.
type bucket struct {
	size     float64 // also the refill a second
	windowed bool
	tokens   float64
	at       time.Time
}

// take removes a token, or tells how long it takes until there is one.
func (b *bucket) take(at time.Time) (time.Duration, bool) {
	b.refill(at)
	switch {
	case b.tokens >= 1:
		b.tokens--
		return 0, true
	case b.windowed:
		return at.Truncate(time.Second).Add(time.Second).Sub(at), false
	}
	return time.Duration((1 - b.tokens) / b.size * float64(time.Second)), false
}

func (b *bucket) refill(at time.Time) {
	switch {
	case !b.windowed:
		b.tokens = min(b.size, b.tokens+at.Sub(b.at).Seconds()*b.size)
	case !at.Truncate(time.Second).Equal(b.at.Truncate(time.Second)):
		b.tokens = b.size
	}
	b.at = at
}

func (l *limiter) bucket(method string, at time.Time) *bucket {
	class, size := "put", l.Put
	switch method {
	case http.MethodGet:
		class, size = "get", l.Get
	case http.MethodPost:
		class, size = "post", l.Post
	}
	if size == 0 {
		return nil
	}
	b := l.buckets[class]
	if b == nil {
		b = &bucket{size: float64(size), windowed: l.Windowed, tokens: float64(size), at: at}
		l.buckets[class] = b
	}
	return b
}

// take counts a call; the answer is 429 when it is one too many. issue is the
// issue that the call writes to, or 0.
func (l *limiter) take(c *call, issue int64) (answer, bool) {
	if b := l.bucket(c.r.Method, c.now); b != nil {
		if after, fits := b.take(c.now); !fits {
			return l.refuse(c.now, after, "jira-burst-based", b.size), true
		}
	}
	if l.PerIssue && issue != 0 {
		if after, limit := l.write(issue, c.now); after > 0 {
			return l.refuse(c.now, after, "jira-per-issue-on-write", limit), true
		}
	}
	return answer{}, false
}

// write counts a write to an issue; when it is one too many it tells how long
// to wait and under which limit.
func (l *limiter) write(issue int64, at time.Time) (time.Duration, float64) {
	windows := []window{{20, 2 * time.Second}, {100, 30 * time.Second}}
	recent := l.writes[issue]
	for len(recent) > 0 && at.Sub(recent[0]) >= windows[1].within {
		recent = recent[1:]
	}
	l.writes[issue] = recent
	var longest time.Duration
	var limit float64
	for _, w := range windows {
		if len(recent) < w.writes {
			continue
		}
		oldest := recent[len(recent)-w.writes]
		if after := w.within - at.Sub(oldest); after > longest {
			longest, limit = after, float64(w.writes)
		}
	}
	if longest == 0 {
		l.writes[issue] = append(recent, at)
	}
	return longest, limit
}

// refuse is the 429 with the headers of Atlassian's documentation.
func (l *limiter) refuse(at time.Time, after time.Duration, reason string, limit float64) answer {
	seconds := strconv.Itoa(int(math.Ceil(after.Seconds())))
	h := http.Header{}
	h.Set("X-RateLimit-Limit", strconv.Itoa(int(limit)))
	h.Set("X-RateLimit-Remaining", "0")
	if !l.NoRetryAfter && (l.flavour == Cloud || l.OnlyReset) {
		const roundUp = time.Second - 1
		h.Set("X-RateLimit-Reset", at.Add(after+roundUp).UTC().Format(time.RFC3339))
	}
	if l.flavour == Cloud {
		h.Set("RateLimit-Reason", reason)
	} else {
		h.Set("X-RateLimit-FillRate", h.Get("X-RateLimit-Limit"))
		h.Set("X-RateLimit-Interval-Seconds", "1")
	}
	if !l.NoRetryAfter && !l.OnlyReset {
		h.Set("Retry-After", seconds)
	}
	a := failure(http.StatusTooManyRequests, "Rate limit exceeded.")
	a.header = h
	return a
}

// annotate adds the rate limit headers that Data Center sends with every
// authenticated answer where a limit is set.
func (l *limiter) annotate(c *call, a *answer) {
	b := l.bucket(c.r.Method, c.now)
	if l.flavour == Cloud || c.who == nil || b == nil {
		return
	}
	if a.header == nil {
		a.header = http.Header{}
	}
	size := strconv.Itoa(int(b.size))
	a.header.Set("X-RateLimit-Limit", size)
	a.header.Set("X-RateLimit-Remaining", strconv.Itoa(int(b.tokens)))
	a.header.Set("X-RateLimit-FillRate", size)
	a.header.Set("X-RateLimit-Interval-Seconds", "1")
	a.header.Set("Retry-After", "0")
}
