package reconcile

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
)

const (
	// traitsTTL is how long a requester's traits are used to plan by. What is
	// submitted is proven by traits that are read anew.
	traitsTTL = time.Minute
	// proofRetry is how soon a decision is looked at again that what is true now
	// does not prove.
	proofRetry = time.Second
)

var errNotProven = errors.New("what asked for the decision asks no longer, or not yet")

// readProposals finds out which decisions are asked for that no person makes.
func (r *Reconciler) readProposals(ctx context.Context, s *snapshot) (err error) {
	m := r.monitor.current.Load()
	pending := s.Request != nil && s.Request.State == access.Pending
	if !pending || !m.Reviews() || s.Record.Automatic.Has(string(plan.SourceRule)) {
		return nil
	}
	s.Proposals, err = r.proposals(ctx, m, s.Request, false)
	return err
}

// proposals evaluates the rules. With fresh nothing that is kept is used.
func (r *Reconciler) proposals(ctx context.Context, m *plan.Monitoring, req *access.Request, fresh bool) ([]plan.Proposal, error) {
	all, needTraits := m.Proposals(req, plan.Traits{}, time.Now())
	if !needTraits {
		return all, nil
	}
	traits, known := r.monitor.traits.Get(req.User)
	if fresh || !known {
		values, readable, err := r.cluster.UserTraits(ctx, req.User)
		if err != nil {
			return nil, err
		}
		traits = plan.Traits{Values: values, Known: readable}
		r.monitor.traits.Put(req.User, traits)
	}
	all, _ = m.Proposals(req, traits, time.Now())
	return all, nil
}

// prove makes sure, right before it is submitted, that the rules as they are now
// ask for the decision. It is an error where they don't.
func (r *Reconciler) prove(ctx context.Context, s snapshot, d access.Decision) error {
	rules, err := r.cluster.MonitoringRules(ctx)
	if err != nil && access.ClassOf(err) == access.Permanent {
		r.OnMonitoringRules(nil) // They can't be read any more.
	}
	if err != nil {
		return err
	}
	m, _ := plan.NewMonitoring(r.monitor.plugin, rules)
	now, err := r.proposals(ctx, m, s.Request, true)
	if err == nil && !plan.Proposes(now, d) {
		err = &access.Error{
			Op: "decide request", Key: string(s.ID), Class: access.Temporary, After: proofRetry, Err: errNotProven,
		}
	}
	return err
}

// noteAutomatic writes the one line about a decision that no person made.
func (e *execution) noteAutomatic(d access.Decision, out access.Outcome) {
	e.r.metrics.automatic.WithLabelValues(d.ChangeID, string(out.Result)).Inc()
	level := slog.LevelInfo
	if out.Result == access.NotAllowed {
		level = slog.LevelWarn
	}
	state := access.State("")
	if out.Request != nil {
		state = out.Request.State
	}
	e.r.log.With(e.snap.subject()...).Log(context.Background(), level, "automatic decision submitted",
		"request_id", d.RequestID, "issue_key", d.Issue.Key, "source", d.ChangeID, "by", d.Automatic, "mode", out.Mode, "reviewer", out.Reviewer,
		"decision", d.State, "answer", out.Result, "state", state, "detail", out.Detail, "rules_digest", e.snap.rules.digest)
}
