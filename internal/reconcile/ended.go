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
	for _, q := range endedQueries(policy) {
		if err := r.findUnlisted(ctx, listed, q); err != nil {
			return err
		}
	}
	r.endsFound.Store(true)
	return nil
}

// lockLookBack is how much longer than the longest access ago an issue may have been
// changed last whose request is still to be locked: locks that fail are tried again.
const lockLookBack = 2 * time.Hour

// endedQueries find the issues that may have something to say of an access: those
// that show it as given, and those that say that its request was deleted, but whose
// certificates are to be locked when they have lasted too long.
func endedQueries(policy plan.Policy) []access.IssueQuery {
	queries := []access.IssueQuery{{Statuses: policy.Statuses[access.Approved], UpdatedSince: endsLookBack}}
	if ended, longest := policy.Statuses[access.Ended], policy.Access.MaxDuration; longest > 0 && len(ended) > 0 {
		queries = append(queries, access.IssueQuery{Statuses: ended, UpdatedSince: min(longest+lockLookBack, endsLookBack)})
	}
	return queries
}

// findUnlisted queues the issues of a search whose requests are not listed.
func (r *Reconciler) findUnlisted(ctx context.Context, listed map[access.RequestID]struct{}, q access.IssueQuery) error {
	for issue, err := range r.tracker.Search(ctx, q) {
		if err != nil {
			return fmt.Errorf("search issues of ended accesses: %w", err)
		}
		r.watchdog.Progress(resync)
		id := r.requestOf(issue)
		if _, ok := listed[id]; ok || id == "" || r.skips(issue) {
			continue
		}
		r.enqueue(key{request: id}, hint{orphan: issue.Ref.ID, Hint: plan.Hint{Observed: &issue.Status}})
	}
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

// toldEnd is an end that the issue says since an execution.
type toldEnd struct {
	plan.EndAccess
	issue access.IssueRef
}

// endAccess says on the issue that the access has ended.
func (e *execution) endAccess(ctx context.Context, do plan.EndAccess) error {
	if err := e.notify(ctx, do.Comment); err != nil {
		return err
	}
	e.snap.told = append(e.snap.told, toldEnd{EndAccess: do, issue: e.issue})
	return nil
}

// noteEnded counts and logs the ends that were told, once they are noted: one that
// is not noted is told again, which finds its comment.
func (r *Reconciler) noteEnded(s snapshot) {
	for _, do := range s.told {
		r.metrics.ended.WithLabelValues(string(do.Cause)).Inc()
		r.log.With(s.subject()...).Info("access ended",
			"request_id", s.ID, "issue_key", do.issue.Key, "cause", do.Cause,
			"from", do.Comment.Access.From.Time(), "until", do.Comment.Access.Until.Time())
	}
}
