package reconcile

import (
	"maps"
	"slices"
	"sync"

	"teleport-jira/internal/access"
)

// memory is what this process knows only to save calls. Losing it costs calls,
// never truth.
type memory struct {
	mu       sync.Mutex
	requests map[string]access.RequestID       // by issue id
	keys     map[access.RequestID]string       // issue keys of requests that are not in step, for the log
	done     map[access.RequestID]done         // settled, and brought in step
	gone     map[access.RequestID]struct{}     // issue answered 404, already warned about
	stuck    map[access.RequestID]access.State // no transition leads there, already warned about
	landing  map[landing]struct{}              // new issues land in the pending status here
	open     map[string]struct{}               // issues that the last sweep showed as pending
	states   map[access.State]int              // requests by state, as of the last resync
}

type done struct {
	state   access.State
	reviews int
}

// mostStuck bounds what is remembered of issues that can't be moved.
const mostStuck = 10_000

type landing struct{ project, issueType string }

func newMemory() *memory {
	return &memory{
		requests: map[string]access.RequestID{}, keys: map[access.RequestID]string{}, done: map[access.RequestID]done{},
		gone: map[access.RequestID]struct{}{}, stuck: map[access.RequestID]access.State{}, landing: map[landing]struct{}{},
		open: map[string]struct{}{}, states: map[access.State]int{},
	}
}

// with gives f the memory to itself.
func (m *memory) with(f func(m *memory)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f(m)
}

func (m *memory) requestOf(issueID string) (id access.RequestID) {
	m.with(func(m *memory) { id = m.requests[issueID] })
	return id
}

// keyOf is the issue that a key is about, as far as it is known.
func (m *memory) keyOf(k key) (issue string) {
	if k.issue != "" {
		return k.issue
	}
	m.with(func(m *memory) { issue = m.keys[k.request] })
	return issue
}

func (m *memory) isOpen(issueID string) (open bool) {
	m.with(func(m *memory) { _, open = m.open[issueID] })
	return open
}

func (m *memory) isDone(req *access.Request) (ok bool) {
	m.with(func(m *memory) {
		d, known := m.done[req.ID]
		ok = known && d == done{req.State, len(req.Reviews)}
	})
	return ok
}

func (m *memory) isGone(id access.RequestID) (gone bool) {
	m.with(func(m *memory) { _, gone = m.gone[id] })
	return gone
}

// setGone tells whether it is news.
func (m *memory) setGone(id access.RequestID, gone bool) (news bool) {
	m.with(func(m *memory) {
		_, was := m.gone[id]
		news = was != gone
		if gone {
			m.gone[id] = struct{}{}
		} else {
			delete(m.gone, id)
		}
	})
	return news
}

// setStuck notes the state to whose status no transition leads, "" for none, and
// tells whether it is news.
func (m *memory) setStuck(id access.RequestID, to access.State) (news bool) {
	m.with(func(m *memory) {
		news = m.stuck[id] != to
		if len(m.stuck) >= mostStuck {
			clear(m.stuck) // and say it again
		}
		if to == "" {
			delete(m.stuck, id)
		} else {
			m.stuck[id] = to
		}
	})
	return news
}

// landsPending tells whether new issues there are known to need no first move.
func (m *memory) landsPending(d access.Draft) (ok bool) {
	m.with(func(m *memory) { _, ok = m.landing[landing{d.Project, d.IssueType}] })
	return ok
}

func (m *memory) setLanding(l landing) {
	m.with(func(m *memory) { m.landing[l] = struct{}{} })
}

// keepOnly forgets settled requests that the cluster no longer lists.
func (m *memory) keepOnly(listed map[access.RequestID]struct{}) {
	m.with(func(m *memory) {
		for id := range m.done {
			if _, ok := listed[id]; !ok {
				delete(m.done, id)
			}
		}
		for _, issueID := range slices.Collect(maps.Keys(m.requests)) {
			if _, ok := listed[m.requests[issueID]]; !ok {
				delete(m.requests, issueID)
			}
		}
	})
}
