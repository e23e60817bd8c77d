package jira

import (
	"math"
	"slices"
	"sync"
	"time"

	"teleport-jira/internal/access"
)

const (
	// mostStatuses bounds what is remembered of workflows.
	mostStatuses = 1000
	// mostStuck bounds what is remembered of walks that led nowhere.
	mostStuck = 10_000
	// stuckFor is how long a walk that led nowhere is not begun again from the
	// same place. Exploring moves the issue, each move comes back as a webhook,
	// and each webhook asks for the walk again.
	stuckFor = time.Hour
)

// flow is what has been seen of workflows: which statuses lead where, and which
// walks led nowhere. It is a hint for choosing the next step and may be
// outdated. Safe for concurrent use.
type flow struct {
	mu    sync.Mutex
	leads map[string][]access.Status // by status id
	stuck map[string]time.Time       // when a walk from a place ended
}

// noteStuck remembers that no way leads on from a place.
func (f *flow) noteStuck(place string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stuck == nil || len(f.stuck) >= mostStuck {
		f.stuck = map[string]time.Time{}
	}
	f.stuck[place] = time.Now()
}

// isStuck tells whether no way led on from a place a short while ago.
func (f *flow) isStuck(place string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	since, ok := f.stuck[place]
	return ok && time.Since(since) < stuckFor
}

func (f *flow) learn(at position) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.leads == nil || len(f.leads) >= mostStatuses {
		f.leads = map[string][]access.Status{}
	}
	to := make([]access.Status, 0, len(at.open))
	for _, t := range at.open {
		to = append(to, t.To.status())
	}
	f.leads[at.status.ID] = to
}

// distance counts the steps from a status to a target, breadth first and
// around closed statuses; math.MaxInt when no way is known.
func (f *flow) distance(from access.Status, isTarget, isClosed func(access.Status) bool) int {
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
			for _, to := range f.leads[s.ID] {
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
