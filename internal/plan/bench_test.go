package plan_test

import (
	"testing"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
)

func BenchmarkPlan(b *testing.B) {
	resolved := record()
	resolved.Resolution = access.Approved
	for _, bc := range []struct {
		name string
		view plan.Snapshot
		want int // steps
	}{
		{"new request", plan.Snapshot{ID: "r1", Request: request(access.Pending), Now: now, Self: self}, 1},
		{"in step", plan.Snapshot{ID: "r1", Request: request(access.Pending), Record: record(), Now: now, Self: self}, 0},
		{"settled and in step", plan.Snapshot{ID: "r1", Request: request(access.Approved), Record: resolved, Now: now, Self: self}, 0},
		{"card moved", plan.Snapshot{
			ID: "r1", Request: request(access.Pending), Record: record(), Issue: issue(approved, &bob),
			Person: &plan.Person{}, Now: now, Self: self,
		}, 1},
	} {
		b.Run(bc.name, func(b *testing.B) {
			s := settings()
			b.ReportAllocs()
			for b.Loop() {
				if steps := s.Plan(bc.view); len(steps) != bc.want {
					b.Fatalf("%s: %s", bc.name, brief(steps))
				}
			}
		})
	}
}
