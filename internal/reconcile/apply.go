package reconcile

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"time"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
)

// visit is one worker's work on one request: a plan, applied under a claim.
type visit struct {
	r       *Reconciler
	view    plan.Snapshot
	claim   *claim
	orphan  access.IssueRef // the issue, where there is no record to name it
	record  access.Record   // with what has been done so far
	suspect bool            // an earlier attempt may have had effects that are not noted
	marks   map[string]bool
	unseen  bool // an issue was made, and it is not known where it landed
	made    bool // an issue was made, and it landed where it belongs
	// nothingMade says that no attempt, this one or an earlier one, has made an
	// issue.
	nothingMade bool
}

// apply does the steps in order. What was done is noted also when a later step
// fails.
func (v *visit) apply(ctx context.Context, steps []plan.Step) (again time.Duration, err error) {
	if v.view.Record.IsZero() && v.view.Request == nil {
		return v.applyOrphan(ctx, steps)
	}
	described := v.view.Record
	if described.IssueID == "" {
		described = steps[0].Then
	}
	v.claim, again, err = v.r.claimFor(ctx, v.view.ID, v.view.Record, described)
	if create, ok := steps[0].Do.(plan.CreateIssue); ok && again > 0 && v.view.Record.Claim == "" {
		again, err = v.searchEarly(ctx, create.Draft, described, again)
	}
	if err != nil || again > 0 {
		return again, v.soften(err)
	}
	v.record, v.suspect = described, v.claim.suspect
	held := v.claim.hold(ctx)
	err = v.run(held, steps)
	if cause := context.Cause(held); cause != nil && errors.Is(err, context.Canceled) {
		err = &access.Error{Op: "apply plan to request", Key: string(v.view.ID), Err: cause, Ambiguous: access.IsAmbiguous(err)}
	}
	return 0, v.soften(errors.Join(err, v.claim.release(ctx, v.record, v.unsure(err))))
}

// soften turns races into another look: a record that changed, or vanished with
// its request, is read again at once.
func (v *visit) soften(err error) error {
	if errors.Is(err, access.ErrConflict) || errors.Is(err, access.ErrNotFound) {
		return &access.Error{Op: "apply plan to request", Key: string(v.view.ID), Class: access.Temporary, Err: err}
	}
	return err
}

// unsure is what the record says about the attempt: nothing, that a create
// certainly failed, or the name of an attempt whose effect is unknown: this
// one, or an earlier one that has not been cleared up.
func (v *visit) unsure(err error) access.Attempt {
	switch {
	case access.IsAmbiguous(err), err != nil && v.suspect && v.record.IssueID != "":
		return access.Attempt(rand.Text())
	case v.record.IssueID != "":
		return ""
	case v.nothingMade:
		return access.AttemptFailed
	}
	return v.view.Record.Ambiguous
}

func (v *visit) run(ctx context.Context, steps []plan.Step) error {
	for len(steps) > 0 {
		v.r.pulse.moves()
		step := steps[0]
		steps = steps[1:]
		if err := v.claim.check(ctx); err != nil {
			return err
		}
		if err := v.do(ctx, step, &steps); err != nil {
			return err
		}
	}
	return nil
}

func (v *visit) do(ctx context.Context, step plan.Step, rest *[]plan.Step) error {
	var err error
	switch do := step.Do.(type) {
	case plan.CreateIssue:
		return v.create(ctx, do, step.Then)
	case plan.Decide:
		return v.decide(ctx, do, step.Then, rest)
	case plan.Refuse:
		if err = v.comment(ctx, do.Comment); err == nil {
			v.refused(do)
		}
	case plan.Comment:
		err = v.comment(ctx, do.Draft)
	case plan.Transition:
		err = v.move(ctx, do)
	case plan.SaveRecord:
	}
	if err != nil {
		return v.onGone(err)
	}
	v.record = step.Then
	return nil
}

// onGone remembers an issue that vanished under the work.
func (v *visit) onGone(err error) error {
	if errors.Is(err, access.ErrNotFound) {
		v.r.issueGone(&v.view)
	}
	return err
}

func (v *visit) create(ctx context.Context, do plan.CreateIssue, then access.Record) error {
	ref, err := v.findEarlier(ctx, do.Draft)
	if err != nil {
		return err
	}
	if !ref.IsZero() {
		v.unseen = true
		v.r.log.Info("issue of an earlier attempt found", "request_id", v.view.ID, "issue_key", ref.Key)
	} else {
		v.nothingMade = true
		if ref, err = v.r.tracker.CreateIssue(ctx, do.Draft); err != nil {
			return err
		}
		v.made = v.r.memory.landsPending(do.Draft)
		v.unseen = !v.made
		v.r.metrics.created.Inc()
		v.r.log.Info("issue created", "request_id", v.view.ID, "issue_key", ref.Key, "user", do.Draft.Request.User)
	}
	then.IssueID, then.IssueKey = ref.ID, ref.Key
	v.record = then
	v.r.memory.with(func(m *memory) { m.requests[ref.ID] = v.view.ID })
	return nil
}

// comment writes a notice once: where an earlier attempt may have written it,
// it is looked for first.
func (v *visit) comment(ctx context.Context, n access.CommentDraft) error {
	ref := v.issue()
	if v.suspect && v.marks == nil {
		marks, err := v.r.tracker.CommentKeys(ctx, ref)
		if err != nil {
			return err
		}
		v.marks = marks
	}
	if v.marks[n.DedupKey] {
		return nil
	}
	if err := v.r.tracker.Comment(ctx, ref, n); err != nil {
		return err
	}
	v.r.metrics.comments.Inc()
	v.r.log.Info("comment added", "request_id", v.view.ID, "issue_key", ref.Key, "about", n.DedupKey)
	return nil
}

func (v *visit) move(ctx context.Context, do plan.Transition) error {
	ref := v.issue()
	log := v.r.log.With("request_id", v.view.ID, "issue_key", ref.Key, "to", do.To)
	moved, err := v.r.tracker.Transition(ctx, ref, do.Statuses)
	switch {
	case errors.Is(err, access.ErrUnreachable):
		v.r.metrics.stuck.Inc()
		level := slog.LevelDebug // it is tried again with every look
		if v.r.memory.setStuck(v.view.ID, do.To) {
			level = slog.LevelWarn
		}
		log.Log(ctx, level, "issue cannot be moved, its workflow has no transition there for this account", "error", err)
	case err != nil:
		return err
	case moved:
		v.r.metrics.moves.WithLabelValues(string(do.To)).Inc()
		v.r.memory.setStuck(v.view.ID, "")
		log.Info("issue moved")
	}
	v.view.Issue = nil // What was read is no longer true.
	return nil
}

// after is what was read, with the record as it stands now.
func (v *visit) after() plan.Snapshot {
	after := v.view
	after.Record = v.record
	after.Record.Claim, after.Record.ClaimUntil, after.Record.Ambiguous = "", 0, ""
	return after
}

// issue is the issue that the record names, or the orphan.
func (v *visit) issue() access.IssueRef {
	if ref := v.view.Record.Issue(); !ref.IsZero() {
		return ref
	}
	return v.orphan
}
