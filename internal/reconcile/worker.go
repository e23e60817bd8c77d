package reconcile

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
)

// maxRounds bounds how often one visit may plan anew. A request that needs
// more comes back with backoff: something keeps undoing what is done.
const maxRounds = 6

var errRestless = errors.New("request and issue do not come to rest")

// reconcile brings one request in step. It comes back after again when another
// worker has the request, or when search has to catch up first.
func (r *Reconciler) reconcile(ctx context.Context, id access.RequestID, l look) (again time.Duration, err error) {
	var issue *access.Issue
	for range maxRounds {
		r.pulse.moves()
		v, err := r.view(ctx, id, l, issue)
		if err != nil {
			return 0, err
		}
		steps := r.steps(v, l)
		if len(steps) == 0 {
			r.rest(v)
			return 0, nil
		}
		visit := &visit{r: r, view: v}
		if again, err := visit.apply(ctx, steps); err != nil || again > 0 {
			return again, err
		}
		if visit.made && len(r.steps(visit.after(), look{})) == 0 {
			// Whatever changed meanwhile rings: reading it all again, for every new
			// request, would be a third of the calls to Teleport.
			r.noteOwner(visit.after(), look{})
			r.rest(visit.after())
			return 0, nil
		}
		issue, l = visit.view.Issue, look{Hint: plan.Hint{Always: visit.unseen}}
	}
	return 0, &access.Error{Op: "reconcile request", Key: string(id), Err: errRestless}
}

// view reads what the plan needs, and of Jira no more than that.
func (r *Reconciler) view(ctx context.Context, id access.RequestID, l look, issue *access.Issue) (plan.Snapshot, error) {
	v := plan.Snapshot{
		ID: id, Self: r.self, Reviewer: r.reviews, URL: r.cluster.RequestURL(id), Now: time.Now(), Issue: issue,
	}
	var err error
	if v.Request, err = r.cluster.Request(ctx, id); err != nil && !errors.Is(err, access.ErrNotFound) {
		return v, err
	}
	if v.Record, err = r.cluster.Record(ctx, id); err != nil {
		return v, err
	}
	r.noteOwner(v, l)
	if l.resync && v.Record.IssueID != "" && v.Request != nil && v.Request.State == access.Pending {
		l.Always = l.Always || !r.memory.isOpen(v.Record.IssueID)
	}
	if r.leftOver(id, v.Record) {
		// What the dead holder did last may concern the issue's moves.
		l.Always = true
	}
	v.IssueMissing = r.memory.isGone(id) && !l.Always
	if err := r.readIssue(ctx, &v, l); err != nil {
		return v, err
	}
	if v.Issue != nil && v.Record.IsZero() {
		if v.Reported, err = r.reported(ctx, v.Issue.Ref); err != nil {
			return v, err
		}
	}
	if move := r.opts.Policy.NeedsPerson(v); move != nil {
		if v.Person, err = r.person(ctx, v, *move); err != nil {
			return v, fmt.Errorf("look up who moved issue %s: %w", v.Issue.Ref.Key, err)
		}
	}
	return v, nil
}

func (r *Reconciler) readIssue(ctx context.Context, v *plan.Snapshot, l look) error {
	issueID := v.Record.IssueID
	switch {
	case l.orphan != "" && r.opts.Policy.NeedsOrphan(*v, l.Observed):
		issueID = l.orphan
	case v.Issue != nil || !r.opts.Policy.NeedsIssue(*v, l.Hint):
		return nil
	}
	issue, err := r.tracker.Issue(ctx, issueID)
	switch {
	case errors.Is(err, access.ErrNotFound):
		r.issueGone(v)
		return nil
	case err != nil:
		return err
	}
	r.memory.setGone(v.ID, false)
	v.Issue = issue
	if v.Request != nil && issue.LastChange == nil && r.opts.Policy.Statuses.Has(access.Pending, issue.Status) {
		route := r.opts.Policy.RouteOf(v.Request)
		r.memory.setLanding(landing{route.Project, route.IssueType})
	}
	return nil
}

// reported is what the daemon's comments say that a request came to of which
// nothing else is left; "" when they say nothing.
func (r *Reconciler) reported(ctx context.Context, ref access.IssueRef) (access.State, error) {
	marks, err := r.tracker.CommentKeys(ctx, ref)
	if err != nil {
		return "", err
	}
	for _, state := range []access.State{access.Expired, access.Denied, access.Promoted, access.Approved} {
		if marks[plan.ResolutionKey(state)] {
			return state, nil
		}
	}
	return "", nil
}

// issueGone keeps an issue that answers 404 from being asked for again, and
// says so once. The request can still be decided in Teleport.
func (r *Reconciler) issueGone(v *plan.Snapshot) {
	v.Issue, v.IssueMissing = nil, true
	if r.memory.setGone(v.ID, true) {
		r.metrics.issuesGone.Inc()
		r.log.Warn("issue is deleted or no longer visible, the request can be decided in teleport",
			"request_id", v.ID, "issue_key", v.Record.IssueKey)
	}
}

func (r *Reconciler) steps(v plan.Snapshot, l look) []plan.Step {
	if v.Record.IssueID == "" && v.Request == nil && l.orphan != "" {
		// Only an issue that names the request in turn is its orphan.
		if v.Issue == nil || v.Issue.RequestID != "" && v.Issue.RequestID != v.ID {
			return nil
		}
		return r.opts.Policy.PlanOrphan(v)
	}
	steps := r.opts.Policy.Plan(v)
	if len(steps) == 0 && !v.IssueMissing && r.leftOver(v.ID, v.Record) {
		// All of it was done and only the note is missing.
		return []plan.Step{{Do: plan.SaveRecord{}, Then: v.Record}}
	}
	return steps
}

// rest remembers that there is nothing to do for now.
func (r *Reconciler) rest(v plan.Snapshot) {
	r.seen.forget(v.ID)
	r.memory.with(func(m *memory) {
		delete(m.keys, v.ID)
		switch {
		case v.Request == nil:
			delete(m.done, v.ID)
			delete(m.requests, v.Record.IssueID)
			delete(m.gone, v.ID)
		case v.Request.State.Settled():
			m.done[v.ID] = done{v.Request.State, len(v.Request.Reviews)}
		}
	})
	r.log.Debug("in step", "request_id", v.ID, "issue_key", v.Record.IssueKey)
}

// identify finds out whose issue it is that somebody says changed.
func (r *Reconciler) identify(ctx context.Context, idOrKey string) error {
	issue, err := r.tracker.Issue(ctx, idOrKey)
	if errors.Is(err, access.ErrNotFound) {
		r.strangers.found(idOrKey)
		return nil
	} else if err != nil {
		return err
	}
	id := issue.RequestID
	if id == "" {
		id = labelled(issue.Labels)
	}
	if id == "" {
		r.strangers.found(idOrKey)
		r.log.Debug("issue is not about an access request", "issue_key", issue.Ref.Key)
		return nil
	}
	// The record has the last word on whether the issue is the request's.
	r.enqueue(key{request: id}, look{Hint: plan.Hint{Always: true, IssueID: issue.Ref.ID}})
	return nil
}

// person looks up what the rules need to know of the author of a move.
func (r *Reconciler) person(ctx context.Context, v plan.Snapshot, move access.StatusChange) (*plan.Person, error) {
	s := r.opts.Policy
	p, who := &plan.Person{}, move.By
	if who.ID == "" {
		return p, nil
	}
	if listed := len(s.ListedUsers(who)) > 0; s.Review.UserTrait != "" && (!listed || !s.Review.AllowSelfApproval) {
		if err := r.unclear(v, who, p, listed, r.byTrait(ctx, v, who, p)); err != nil {
			return nil, err
		}
	}
	if len(s.Review.ApproverGroups) > 0 && !s.NamesApprover(who) {
		if err := r.byGroup(ctx, v, who, p); err != nil {
			return nil, err
		}
	}
	if !s.Review.AllowSelfApproval && who.Email == "" {
		if err := r.bySearch(ctx, v, who, p); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// byGroup looks whether the account is in an approver group.
func (r *Reconciler) byGroup(ctx context.Context, v plan.Snapshot, who access.Actor, p *plan.Person) error {
	in, err := r.tracker.InGroups(ctx, who, r.opts.Policy.Review.ApproverGroups)
	if err != nil && access.ClassOf(err) == access.Permanent {
		p.GroupsUnclear = reasonOf(err)
		r.log.Warn("groups of a person could not be read, counted as not in them",
			"request_id", v.ID, "issue_key", v.Issue.Ref.Key, "person", who.String(), "error", err,
			"fix", "give the daemon's jira account the global permission to browse users and groups")
		return nil
	}
	p.InGroups = in
	return err
}

// bySearch asks Jira whether it finds an account that hides its e-mail under the
// requester's name. Under an e-mail it finds that account, or at worst one whose
// e-mail begins so, whatever a mapping says of the person. Under another name it
// finds many that begin with it: that leaves it open, and nobody whom a mapping
// names is asked about.
func (r *Reconciler) bySearch(ctx context.Context, v plan.Snapshot, who access.Actor, p *plan.Person) error {
	user := v.Request.User
	address, mapped := strings.Contains(user, "@"), r.opts.Policy.TeleportUser(who, p) != ""
	if mapped && !address {
		return nil
	}
	found, err := r.tracker.IsUser(ctx, who, user)
	switch {
	case err != nil:
		return r.unclear(v, who, p, mapped, err)
	case found && address:
		p.IsRequester = true
	case found:
		p.Unclear = fmt.Sprintf("Jira finds it when it is asked for the requester's name, %s", user)
	}
	return nil
}

// unclear turns a look-up that will not be answered before somebody changes
// something into what the person is told; other errors are tried again. Where
// a mapping says who the person is, the look-up was to confirm it only.
func (r *Reconciler) unclear(v plan.Snapshot, who access.Actor, p *plan.Person, mapped bool, err error) error {
	if err == nil || access.ClassOf(err) != access.Permanent {
		return err
	}
	if mapped {
		r.log.Debug("person could not be looked up, their mapping counts",
			"request_id", v.ID, "issue_key", v.Issue.Ref.Key, "person", who.String(), "error", err)
		return nil
	}
	r.log.Warn("person could not be looked up, and may not decide",
		"request_id", v.ID, "issue_key", v.Issue.Ref.Key, "person", who.String(), "error", err)
	p.Unclear = reasonOf(err)
	return nil
}

// reasonOf is the cause of an error without the call that failed.
func reasonOf(err error) string {
	var e *access.Error
	if errors.As(err, &e) {
		return e.Err.Error()
	}
	return err.Error()
}

// byTrait maps by trait if exactly one Teleport user has it; the requester is
// recognised among several, too.
func (r *Reconciler) byTrait(ctx context.Context, v plan.Snapshot, who access.Actor, p *plan.Person) error {
	users, err := r.cluster.UsersByTrait(ctx, r.opts.Policy.Review.UserTrait, who.ID)
	if err != nil {
		return err
	}
	if len(users) == 1 {
		p.TraitUser = users[0]
	}
	for _, user := range users {
		p.IsRequester = p.IsRequester || user == v.Request.User
	}
	return nil
}

// labelled is the request that a label names; "" when none does.
func labelled(labels []string) access.RequestID {
	for _, label := range labels {
		if rest, ok := cutLabel(label); ok {
			if id, err := access.ParseRequestID(rest); err == nil {
				return id
			}
		}
	}
	return ""
}
