package fakejira

import (
	"maps"
	"net/http"
	"slices"
	"time"
)

// Call is an API call that the double received.
type Call struct {
	Method  string
	Route   string // one of the Route constants; empty when there is no such endpoint
	Path    string
	Query   string
	Body    string // the first 4 KiB
	Status  int    // as answered; 0 when the connection was cut
	At      time.Time
	Took    time.Duration
	Account string // id; empty when anonymous
}

// callLog keeps the latest calls, and counts all.
type callLog struct {
	calls  []Call
	limit  int
	counts map[string]int
}

func newCallLog(limit int) callLog { return callLog{limit: limit, counts: map[string]int{}} }

func (s *Server) log(c *call, ans answer) {
	const keep = 4 << 10
	entry := Call{
		Method: c.r.Method, Route: c.route.pattern, Path: c.r.URL.Path, Query: c.r.URL.RawQuery,
		Body: string(c.body[:min(keep, len(c.body))]), Status: ans.status,
		At: c.began, Took: time.Since(c.began),
	}
	if ans.abort {
		entry.Status = 0
	}
	if c.who != nil {
		entry.Account = c.who.ID
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l := &s.calls
	if len(l.calls) == 2*l.limit {
		l.calls = slices.Clone(l.calls[l.limit:])
	}
	l.calls = append(l.calls, entry)
	l.counts[entry.Method+" "+entry.Route]++
}

// Calls are the latest calls in the order of their answers, at most
// Options.CallLog.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.calls
	return slices.Clone(l.calls[max(0, len(l.calls)-l.limit):])
}

// CallCounts tells how many calls were answered per "METHOD route", all since
// the start or the last ResetCalls, refused ones included.
func (s *Server) CallCounts() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.calls.counts)
}

// Count is how many calls of a method and route were answered; see CallCounts.
func (s *Server) Count(method, route string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls.counts[method+" "+route]
}

// Writes is how many calls that change something were received.
func (s *Server) Writes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, m := range []struct{ method, route string }{
		{http.MethodPost, RouteIssues},
		{http.MethodPost, RouteComments},
		{http.MethodPost, RouteTransitions},
		{http.MethodPut, RouteProperty},
		{http.MethodDelete, RouteProperty},
		{http.MethodDelete, RouteIssue},
	} {
		n += s.calls.counts[m.method+" "+m.route]
	}
	return n
}

// ResetCalls forgets calls and counts.
func (s *Server) ResetCalls() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = newCallLog(s.calls.limit)
}
