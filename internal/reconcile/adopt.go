package reconcile

import (
	"context"
	"errors"
	"slices"
	"time"

	"teleport-jira/internal/access"
)

// firstSearch is how long after an ambiguous create its issue is first looked
// for. Only that there is none has to be waited for.
const firstSearch = 10 * time.Second

// searchEarly looks for the issue of an ambiguous create while there is still
// wait to go by before its absence counts. It returns 0 when the issue is there,
// so that it can be adopted at once, else how long to wait.
func (r *Reconciler) searchEarly(ctx context.Context, s snapshot, d access.Draft, wait time.Duration) (time.Duration, error) {
	if age := r.opts.SearchGrace - wait; age < firstSearch {
		r.log.Info("create outcome unknown, waiting for search",
			"request_id", s.ID, "issue_key", s.Record.IssueKey, "wait", wait.Round(time.Second))
		return min(wait, firstSearch-age), nil
	}
	ref, err := r.findEarlier(ctx, s, d)
	if err != nil || ref.IsZero() {
		return wait, err
	}
	return 0, nil
}

// findEarlier looks for the issue that an earlier attempt may have made: by
// its label, and by its property where it has none, as the existing plugin's.
// Label and property find candidates only: anybody who may edit an issue can
// set them, and an issue that stands for two requests would decide both.
func (r *Reconciler) findEarlier(ctx context.Context, s snapshot, d access.Draft) (access.IssueRef, error) {
	if s.Record.IsZero() || s.Record.Ambiguous == access.AttemptFailed {
		return access.IssueRef{}, nil
	}
	labelled, err := r.tracker.FindIssues(ctx, s.ID)
	if err != nil {
		return access.IssueRef{}, err
	}
	for _, candidate := range labelled {
		// Searches fold the case of labels.
		if !slices.Contains(candidate.Labels, s.ID.Label()) {
			continue
		}
		if ok, err := r.isAdoptable(ctx, s.ID, candidate, d); ok || err != nil {
			return candidate.Ref, err
		}
	}
	return r.findByProperty(ctx, s.ID, d)
}

// findByProperty goes through what was made since the request was, which is
// little, and has no request's label.
func (r *Reconciler) findByProperty(ctx context.Context, id access.RequestID, d access.Draft) (access.IssueRef, error) {
	since := time.Since(d.Request.Created) + r.opts.SearchGrace
	for candidate, err := range r.tracker.Search(ctx, access.IssueQuery{UpdatedSince: since}) {
		r.workers.Progress()
		if err != nil {
			return access.IssueRef{}, err
		}
		if access.HasRequestLabel(candidate.Labels) || candidate.RequestID != "" && candidate.RequestID != id {
			continue
		}
		if ok, err := r.isAdoptable(ctx, id, candidate, d); ok || err != nil {
			return candidate.Ref, err
		}
	}
	return access.IssueRef{}, nil
}

// isAdoptable reports whether the candidate was created for this request and
// belongs to no other one.
func (r *Reconciler) isAdoptable(ctx context.Context, id access.RequestID, candidate access.IssueSummary, d access.Draft) (bool, error) {
	if owner := r.cache.requestOf(candidate.Ref.ID); owner != "" && owner != id {
		return false, nil
	}
	ok, err := r.tracker.CreatedFor(ctx, candidate.Ref, d)
	if errors.Is(err, access.ErrNotFound) {
		return false, nil
	}
	if err == nil && !ok {
		r.log.Warn("issue claims a request it was not created for, ignored",
			"request_id", id, "issue_key", candidate.Ref.Key)
	}
	return ok, err
}
