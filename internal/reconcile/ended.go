package reconcile

import (
	"context"
	"fmt"
	"time"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
)

// endsLookBack is how long ago an issue may have been changed last and still show
// an access of which nobody told the end: Teleport grants none for longer.
const endsLookBack = 15 * 24 * time.Hour

// findEnded queues, once in this process's life, the issues that show an approved
// request which is no longer listed: its access may have ended while no daemon ran,
// so long ago that nothing but the issue is left of it.
func (r *Reconciler) findEnded(ctx context.Context, listed map[access.RequestID]struct{}) error {
	policy := r.policy()
	if err := r.findRevoked(ctx, listed, policy.Statuses[access.Revoked]); err != nil {
		return err
	}
	if !policy.Access.Track || r.endsFound.Load() {
		return nil
	}
	q := access.IssueQuery{Statuses: policy.Statuses[access.Approved], UpdatedSince: endsLookBack}
	for issue, err := range r.tracker.Search(ctx, q) {
		if err != nil {
			return fmt.Errorf("search issues of approved requests: %w", err)
		}
		r.watchdog.Progress(resync)
		id := r.requestOf(issue)
		if _, ok := listed[id]; ok || id == "" || r.skips(issue) {
			continue
		}
		r.enqueue(key{request: id}, hint{orphan: issue.Ref.ID, Hint: plan.Hint{Observed: &issue.Status}})
	}
	r.endsFound.Store(true)
	return nil
}

// findRevoked queues the requests that are still listed and whose issues somebody
// moved to a status that ends their access: a webhook may have been lost.
func (r *Reconciler) findRevoked(ctx context.Context, listed map[access.RequestID]struct{}, statuses []string) error {
	if len(statuses) == 0 {
		return nil
	}
	for issue, err := range r.tracker.Search(ctx, access.IssueQuery{Statuses: statuses, UpdatedSince: endsLookBack}) {
		if err != nil {
			return fmt.Errorf("search issues of revoked requests: %w", err)
		}
		r.watchdog.Progress(resync)
		id := r.requestOf(issue)
		if _, ok := listed[id]; ok && !r.skips(issue) {
			r.enqueue(key{request: id}, hint{Hint: plan.Hint{Observed: &issue.Status, IssueID: issue.Ref.ID}, urgency: decision})
		}
	}
	return nil
}

// endAccess says on the issue that the access has ended, and counts it.
func (e *execution) endAccess(ctx context.Context, do plan.EndAccess) error {
	if err := e.notify(ctx, do.Comment); err != nil {
		return err
	}
	e.r.metrics.ended.WithLabelValues(string(do.Cause)).Inc()
	e.r.log.With(e.subject()...).Info("access ended",
		"request_id", e.snap.ID, "issue_key", e.issue.Key, "cause", do.Cause,
		"from", do.Comment.Access.From.Time(), "until", do.Comment.Access.Until.Time())
	return nil
}
