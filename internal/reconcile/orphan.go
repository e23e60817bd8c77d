package reconcile

import (
	"context"
	"time"

	"teleport-jira/internal/plan"
)

// reserveWait is how long a reservation of an issue has to stand before its
// holder acts. It is longer than a write takes to arrive, so that of several
// replicas that reserve at once only the last one finds itself there; the
// others see its name, or a closed issue.
const reserveWait = 10 * time.Second

// applyOrphan closes an issue of which no record is left to claim. The issue
// itself is reserved instead: written to, left alone, and read again.
func (v *visit) applyOrphan(ctx context.Context, steps []plan.Step) (again time.Duration, err error) {
	v.orphan = v.view.Issue.Ref
	holder := v.view.Issue.Holder
	stood := v.r.seen.age(v.view.ID, "holder "+holder)
	switch {
	case holder == v.r.holder && stood >= reserveWait:
	case holder == v.r.holder:
		return reserveWait - stood, nil
	case holder != "" && stood < v.r.opts.ClaimLife:
		return v.r.opts.ClaimLife - stood, nil
	default:
		if err := v.r.tracker.Reserve(ctx, v.orphan, v.r.holder); err != nil {
			return 0, err
		}
		v.r.seen.age(v.view.ID, "holder "+v.r.holder)
		return reserveWait, nil
	}
	ctx, cancel := context.WithTimeout(ctx, reserveWait/2)
	defer cancel()
	v.suspect = true
	for _, step := range steps {
		switch do := step.Do.(type) {
		case plan.Transition:
			err = v.move(ctx, do)
		case plan.Comment:
			err = v.comment(ctx, do.Draft)
		}
		if err != nil {
			return 0, err
		}
	}
	return 0, nil
}
