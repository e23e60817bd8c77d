package fakejira

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Effect is a Fault's effect on a call.
type Effect int

// The effects. LoseRequest and LoseAnswer cut the connection: over a socket
// the client sees it closed, through RoundTripper it gets
// io.ErrUnexpectedEOF.
const (
	// Slow only waits for Fault.Delay; the call is served as usual.
	Slow Effect = iota
	// Respond answers with Fault.Status, Header and Body; nothing is done.
	Respond
	// Hang answers nothing until the client gives up; nothing is done.
	Hang
	// LoseRequest cuts the connection before anything is done.
	LoseRequest
	// LoseAnswer does what was asked, then cuts the connection.
	LoseAnswer
	// HangAfter does what was asked, then answers nothing until the client
	// gives up.
	HangAfter
	// Truncate does what was asked, answers the first half of the body and
	// cuts the connection.
	Truncate
	// Oversize does what was asked and pads the answer with spaces by
	// Fault.Size bytes, default 64 MiB.
	Oversize
	// Replace does what was asked, then answers with Fault.Status, Header and
	// Body, as a gateway does that lost Jira's answer.
	Replace
	// Redirect sends the client to the same path under Fault.Body, the
	// beginning of an address; nothing is done.
	Redirect
)

// LostPage is what Envoy answers, with status 503, when the server behind it
// hung up.
const LostPage = "upstream connect error or disconnect/reset before headers. reset reason: connection termination"

// MaintenancePage is JSON that is not Jira's.
const MaintenancePage = `{"status":"maintenance"}`

// ProxyPage is an HTML body as gateways in front of Jira send it.
const ProxyPage = "<html>\n<head><title>502 Bad Gateway</title></head>\n<body>\n<center><h1>502 Bad Gateway</h1></center>\n</body>\n</html>\n"

// Fault makes calls go wrong. A call meets the first fault in the order of
// their injection that matches it.
type Fault struct {
	Method string                   // empty is any
	Route  string                   // one of the Route constants; empty is any
	Match  func(*http.Request) bool // nil is any; it may not read the body nor call the Server
	Skip   int                      // matching calls that pass unharmed first
	Times  int                      // calls that it hits; 0 means all until it is removed

	Effect Effect
	Delay  time.Duration // before anything else happens
	Status int           // of Respond and Replace; Redirect answers 307 unless given
	Header http.Header   // of Respond and Replace
	Body   string        // of Respond and Replace, or Redirect's target; a body that begins with "<" goes out as HTML
	Size   int           // of Oversize
}

// faults are the injected faults, in order.
type faults struct {
	rules []*rule
}

type rule struct {
	Fault
	seen int
	hits int
}

// Inject adds a fault. remove takes it away again; it may be called twice.
func (s *Server) Inject(f Fault) (remove func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := &rule{Fault: f}
	s.faults.rules = append(s.faults.rules, r)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.faults.rules = slices.DeleteFunc(s.faults.rules, func(have *rule) bool { return have == r })
	}
}

// ClearFaults removes all faults. Calls that hang already go on hanging.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.rules = nil
}

// match is the fault that hits the call; the zero Fault harms nothing.
func (f *faults) match(c *call) Fault {
	for _, r := range f.rules {
		if !r.matches(c) || (r.Times > 0 && r.hits == r.Times) {
			continue
		}
		r.seen++
		if r.seen <= r.Skip {
			continue
		}
		r.hits++
		return r.Fault
	}
	return Fault{}
}

func (f Fault) matches(c *call) bool {
	return (f.Method == "" || f.Method == c.r.Method) &&
		(f.Route == "" || f.Route == c.route.pattern) &&
		(f.Match == nil || f.Match(c.r))
}

// before is the answer of a call that is not to have its effect.
func (f Fault) before(c *call) (answer, bool) {
	switch f.Effect {
	case Respond:
		return f.respond(), true
	case Hang:
		c.hang()
		return answer{abort: true}, true
	case LoseRequest:
		return answer{abort: true}, true
	case Redirect:
		status := f.Status
		if status == 0 {
			status = http.StatusTemporaryRedirect
		}
		return answer{status: status, header: http.Header{"Location": {f.Body + c.r.URL.RequestURI()}}}, true
	}
	return answer{}, false
}

func (f Fault) respond() answer {
	a := answer{status: f.Status, header: f.Header.Clone()}
	switch {
	case f.Body == "":
		a.body = object{"errorMessages": []string{fmt.Sprintf("injected status %d", f.Status)}, "errors": object{}}
	case f.Body[0] == '<':
		if a.header == nil {
			a.header = http.Header{}
		}
		a.header.Set("Content-Type", "text/html")
		a.body = []byte(f.Body)
	default:
		a.body = []byte(f.Body)
	}
	return a
}

// after spoils the answer of a call that had its effect.
func (f Fault) after(c *call, a answer) answer {
	const big = 64 << 20
	switch f.Effect {
	case LoseAnswer:
		a.abort = true
	case Replace:
		return f.respond()
	case HangAfter:
		c.hang()
		a.abort = true
	case Truncate:
		if a.body == nil {
			a.abort = true
			break
		}
		raw := marshal(a.body)
		a.body, a.truncate = raw, max(1, len(raw)/2)
	case Oversize:
		size := f.Size
		if size == 0 {
			size = big
		}
		a.body = append(marshal(a.body), bytes.Repeat([]byte(" "), size)...)
	}
	return a
}
