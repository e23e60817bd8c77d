package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
)

// person looks up what the rules need to know of the author of a status change.
func (r *Reconciler) person(ctx context.Context, s plan.Snapshot, change access.StatusChange) (*plan.Person, error) {
	policy := r.policy()
	p, who := &plan.Person{}, change.By
	if who.ID == "" {
		return p, nil
	}
	if listed := len(policy.ListedUsers(who)) > 0; policy.Review.UserTrait != "" && (!listed || !policy.Review.AllowSelfApproval) {
		if err := r.unclear(s, who, p, listed, r.byTrait(ctx, s, who, p)); err != nil {
			return nil, err
		}
	}
	for _, rule := range policy.ApproversOf(s.Request) {
		if len(rule.Groups) == 0 || policy.Names(rule, who) {
			continue
		}
		if err := r.byGroup(ctx, s, who, p, rule.Groups); err != nil {
			return nil, err
		}
	}
	if policy.Review.AllowSelfApproval {
		return p, nil
	}
	if s.Record.RequesterAccount == "" {
		if err := r.byRequester(ctx, s, who, p); err != nil {
			return nil, err
		}
	}
	if !plan.ShowsAddress(who) {
		if err := r.bySearch(ctx, s, who, p); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// byGroup finds out whether the account is in one of a rule's groups. Groups that
// cannot be read before somebody changes something count as not being in them.
func (r *Reconciler) byGroup(ctx context.Context, s plan.Snapshot, who access.Actor, p *plan.Person, groups []string) error {
	in, err := r.tracker.InGroups(ctx, who, groups)
	if err != nil && access.ClassOf(err) == access.Permanent {
		p.GroupsUnclear = reasonOf(err)
		r.log.Warn("groups of a person could not be read, counted as not in them",
			"request_id", s.ID, "issue_key", s.Issue.Ref.Key, "person", who.String(), "error", err,
			"fix", "give the daemon's jira account the global permission to browse users and groups")
		return nil
	}
	if plan.GroupsKey(groups) == plan.GroupsKey(r.policy().Review.ApproverGroups) {
		p.InGroups = in
		return err
	}
	if p.RouteGroups == nil {
		p.RouteGroups = map[string]bool{}
	}
	p.RouteGroups[plan.GroupsKey(groups)] = in
	return err
}

// byRequester looks up whose account the requester's is, where that was not done
// when the issue was created.
func (r *Reconciler) byRequester(ctx context.Context, s plan.Snapshot, who access.Actor, p *plan.Person) error {
	account, err := r.tracker.RequesterAccount(ctx, s.Request.User)
	if err != nil {
		return r.unclear(s, who, p, r.isMapped(who, p), err)
	}
	p.IsRequester = p.IsRequester || account == who.ID
	return nil
}

// isMapped reports whether the operator's list or a trait says which Teleport
// user the account belongs to. An address says nothing of the kind: people choose
// their own.
func (r *Reconciler) isMapped(who access.Actor, p *plan.Person) bool {
	return len(r.policy().ListedUsers(who)) > 0 || p.TraitUser != ""
}

// requesterTimeout bounds the look-up of the requester's account, which an issue
// that stands already waits for.
const requesterTimeout = 5 * time.Second

// requesterAccount looks up the requester's account for the record, so that
// changing an address later changes nothing. Where that fails it is looked up
// when somebody decides.
func (r *Reconciler) requesterAccount(ctx context.Context, id access.RequestID, user string) string {
	if r.policy().Review.AllowSelfApproval {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, requesterTimeout)
	defer cancel()
	account, err := r.tracker.RequesterAccount(ctx, user)
	if err != nil {
		r.log.Debug("jira account of the requester could not be looked up, asked again for a decision",
			"request_id", id, "user", user, "error", err)
	}
	return account
}

// bySearch asks Jira whether it finds an account that hides its e-mail under the
// requester's name. Under an e-mail it finds that account, or at worst one whose
// e-mail begins so, whatever a mapping says of the person. Under another name it
// finds many that begin with it: that leaves it open, and nobody whom a mapping
// names is asked about.
func (r *Reconciler) bySearch(ctx context.Context, s plan.Snapshot, who access.Actor, p *plan.Person) error {
	user := s.Request.User
	address, mapped := strings.Contains(user, "@"), r.isMapped(who, p)
	if mapped && !address {
		return nil
	}
	found, err := r.tracker.IsUser(ctx, who, user)
	switch {
	case err != nil:
		return r.unclear(s, who, p, mapped, err)
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
func (r *Reconciler) unclear(s plan.Snapshot, who access.Actor, p *plan.Person, mapped bool, err error) error {
	if err == nil || access.ClassOf(err) != access.Permanent {
		return err
	}
	if mapped {
		r.log.Debug("person could not be looked up, their mapping counts",
			"request_id", s.ID, "issue_key", s.Issue.Ref.Key, "person", who.String(), "error", err)
		return nil
	}
	r.log.Warn("person could not be looked up, and may not decide",
		"request_id", s.ID, "issue_key", s.Issue.Ref.Key, "person", who.String(), "error", err)
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
func (r *Reconciler) byTrait(ctx context.Context, s plan.Snapshot, who access.Actor, p *plan.Person) error {
	users, err := r.cluster.UsersByTrait(ctx, r.policy().Review.UserTrait, who.ID)
	if err != nil {
		return err
	}
	slices.Sort(users)
	users = slices.Compact(users)
	if p.TraitUsers = len(users); len(users) == 1 {
		p.TraitUser = users[0]
	}
	for _, user := range users {
		p.IsRequester = p.IsRequester || user == s.Request.User
	}
	return nil
}
