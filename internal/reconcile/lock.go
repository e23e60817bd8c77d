package reconcile

import (
	"context"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
)

// lock ends an access by a lock. Where Teleport refuses it, what was left to do is
// replaced by what follows from that.
func (e *execution) lock(ctx context.Context, do plan.Lock) error {
	if do.Decision.ChangeID != "" {
		if changed, err := e.issueChanged(ctx); err != nil {
			return err
		} else if changed {
			return errSetAside
		}
	}
	if err := e.rulesUnchanged(); err != nil {
		return err
	}
	cause, _ := do.By.Cause()
	log := e.r.log.With(e.snap.subject()...).With("request_id", e.snap.ID, "issue_key", e.issue.Key, "cause", cause,
		"person", do.Decision.By.String(), "account", do.Decision.By.ID, "teleport_user", do.Decision.Author, "change", do.Decision.ChangeID,
		"reason", do.Decision.Reason, "rules_digest", e.snap.rules.digest)
	err := e.r.cluster.Lock(ctx, do.Lock)
	switch {
	case err != nil && access.ClassOf(err) == access.Permanent && !stops(ctx, err):
		if do.Decision.ChangeID == "" {
			log.Error("access could not be locked, it goes on", "error", err, "fix", reasonOf(err))
		}
		e.snap.Record = e.record
		e.steps = e.snap.rules.policy.AfterLock(e.snap.Snapshot, do, reasonOf(err))
		return errSetAside
	case err != nil:
		return err
	}
	e.r.metrics.locks.WithLabelValues(string(cause)).Inc()
	log.Info("access locked", "lock", do.Lock.Name(), "lock_until", do.Lock.Expires.UTC())
	return nil
}
