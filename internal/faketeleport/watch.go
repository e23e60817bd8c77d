package faketeleport

import (
	"errors"
	"slices"

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
	kinds   []types.WatchKind           // granted
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

// watch opens an event stream for the caller. It begins with OpInit, which names
// the kinds that are granted: all, unless partial allows less.
func (c *Cluster) watch(caller string, kinds []types.WatchKind, partial bool) (*watcher, error) {
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
		var filter types.AccessRequestFilter
		if err := filter.FromMap(kind.Filter); err != nil {
			return nil, trace.Wrap(err)
		}
		err := c.mayWatch(caller, kind, filter)
		switch {
		case err != nil && partial:
			continue
		case err != nil:
			return nil, err
		}
		w.kinds = append(w.kinds, kind)
		if kind.Kind == types.KindAccessRequest {
			w.filters = append(w.filters, filter)
		}
	}
	if len(w.kinds) == 0 {
		return nil, trace.BadParameter("none of the requested kinds can be watched")
	}
	w.events <- types.Event{Type: types.OpInit, Resource: types.NewWatchStatus(w.kinds)}
	c.watchers[w] = struct{}{}
	for _, ev := range c.recent {
		if w.wants(ev) {
			c.send(w, ev)
		}
	}
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
	c.emit(types.Event{Type: types.OpPut, Resource: req})
}

func (c *Cluster) emitDelete(id string) {
	c.emit(types.Event{Type: types.OpDelete, Resource: &types.ResourceHeader{
		Kind:     types.KindAccessRequest,
		Version:  types.V3,
		Metadata: types.Metadata{Name: id},
	}})
}

// emit tells the watchers of an event, or adds it to those that they will be
// told of together.
func (c *Cluster) emit(ev types.Event) {
	if c.cfg.EventDelay == 0 {
		c.tell(ev)
		return
	}
	if len(c.heldBack) == 0 {
		c.later(c.cfg.EventDelay, func() {
			for _, ev := range c.heldBack {
				c.tell(ev)
			}
			c.heldBack = nil
		})
	}
	c.heldBack = append(c.heldBack, ev)
}

func (c *Cluster) tell(ev types.Event) {
	for w := range c.watchers {
		if w.wants(ev) {
			c.send(w, ev)
		}
	}
	c.recent = append(c.recent, ev)
	if older := len(c.recent) - c.cfg.RecentEvents; older > 0 {
		c.recent = slices.Delete(c.recent, 0, older)
	}
}

func (c *Cluster) send(w *watcher, ev types.Event) {
	select {
	case w.events <- ev:
	default:
		c.dropWatcherLocked(w, trace.ConnectionProblem(errWatchBuffer, "watcher buffer overflow"))
	}
}

// wants reports whether its kind is watched and a filter lets the event through. A deletion carries kind
// and name only, so that it is not filtered.
func (w *watcher) wants(ev types.Event) bool {
	if !slices.ContainsFunc(w.kinds, func(k types.WatchKind) bool { return k.Kind == ev.Resource.GetKind() }) {
		return false
	}
	req, isRequest := ev.Resource.(*types.AccessRequestV3)
	return !isRequest || slices.ContainsFunc(w.filters, func(f types.AccessRequestFilter) bool { return f.Match(req) })
}
