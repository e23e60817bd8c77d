package reconcile

import (
	"context"
	"errors"
	"slices"
	"time"

	"teleport-jira/internal/access"
)

// findEarlier looks for the issue that an earlier attempt may have made: by
// its label, and by its property where it has none, as the existing plugin's.
// Label and property find candidates only: anybody who may edit an issue can
// set them, and an issue that stands for two requests would decide both.
func (v *visit) findEarlier(ctx context.Context, d access.Draft) (access.IssueRef, error) {
	if v.view.Record.IsZero() || v.view.Record.Ambiguous == access.AttemptFailed {
		return access.IssueRef{}, nil
	}
	labelled, err := v.r.tracker.FindIssues(ctx, v.view.ID)
	if err != nil {
		return access.IssueRef{}, err
	}
	for _, candidate := range labelled {
		// Searches fold the case of labels.
		if !slices.Contains(candidate.Labels, v.view.ID.Label()) {
			continue
		}
		if ok, err := v.adoptable(ctx, candidate, d); ok || err != nil {
			return candidate.Ref, err
		}
	}
	return v.findByProperty(ctx, d)
}

// firstSearch is how long after an attempt whose answer was lost its issue is
// first looked for. Only that there is none has to be waited for.
const firstSearch = 10 * time.Second

// searchEarly looks for the issue while there is still wait to go by before its
// absence counts. If it is there the claim is taken at once.
func (v *visit) searchEarly(ctx context.Context, d access.Draft, described access.Record, wait time.Duration) (again time.Duration, err error) {
	if stood := v.r.opts.SearchGrace - wait; stood < firstSearch {
		v.r.log.Info("an issue may have been made without an answer, none is made before search shows that there is none",
			"request_id", v.view.ID, "issue_key", v.view.Record.IssueKey, "wait", wait.Round(time.Second))
		return min(wait, firstSearch-stood), nil
	}
	ref, err := v.findEarlier(ctx, d)
	if err != nil || ref.IsZero() {
		return wait, err
	}
	v.claim, again, err = v.r.takeClaim(ctx, v.view.ID, v.view.Record, described)
	return again, err
}

// findByProperty goes through what was made since the request was, which is
// little, and has no request's label.
func (v *visit) findByProperty(ctx context.Context, d access.Draft) (access.IssueRef, error) {
	since := time.Since(d.Request.Created) + v.r.opts.SearchGrace
	for candidate, err := range v.r.tracker.Search(ctx, access.IssueQuery{UpdatedSince: since}) {
		v.r.pulse.moves()
		if err != nil {
			return access.IssueRef{}, err
		}
		if labelled(candidate.Labels) != "" || candidate.RequestID != "" && candidate.RequestID != v.view.ID {
			continue
		}
		if ok, err := v.adoptable(ctx, candidate, d); ok || err != nil {
			return candidate.Ref, err
		}
	}
	return access.IssueRef{}, nil
}

// adoptable tells whether the candidate was made for this request and belongs
// to no other one.
func (v *visit) adoptable(ctx context.Context, candidate access.IssueSummary, d access.Draft) (bool, error) {
	if owner := v.r.memory.requestOf(candidate.Ref.ID); owner != "" && owner != v.view.ID {
		return false, nil
	}
	ok, err := v.r.tracker.CreatedFor(ctx, candidate.Ref, d)
	if errors.Is(err, access.ErrNotFound) {
		return false, nil
	}
	if err == nil && !ok {
		v.r.log.Warn("issue bears the name of a request that it was not made for, not used",
			"request_id", v.view.ID, "issue_key", candidate.Ref.Key)
	}
	return ok, err
}
