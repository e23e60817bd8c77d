package jira

import (
	"math"
	"slices"
	"sync"

	"teleport-jira/internal/access"
)

// mostStatuses bounds what is remembered of workflows.
const mostStatuses = 1000

// flow is what has been seen of workflows: which statuses lead where. It is a
// hint for choosing the next step and may be outdated. Safe for concurrent use.
type flow struct {
	mu    sync.Mutex
	leads map[string][]access.Status // by status id
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
