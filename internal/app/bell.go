package app

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"teleport-jira/internal/access"
)

// bell hands webhooks to the generation at work, and shows its metrics. Before there is one it is
// overloaded: Jira's retries, or the first resync, bring what came too early.
type activeGeneration struct{ current atomic.Pointer[generation] }

func (b *activeGeneration) use(g *generation) { b.current.Store(g) }

// EnqueueIssue implements webhook.Doorbell.
func (b *activeGeneration) EnqueueIssue(h access.IssueHint) bool {
	g := b.current.Load()
	return g != nil && g.worker.EnqueueIssue(h)
}

// stuck is why the generation at work makes no progress; nil without one.
func (b *activeGeneration) stalled() error {
	if g := b.current.Load(); g != nil {
		return g.worker.Stalled()
	}
	return nil
}

// Describe implements prometheus.Collector: what a generation measures is
// checked by its own registry.
func (b *activeGeneration) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector with the metrics of the generation at
// work.
func (b *activeGeneration) Collect(ch chan<- prometheus.Metric) {
	if g := b.current.Load(); g != nil {
		g.registry.Collect(ch)
	}
}
