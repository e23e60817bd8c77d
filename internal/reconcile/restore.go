package reconcile

import (
	"context"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
)

// restoreText undoes an edit of the issue's text. That the daemon's account may
// not is warned of once and stops nothing: a comment has said what the request
// is for.
func (e *execution) restoreText(ctx context.Context, do plan.RestoreText) error {
	log := e.r.log.With("request_id", e.snap.ID, "issue_key", e.issue.Key)
	err := e.r.tracker.RestoreText(ctx, e.issue, do.Draft)
	switch {
	case err != nil && stops(ctx, err):
		return err
	case err != nil && access.ClassOf(err) != access.Permanent && e.r.notices.failed(e.snap.ID, "text") < patience:
		return err
	case err != nil:
		log.Warn("text of an edited issue stays as it is, this account may not restore it",
			"error", err, "fix", "let the daemon's jira account edit issues, with summary and description on the edit screen")
	default:
		log.Info("text of an edited issue restored")
	}
	e.r.cache.textLeft.Put(e.snap.ID, do.Edit)
	e.snap.Issue = nil // What was read is no longer true.
	return nil
}
