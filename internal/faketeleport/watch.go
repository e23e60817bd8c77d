package faketeleport

import (
	"errors"

	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"
)

var (
	errClusterClosed  = errors.New("cluster is closed")
	errWatchersClosed = errors.New("watcher was closed")
	errWatchBuffer    = errors.New("watcher buffer overflow")
)

// watcher is one open event stream. Events and err are written under the
// cluster's lock; err is set before events is closed.
type watcher struct {
	filters []types.AccessRequestFilter // any matches
	events  chan types.Event
	err     error
}

// CloseWatchers ends every open event stream with an error, as a server does
// when it drops its caches. New ones can be opened at once.
func (c *Cluster) CloseWatchers() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closeWatchersLocked(trace.ConnectionProblem(errWatchersClosed, "watcher was closed"))
}

// Watchers is the number of open event streams.
func (c *Cluster) Watchers() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.watchers)
}

func (c *Cluster) closeWatchersLocked(err error) {
	for w := range c.watchers {
		c.dropWatcherLocked(w, err)
	}
}

func (c *Cluster) dropWatcherLocked(w *watcher, err error) {
	if _, open := c.watchers[w]; !open {
		return
	}
	delete(c.watchers, w)
	w.err = err
	close(w.events)
}

// watch opens an event stream for the caller. It begins with OpInit.
func (c *Cluster) watch(caller string, kinds []types.WatchKind) (*watcher, error) {
	if len(kinds) == 0 {
		return nil, trace.BadParameter("can't setup global watch")
	}
	w := &watcher{events: make(chan types.Event, c.cfg.WatchBuffer)}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, trace.ConnectionProblem(errClusterClosed, "cluster is closed")
	}
	for _, kind := range kinds {
		if kind.Kind != types.KindAccessRequest {
			return nil, trace.BadParameter("watcher does not support object kind %q", kind.Kind)
		}
		var filter types.AccessRequestFilter
		if err := filter.FromMap(kind.Filter); err != nil {
			return nil, trace.Wrap(err)
		}
		if filter.User != caller && !c.may(caller, func(r Role) bool { return r.ListRequests }) {
			return nil, denied(caller, types.KindAccessRequest, types.VerbRead)
		}
		w.filters = append(w.filters, filter)
	}
	w.events <- types.Event{Type: types.OpInit, Resource: types.NewWatchStatus(kinds)}
	c.watchers[w] = struct{}{}
	return w, nil
}

// unwatch ends w without an error.
func (c *Cluster) unwatch(w *watcher) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dropWatcherLocked(w, nil)
}

// emitPut and emitDelete tell the watchers. The lock is held, so that events
// come in the order of the changes.
func (c *Cluster) emitPut(req *types.AccessRequestV3) {
	for w := range c.watchers {
		if w.matches(req) {
			c.send(w, types.Event{Type: types.OpPut, Resource: req})
		}
	}
}

// A deletion carries kind and name only, so it is not filtered.
func (c *Cluster) emitDelete(id string) {
	for w := range c.watchers {
		c.send(w, types.Event{Type: types.OpDelete, Resource: &types.ResourceHeader{
			Kind:     types.KindAccessRequest,
			Version:  types.V3,
			Metadata: types.Metadata{Name: id},
		}})
	}
}

func (c *Cluster) send(w *watcher, ev types.Event) {
	select {
	case w.events <- ev:
	default:
		c.dropWatcherLocked(w, trace.ConnectionProblem(errWatchBuffer, "watcher buffer overflow"))
	}
}

func (w *watcher) matches(req *types.AccessRequestV3) bool {
	for _, f := range w.filters {
		if f.Match(req) {
			return true
		}
	}
	return false
}
