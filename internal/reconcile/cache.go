package reconcile

import (
	"maps"
	"sync"

	"teleport-jira/internal/access"
	"teleport-jira/internal/logging"
	"teleport-jira/internal/plan"
	"teleport-jira/internal/ttlcache"
)

// cache is what this process knows only to save calls and log lines. Losing it
// costs those, never truth. Its methods may be called concurrently.
type cache struct {
	missing     *ttlcache.Cache[access.RequestID, struct{}] // issue answered 404, already warned about
	unreachable *logging.Once                               // by request: the state to which no transition leads
	textLeft    *ttlcache.Cache[access.RequestID, string]   // the edit of an issue's text that was restored, or can't be

	mu       sync.Mutex                  // guards what follows
	requests map[string]access.RequestID // by issue id
	users    map[access.RequestID]string // who made the requests that have an issue
	keys     map[access.RequestID]string // issue keys of requests that are not in step, for the log
	synced   map[access.RequestID]inStep // those that were brought in step
	pending  map[issueKind]struct{}      // new issues start in the pending status here
	open     map[string]struct{}         // issues that the last resync showed as pending
	states   map[access.State]int        // requests by state, as of the last resync
}

// inStep is what a request was when it was brought in step.
type inStep struct {
	state   access.State
	reviews int
}

// issueKind is what decides in which status a new issue starts.
type issueKind struct{ project, issueType string }

// maxMissing bounds how many missing issues are remembered.
const maxMissing = 100_000

func newCache() *cache {
	return &cache{
		missing:     ttlcache.New[access.RequestID, struct{}](maxMissing, 0),
		unreachable: logging.NewOnce(0),
		textLeft:    ttlcache.New[access.RequestID, string](maxMissing, 0),
		requests:    map[string]access.RequestID{}, keys: map[access.RequestID]string{},
		users: map[access.RequestID]string{}, synced: map[access.RequestID]inStep{}, pending: map[issueKind]struct{}{},
		open: map[string]struct{}{}, states: map[access.State]int{},
	}
}

// requestOf returns the request whose record names the issue, as far as this
// process has seen; "" when it has not.
func (c *cache) requestOf(issueID string) access.RequestID {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.requests[issueID]
}

func (c *cache) setRequestOf(issueID string, id access.RequestID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests[issueID] = id
}

// setRecord remembers the issue that the record of a request names.
func (c *cache) setRecord(id access.RequestID, rec access.Record) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests[rec.IssueID], c.keys[id], c.users[id] = id, rec.IssueKey, rec.User
}

// requesterOf returns who made the request, as far as this process has seen; ""
// when it has not.
func (c *cache) requesterOf(id access.RequestID) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.users[id]
}

// issueKey returns the issue that a key is about, for the log; "" when it is not
// known.
func (c *cache) issueKey(k key) string {
	if k.issue != "" {
		return k.issue
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.keys[k.request]
}

// markSynced remembers that a request and its issue are in step.
func (c *cache) markSynced(s plan.Snapshot) {
	if s.Request == nil {
		c.missing.Delete(s.ID)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.keys, s.ID)
	switch {
	case s.Request == nil:
		delete(c.synced, s.ID)
		delete(c.requests, s.Record.IssueID)
		delete(c.users, s.ID)
	case !s.IssueMissing:
		c.synced[s.ID] = inStep{s.Request.State, len(s.Request.Reviews)}
	default:
		delete(c.synced, s.ID)
	}
}

// setNotSynced forgets that a request was in step: something is to be done.
func (c *cache) setNotSynced(id access.RequestID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.synced, id)
}

// isPendingInStep reports whether a request was pending, and this its issue, when
// the two were last seen in step.
func (c *cache) isPendingInStep(id access.RequestID, issueID string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	was, known := c.synced[id]
	return known && was.state == access.Pending && c.requests[issueID] == id
}

// isSynced reports whether a settled request is as it was when it was brought in
// step.
func (c *cache) isSynced(req *access.Request) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	was, known := c.synced[req.ID]
	return known && was == inStep{req.State, len(req.Reviews)}
}

func (c *cache) isMissing(id access.RequestID) bool {
	_, missing := c.missing.Get(id)
	return missing
}

// setMissing notes whether the request's issue is missing, and reports whether
// that is news.
func (c *cache) setMissing(id access.RequestID, missing bool) (news bool) {
	news = c.isMissing(id) != missing
	switch {
	case !news:
	case missing:
		c.missing.Put(id, struct{}{})
	default:
		c.missing.Delete(id)
	}
	return news
}

// startsPending reports whether new issues there are known to need no first
// transition.
func (c *cache) startsPending(project, issueType string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.pending[issueKind{project, issueType}]
	return ok
}

func (c *cache) setStartsPending(project, issueType string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pending[issueKind{project, issueType}] = struct{}{}
}

// isOpen reports whether the last resync showed the issue as pending.
func (c *cache) isOpen(issueID string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, open := c.open[issueID]
	return open
}

func (c *cache) setOpen(open map[string]struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open = open
}

// stateCounts returns how many requests were in each state at the last resync.
func (c *cache) stateCounts() map[access.State]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.states
}

// keepOnly takes over the listing of a resync. It forgets the requests that are
// no longer listed, and returns those of them that had an issue.
func (c *cache) keepOnly(listed map[access.RequestID]struct{}, states map[access.State]int) (deleted []access.RequestID) {
	isDeleted := func(id access.RequestID) bool { _, ok := listed[id]; return !ok }
	c.mu.Lock()
	defer c.mu.Unlock()
	c.states = states
	maps.DeleteFunc(c.synced, func(id access.RequestID, _ inStep) bool { return isDeleted(id) })
	maps.DeleteFunc(c.users, func(id access.RequestID, _ string) bool { return isDeleted(id) })
	maps.DeleteFunc(c.requests, func(_ string, id access.RequestID) bool {
		if isDeleted(id) {
			deleted = append(deleted, id)
			return true
		}
		return false
	})
	return deleted
}
