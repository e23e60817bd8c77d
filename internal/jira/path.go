package jira

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"teleport-jira/internal/access"
	"teleport-jira/internal/ttlcache"
)

// maxSteps is how long a way through a workflow may be.
const maxSteps = 8

const (
	// maxStatuses bounds what is remembered of workflows.
	maxStatuses = 1000
	// maxDeadEnds bounds what is remembered of searches that led nowhere.
	maxDeadEnds = 10_000
	// deadEndTTL is how long a search that led nowhere is not begun again from the
	// same place. Exploring moves the issue, each move comes back as a webhook,
	// and each webhook asks for the search again.
	deadEndTTL = time.Hour
)

// workflows are what has been seen of workflows: which statuses lead where, and which
// searches led nowhere. It is a hint for choosing the next step and may be
// outdated. Safe for concurrent use.
type workflows struct {
	mu       sync.Mutex
	next     map[string][]access.Status        // by status id
	deadEnds *ttlcache.Cache[string, struct{}] // by pathSearch.startKey
}

func newWorkflows() workflows {
	return workflows{deadEnds: ttlcache.New[string, struct{}](maxDeadEnds, deadEndTTL)}
}

// markDeadEnd remembers that no way leads on from a place.
func (f *workflows) markDeadEnd(place string) { f.deadEnds.Put(place, struct{}{}) }

// isDeadEnd reports whether no way led on from a place a short while ago.
func (f *workflows) isDeadEnd(place string) bool {
	_, ok := f.deadEnds.Get(place)
	return ok
}

func (f *workflows) learn(at position) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.next == nil || len(f.next) >= maxStatuses {
		f.next = map[string][]access.Status{}
	}
	to := make([]access.Status, 0, len(at.transitions))
	for _, t := range at.transitions {
		to = append(to, t.To.status())
	}
	f.next[at.status.ID] = to
}

// distance counts the steps from a status to a target, breadth first and
// around closed statuses; math.MaxInt when no way is known.
func (f *workflows) distance(from access.Status, isTarget, isClosed func(access.Status) bool) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	visited := map[string]bool{from.ID: true}
	layer := []access.Status{from}
	for steps := 0; len(layer) > 0; steps++ {
		if slices.ContainsFunc(layer, isTarget) {
			return steps
		}
		var next []access.Status
		for _, s := range layer {
			for _, to := range f.next[s.ID] {
				if !visited[to.ID] && (isTarget(to) || !isClosed(to)) {
					visited[to.ID] = true
					next = append(next, to)
				}
			}
		}
		layer = next
	}
	return math.MaxInt
}

// errNotMoved: a workflow's post-function or an app undid the step, or Jira never
// made it.
var errNotMoved = errors.New("the answer says that the issue was moved, and it was not")

// pathSearch brings one issue to a status, through others where it has to.
type pathSearch struct {
	c       *Client
	call    call
	path    string
	targets []string
	wayBack []string        // ids of the statuses that lead back
	seen    map[string]bool // ids of the statuses that the issue has been in
}

func (w *pathSearch) run(ctx context.Context) (bool, error) {
	at, err := w.position(ctx)
	if err != nil {
		return false, err
	}
	start := w.startKey(at)
	if w.c.workflows.isDeadEnd(start) {
		return false, w.unreachable(at)
	}
	moved, err := w.explore(ctx, at)
	if errors.Is(err, access.ErrUnreachable) {
		w.c.workflows.markDeadEnd(start)
	}
	return moved, err
}

// explore goes on from where the issue is.
func (w *pathSearch) explore(ctx context.Context, at position) (moved bool, err error) {
	for range maxSteps {
		if w.isTarget(at.status) {
			return len(w.seen) > 0, nil
		}
		w.c.workflows.learn(at)
		w.seen[at.status.ID] = true
		step, ok := w.choose(at)
		if !ok {
			return false, w.unreachable(at)
		}
		there, err := w.execute(ctx, at, step)
		switch {
		case err != nil:
			return false, err
		case there:
			return false, nil
		}
		from := at.status
		if at, err = w.position(ctx); err != nil {
			return false, err
		}
		if at.status.ID == from.ID && step.To.status().ID != from.ID {
			return false, w.call.error(access.Temporary, fmt.Errorf("%w: from %q to %q", errNotMoved, from.Name, string(step.To.Name)))
		}
	}
	return false, w.unreachable(at)
}

// startKey names the issue, where it is, what is open there and where it shall go.
func (w *pathSearch) startKey(at position) string {
	parts := append([]string{w.path, at.status.ID}, w.targets...)
	for _, t := range at.transitions {
		parts = append(parts, string(t.ID))
	}
	return strings.Join(parts, "\x00")
}

func (w *pathSearch) isTarget(s access.Status) bool { return slices.ContainsFunc(w.targets, s.Is) }

// isBlocked reports whether a status is no way to anywhere.
func (w *pathSearch) isBlocked(s access.Status) bool {
	return w.seen[s.ID] || w.c.isDecisive(s)
}

func (w *pathSearch) unreachable(at position) error {
	open := make([]string, 0, len(at.transitions))
	for _, t := range at.transitions {
		open = append(open, string(t.To.Name))
	}
	return w.call.error(access.Permanent, fmt.Errorf("%w: from %q to %q, open are %q",
		access.ErrUnreachable, at.status.Name, w.c.namesOf(w.targets), open))
}

// choose takes a step to the first target that is open, in the order in which
// the targets are configured; else the most promising step to a status not yet
// seen; else the step back.
func (w *pathSearch) choose(at position) (transition, bool) {
	steps := slices.SortedStableFunc(slices.Values(at.transitions), func(a, b transition) int {
		return cmp.Compare(a.missing(), b.missing())
	})
	for _, target := range w.targets {
		for _, t := range steps {
			if t.To.status().Is(target) {
				return t, true
			}
		}
	}
	onward := slices.DeleteFunc(slices.Clone(steps), func(t transition) bool { return w.isBlocked(t.To.status()) })
	if len(onward) > 0 {
		w.wayBack = append(w.wayBack, at.status.ID)
		return slices.MinFunc(onward, func(a, b transition) int {
			return cmp.Or(cmp.Compare(w.distance(a), w.distance(b)), cmp.Compare(a.rank(), b.rank()))
		}), true
	}
	if len(w.wayBack) == 0 {
		return transition{}, false
	}
	back := w.wayBack[len(w.wayBack)-1]
	w.wayBack = w.wayBack[:len(w.wayBack)-1]
	for _, t := range steps {
		if string(t.To.ID) == back {
			return t, true
		}
	}
	return transition{}, false
}

// distance is how far a target is known to be behind a step.
func (w *pathSearch) distance(t transition) int {
	return w.c.workflows.distance(t.To.status(), w.isTarget, w.isBlocked)
}
