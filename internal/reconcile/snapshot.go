package reconcile

import (
	"context"
	"errors"
	"fmt"
	"time"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
)

// snapshot is what was read of a request, and why it was read.
type snapshot struct {
	plan.Snapshot
	rules *rules // in use when it was begun
	hint  hint
	// abandoned: a worker that died left a claim or an ambiguous attempt on a
	// request with an issue, so that its last effect may not be noted.
	abandoned bool
}

// snapshot reads what the plan needs, and of Jira no more than that. issue is
// used instead of reading it; nil when it has to be read.
func (r *Reconciler) snapshot(ctx context.Context, id access.RequestID, h hint, issue *access.Issue) (snapshot, error) {
	s := snapshot{hint: h, rules: r.rules.Load(), Snapshot: plan.Snapshot{
		ID: id, Self: r.self, Reviewer: r.reviewer, URL: r.cluster.RequestURL(id), Now: time.Now(), Issue: issue,
	}}
	var err error
	if s.Request, err = r.cluster.Request(ctx, id); err != nil && !errors.Is(err, access.ErrNotFound) {
		return s, err
	}
	if s.Record, err = r.cluster.Record(ctx, id); err != nil {
		return s, err
	}
	r.noteOwner(s)
	if h.resync && s.Record.IssueID != "" && s.Request != nil && s.Request.State == access.Pending {
		s.hint.Always = s.hint.Always || !r.cache.isOpen(s.Record.IssueID)
	}
	if s.abandoned = r.isAbandoned(id, s.Record); s.abandoned {
		// What the dead holder did last may concern the issue's status changes.
		s.hint.Always = true
	}
	s.TextLeft, _ = r.cache.textLeft.Get(id)
	s.IssueMissing = r.cache.isMissing(id) && !r.shows(s)
	if err := r.readIssue(ctx, &s); err != nil {
		return s, err
	}
	r.noteForeignRules(s)
	if s.Issue != nil && s.Record.IsZero() {
		if s.Reported, err = r.reportedState(ctx, s.Issue.Ref); err != nil {
			return s, err
		}
	}
	if change := s.rules.policy.NeedsPerson(s.Snapshot); change != nil && !s.isHeld() {
		if s.Person, err = r.person(ctx, s.Snapshot, *change); err != nil {
			return s, fmt.Errorf("look up who moved issue %s: %w", s.Issue.Ref.Key, err)
		}
	}
	if s.isHeld() {
		return s, nil
	}
	for _, change := range s.rules.policy.NeedsDeniers(s.Snapshot) {
		denier, err := r.person(ctx, s.Snapshot, change)
		if err != nil {
			return s, fmt.Errorf("look up who denied on issue %s: %w", s.Issue.Ref.Key, err)
		}
		if s.Deniers == nil {
			s.Deniers = map[string]*plan.Person{}
		}
		s.Deniers[change.ID] = denier
	}
	return s, nil
}

// readIssue reads the issue that the record names, or an orphan, where the plan
// needs it.
func (r *Reconciler) readIssue(ctx context.Context, s *snapshot) error {
	issueID := s.Record.IssueID
	switch {
	case s.hint.orphan != "" && r.policy().NeedsOrphan(s.Snapshot, s.hint.Observed):
		issueID = s.hint.orphan
	case s.Issue != nil || !r.policy().NeedsIssue(s.Snapshot, s.hint.Hint):
		return nil
	}
	issue, err := r.tracker.Issue(ctx, issueID)
	switch {
	case errors.Is(err, access.ErrNotFound):
		s.Issue, s.IssueMissing = nil, true
		r.noteMissing(s.Snapshot)
		return nil
	case err != nil:
		return err
	}
	r.noteVisible(s.ID)
	s.Issue = issue
	if s.Request != nil && issue.LastChange == nil && r.policy().Statuses.Has(access.Pending, issue.Status) {
		route := r.policy().RouteOf(s.Request)
		r.cache.setStartsPending(route.Project, route.IssueType)
	}
	return nil
}

// reportedState returns what the daemon's comments say that a request came to of
// which nothing else is left; "" when they say nothing.
func (r *Reconciler) reportedState(ctx context.Context, ref access.IssueRef) (access.State, error) {
	keys, err := r.tracker.CommentKeys(ctx, ref)
	if err != nil {
		return "", err
	}
	for _, state := range []access.State{access.Expired, access.Denied, access.Promoted, access.Approved} {
		if keys[plan.ResolutionKey(state)] {
			return state, nil
		}
	}
	return "", nil
}
