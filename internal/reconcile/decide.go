package reconcile

import (
	"context"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
)

// decide submits a decision and replaces what was left to do by what follows
// from the answer.
func (v *visit) decide(ctx context.Context, do plan.Decide, then access.Record, rest *[]plan.Step) error {
	out := access.Outcome{
		Result: access.Submitted, Mode: v.r.opts.Policy.Review.Mode, Reviewer: v.view.Reviewer, Request: v.view.Request,
	}
	if !do.Found {
		var err error
		if out, err = v.r.cluster.Decide(ctx, do.Decision); err != nil {
			return err
		}
	}
	v.audit(do.Decision, out)
	v.record = then
	v.view.Record = then
	if out.Request != nil {
		v.view.Request = out.Request
	}
	*rest = v.r.opts.Policy.AfterDecision(v.view, do.Decision, out)
	return nil
}

// audit writes the one line that answers, later, who decided what and why.
func (v *visit) audit(d access.Decision, out access.Outcome) {
	v.r.metrics.decisions.WithLabelValues(string(out.Mode), string(out.Result)).Inc()
	state := access.State("")
	if out.Request != nil {
		state = out.Request.State
	}
	v.r.log.Info("decision submitted",
		"request_id", d.RequestID, "issue_key", d.Issue.Key, "change", d.ChangeID,
		"person", d.By.String(), "account", d.By.ID, "teleport_user", d.Author, "mode", out.Mode, "reviewer", out.Reviewer,
		"decision", d.State, "reason", d.Reason, "answer", out.Result, "state", state, "detail", out.Detail)
}

// refused counts and logs a move that decided nothing.
func (v *visit) refused(do plan.Refuse) {
	d := do.Decision
	v.r.metrics.refusals.WithLabelValues(string(do.Why)).Inc()
	v.r.log.Warn("decision refused",
		"request_id", d.RequestID, "issue_key", d.Issue.Key, "change", d.ChangeID,
		"person", d.By.String(), "account", d.By.ID, "teleport_user", d.Author,
		"mode", v.r.opts.Policy.Review.Mode, "decision", d.State, "reason", d.Reason, "refusal", do.Why)
}
