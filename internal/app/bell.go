package app

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"teleport-jira/internal/access"
)

// bell hands webhooks to the generation at work, and shows its metrics. Before there is one it is
// overloaded: Jira's retries, or the first resync, bring what came too early.
type bell struct{ current atomic.Pointer[generation] }

func (b *bell) use(g *generation) { b.current.Store(g) }

// IssueChanged implements webhook.Doorbell.
func (b *bell) IssueChanged(h access.IssueHint) bool {
	g := b.current.Load()
	return g != nil && g.worker.IssueChanged(h)
}

// stuck is why the generation at work makes no progress; nil without one.
func (b *bell) stuck() error {
	if g := b.current.Load(); g != nil {
		return g.worker.Stuck()
	}
	return nil
}

// Describe implements prometheus.Collector: what a generation measures is
// checked by its own registry.
func (b *bell) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector with the metrics of the generation at
// work.
func (b *bell) Collect(ch chan<- prometheus.Metric) {
	if g := b.current.Load(); g != nil {
		g.registry.Collect(ch)
	}
}
