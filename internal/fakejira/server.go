package fakejira

import (
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Server is one Jira. Its methods may be called concurrently. It keeps
// everything in memory.
type Server struct {
	opts   Options
	routes []route

	mu       sync.Mutex // guards all below; never held while waiting
	world    *world
	baseURL  string
	pictures object // see avatars
	issues   map[int64]*record
	byKey    map[string]int64 // every key an issue ever had
	order    []*record        // issues in the order of creation
	lastNum  map[string]int   // last issue number, per project id
	nextID   map[string]int64 // next id, per kind of thing
	calls    callLog
	faults   faults
	limiter  *limiter
	webhooks *webhooks

	made administration

	oauthClients  map[string]OAuthClient // by id
	accessTokens  map[string]accessToken
	tokensGranted int

	closing sync.Once
	closed  chan struct{} // closed by Close
}

// New makes a Jira without issues. It fails if the options contradict
// themselves. The caller has to call Close.
func New(o Options) (*Server, error) {
	o.setDefaults()
	w, err := newWorld(o)
	if err != nil {
		return nil, fmt.Errorf("make jira double: %w", err)
	}
	s := &Server{
		opts:    o,
		world:   w,
		baseURL: o.BaseURL,
		issues:  map[int64]*record{},
		byKey:   map[string]int64{},
		lastNum: map[string]int{},
		nextID:  map[string]int64{},
		calls:   newCallLog(o.CallLog),
		limiter: newLimiter(o.Limits, o.Flavour),
		closed:  make(chan struct{}),
	}
	s.webhooks = newWebhooks(o)
	s.routes = s.allRoutes()
	return s, nil
}

// Close drops the webhooks that have not been delivered, cuts the deliveries
// that run and waits for their end, and cuts the calls that wait or hang. It
// may be called twice.
func (s *Server) Close() {
	s.closing.Do(func() { close(s.closed) })
	s.webhooks.close()
}

// SetBaseURL changes Options.BaseURL, for servers that learn their address
// after they were made.
func (s *Server) SetBaseURL(url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.baseURL, s.pictures = url, nil
}

// Flavour is the kind of Jira that is doubled.
func (s *Server) Flavour() Flavour { return s.opts.Flavour }

// SetSearchLag changes Options.SearchLag. Versions of issues that were dropped
// under a shorter lag stay unseen.
func (s *Server) SetSearchLag(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opts.SearchLag = d
}

// SetLatency changes Options.Latency.
func (s *Server) SetLatency(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opts.Latency = d
}

// SetPermission changes who has a permission in a project: account ids and
// group names. No holders means nobody; taking BrowseProjects away makes the
// project's issues answer 404.
func (s *Server) SetPermission(projectKey string, p Permission, holders ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	project := s.world.project(projectKey)
	if project == nil {
		return fmt.Errorf("set permission %s: no project %q", p, projectKey)
	}
	changed := map[Permission][]string{p: append([]string{}, holders...)}
	for k, v := range project.Permissions {
		if k != p {
			changed[k] = v
		}
	}
	project.Permissions = changed
	return nil
}

// id hands out ids of one kind, ascending.
func (s *Server) id(kind string) int64 {
	const first = 10_000
	if s.nextID[kind] == 0 {
		s.nextID[kind] = first
	}
	s.nextID[kind]++
	return s.nextID[kind] - 1
}

// now is the time as Jira stores it.
func now() time.Time { return time.Now().Truncate(time.Millisecond) }

// wait sleeps for d; false when the client gave up or the double was closed
// first.
func (c *call) wait(d time.Duration) bool {
	if d <= 0 {
		return c.r.Context().Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-c.r.Context().Done():
	case <-c.s.closed:
	}
	return false
}

// hang waits until the client gives up or the double is closed.
func (c *call) hang() {
	select {
	case <-c.r.Context().Done():
	case <-c.s.closed:
	}
}

// ServeHTTP implements http.Handler. It panics with http.ErrAbortHandler where
// an injected fault cuts the connection.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == s.TokenPath() {
		s.serveToken(w, r)
		return
	}
	c := s.newCall(r)
	ans := s.answer(c)
	s.log(c, ans)
	ans.write(w, c)
}

// answer takes a call through latency, faults, limits, login and endpoint.
func (s *Server) answer(c *call) answer {
	s.mu.Lock()
	half := s.opts.Latency / 2
	fault := s.faults.match(c)
	s.mu.Unlock()
	if !c.wait(half + fault.Delay) {
		return answer{abort: true}
	}
	if ans, stop := fault.before(c); stop {
		return ans
	}
	ans := s.effect(c)
	if !c.wait(half) {
		return answer{abort: true, status: ans.status}
	}
	return fault.after(c, ans)
}

// effect is what happens inside Jira, at one moment.
func (s *Server) effect(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.now = now()
	if c.reject != nil {
		return *c.reject
	}
	if ans, stop := s.limiter.take(c, s.issueKeyOf(c)); stop {
		return ans
	}
	if ans, stop := s.login(c); stop {
		return ans
	}
	if ans, stop := c.checkScope(); stop {
		return ans
	}
	ans := s.localise(c, c.route.serve(c))
	s.limiter.annotate(c, &ans)
	return ans
}
