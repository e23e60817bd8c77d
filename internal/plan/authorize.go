package plan

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"teleport-jira/internal/access"
)

// Rules say who may decide.
type ReviewRules struct {
	Mode              access.ReviewMode // as configured; auto is resolved by the cluster
	AllowSelfApproval bool
	Approvers         []string // account ids, user names or e-mails
	ApproverGroups    []string
	RequireSuggested  bool
	Users             map[string]string // account id, user name or e-mail = Teleport user
	UserTrait         string
	MatchEmail        bool
}

// Refusal is why a move decides nothing. The values are a closed set and name
// the refusal in metrics and logs.
type Refusal string

// The refusals.
const (
	RefusedOtherProject  Refusal = "foreign_project"
	RefusedLongTerm      Refusal = "long_term"
	RefusedUnseen        Refusal = "unseen_change"
	RefusedApp           Refusal = "app_account"
	RefusedCustomer      Refusal = "customer_account"
	RefusedInactive      Refusal = "inactive"
	RefusedRequester     Refusal = "requester"
	RefusedUnclear       Refusal = "identity_unclear"
	RefusedGroupsUnclear Refusal = "groups_unclear"
	RefusedNotApprover   Refusal = "not_approver"
	RefusedNotSuggested  Refusal = "not_suggested"
	RefusedUnmapped      Refusal = "unmapped"
	RefusedNoDecision    Refusal = "not_a_decision"
	RefusedSettled       Refusal = "already_settled"
	RefusedReviewed      Refusal = "already_reviewed"
	RefusedByTeleport    Refusal = "not_allowed_in_teleport"
)

// Refusals lists them all.
func Refusals() []Refusal {
	return []Refusal{
		RefusedOtherProject, RefusedLongTerm, RefusedUnseen, RefusedApp, RefusedCustomer,
		RefusedInactive, RefusedRequester, RefusedUnclear, RefusedGroupsUnclear, RefusedNotApprover,
		RefusedNotSuggested, RefusedUnmapped, RefusedNoDecision, RefusedSettled, RefusedReviewed, RefusedByTeleport,
	}
}

// judge tells why the author of a move may not decide; "" when they may. What
// is not known about a person counts against them.
func (s Policy) authorize(v Snapshot, move access.StatusChange) Refusal {
	who := move.By
	return cmp.Or(s.authorizeProject(v, move), s.authorizeAccount(who), s.authorizeRequester(v, who), s.authorizeApprover(v, who))
}

// judgePlace looks at where the move was made, and for what.
func (s Policy) authorizeProject(v Snapshot, move access.StatusChange) Refusal {
	switch {
	case !s.mayDecideIn(v, v.Issue.Project), !s.mayDecideIn(v, move.Project):
		return RefusedOtherProject
	case v.Request.LongTerm:
		return RefusedLongTerm
	}
	return ""
}

// judgeAccount looks at the account, whoever it belongs to.
func (s Policy) authorizeAccount(who access.Actor) Refusal {
	switch {
	case who.ID == "":
		return RefusedUnseen
	case who.Type == access.AccountCustomer:
		return RefusedCustomer
	case who.Type != access.AccountPerson && !s.NamesApprover(who):
		return RefusedApp
	case !who.Active:
		return RefusedInactive
	}
	return ""
}

// judgeRequester keeps people from deciding their own requests.
func (s Policy) authorizeRequester(v Snapshot, who access.Actor) Refusal {
	switch {
	case s.Review.AllowSelfApproval:
		return ""
	case s.isRequester(v, who):
		return RefusedRequester
	case s.unclear(v, who) != "":
		return RefusedUnclear
	}
	return ""
}

// judgeApprover looks at what the operator demands of those who decide.
func (s Policy) authorizeApprover(v Snapshot, who access.Actor) Refusal {
	approver := s.isApprover(v, who)
	switch {
	case !approver && v.Person != nil && v.Person.GroupsUnclear != "":
		return RefusedGroupsUnclear
	case !approver:
		return RefusedNotApprover
	case s.Review.RequireSuggested && !s.isSuggested(v, who):
		return RefusedNotSuggested
	case s.Review.Mode == access.ModeOnBehalf && s.TeleportUser(who, v.Person) == "":
		return RefusedUnmapped
	}
	return ""
}

// mayDecideIn tells whether a request may be decided in a project: only in the
// one that its issue goes to. Other people may move issues in others, also in
// those of other routes; where an issue was made is not known of one that was
// found again.
func (s Policy) mayDecideIn(v Snapshot, project string) bool {
	return strings.EqualFold(project, s.RouteOf(v.Request).Project)
}

// TeleportUser maps a Jira account to a Teleport user: by the operator's list,
// then by trait, then by e-mail where that is allowed; "" when unmapped.
func (s Policy) TeleportUser(who access.Actor, p *Person) string {
	switch listed := s.ListedUsers(who); {
	case len(listed) > 0:
		return listed[0]
	case p != nil && p.TraitUser != "":
		return p.TraitUser
	case s.Review.MatchEmail:
		return who.Email
	}
	return ""
}

// ListedUsers are the Teleport users that the operator's list gives an account.
// The first is the one that the person decides as: the account id's, or else
// that of the smallest key, so that a choice never depends on the order of a
// map.
func (s Policy) ListedUsers(who access.Actor) []string {
	var users []string
	for _, key := range slices.Sorted(maps.Keys(s.Review.Users)) {
		switch {
		case key != "" && key == who.ID:
			users = slices.Insert(users, 0, s.Review.Users[key])
		case who.Is(key):
			users = append(users, s.Review.Users[key])
		}
	}
	return users
}

// isRequester compares by every name that is known, so that no missing mapping
// opens the ban on deciding one's own request, nor one to another user of the
// same person.
func (s Policy) isRequester(v Snapshot, who access.Actor) bool {
	names := append(s.ListedUsers(who), who.Email, who.Name)
	if v.Person != nil {
		names = append(names, v.Person.TraitUser)
	}
	same := func(name string) bool { return strings.EqualFold(name, v.Request.User) }
	return slices.ContainsFunc(names, same) || v.Person != nil && v.Person.IsRequester
}

// unclear is why it can't be told whether the account is the requester's; ""
// when it can.
func (s Policy) unclear(v Snapshot, who access.Actor) string {
	if v.Person != nil && v.Person.Unclear != "" {
		return v.Person.Unclear
	}
	mapped := len(s.ListedUsers(who)) > 0 || v.Person != nil && v.Person.TraitUser != ""
	if name, _, _ := strings.Cut(who.Email, "@"); !mapped && name != "" && strings.EqualFold(name, v.Request.User) {
		return "its e-mail address begins with the requester's name"
	}
	return ""
}

func (s Policy) isApprover(v Snapshot, who access.Actor) bool {
	if len(s.Review.Approvers) == 0 && len(s.Review.ApproverGroups) == 0 {
		return true
	}
	return s.NamesApprover(who) || len(s.Review.ApproverGroups) > 0 && v.Person != nil && v.Person.InGroups
}

func (s Policy) isSuggested(v Snapshot, who access.Actor) bool {
	return slices.ContainsFunc(v.Request.SuggestedReviewers, func(name string) bool {
		return name != "" && (name == s.TeleportUser(who, v.Person) ||
			strings.EqualFold(name, who.Email) || strings.EqualFold(name, who.Name))
	})
}

// NamesApprover tells whether the account is an approver by its own name,
// whatever its groups are.
func (s Policy) NamesApprover(who access.Actor) bool { return isAny(who, s.Review.Approvers) }

func isAny(who access.Actor, handles []string) bool { return slices.ContainsFunc(handles, who.Is) }

func (s Policy) decision(v Snapshot, verdict access.State, move access.StatusChange) access.Decision {
	return access.Decision{
		RequestID: v.ID, State: verdict, By: move.By, ChangeID: move.ID, Issue: v.Issue.Ref,
		Author: s.TeleportUser(move.By, v.Person),
		Reason: Reason(v.Issue.Comments, move.By),
	}
}

func (s Policy) refusal(v Snapshot, why Refusal, move access.StatusChange) Refuse {
	d := access.Decision{RequestID: v.ID, By: move.By, ChangeID: move.ID, Issue: v.Issue.Ref}
	if state, asked := s.requestedState(v); asked {
		d.State = state
	}
	if v.Request != nil {
		d.Author = s.TeleportUser(move.By, v.Person)
	}
	d.Reason = Reason(v.Issue.Comments, move.By)
	return Refuse{Why: why, Decision: d, Comment: s.refusalComment(v, why, move, "")}
}

// lostAnswer is the decision of a person that settled the request, where its
// answer was lost and nothing has been noted of it.
func (s Policy) ambiguousDecision(v Snapshot, state access.State) (access.Decision, bool) {
	if v.Request == nil || v.Issue == nil || v.Issue.LastChange == nil || !s.Statuses.Has(state, v.Issue.Status) {
		return access.Decision{}, false
	}
	move := *v.Issue.LastChange
	if move.By.Same(v.Self) || move.ID == v.Record.HandledChange {
		return access.Decision{}, false
	}
	d := s.decision(v, state, move)
	return d, submitted(v, d)
}

// submitted tells whether the state or one of the reviews carries the decision:
// its reason ends with the decision's token, so that no text that a person gave
// can stand for one, and it is by somebody in whose name the daemon decides.
func submitted(v Snapshot, d access.Decision) bool {
	if len(v.Request.Reviews) == 0 && v.Request.State == d.State && strings.HasSuffix(v.Request.ResolveReason, d.Token()) {
		return true
	}
	return slices.ContainsFunc(v.Request.Reviews, func(r access.Review) bool {
		return strings.HasSuffix(r.Reason, d.Token()) && (r.Author == v.Reviewer || r.Author == d.Author)
	})
}

// AfterDecision is what follows from Teleport's answer to a decision.
func (s Policy) AfterDecision(v Snapshot, d access.Decision, out access.Outcome) []Step {
	v.Record.HandledChange = d.ChangeID
	if out.Request != nil {
		v.Request = out.Request
	}
	move := access.StatusChange{ID: d.ChangeID, By: d.By, To: v.Issue.Status}
	switch {
	case out.Result == access.AlreadyReviewed:
		return s.explain(v, RefusedReviewed, move, out.Detail)
	case out.Result == access.NotAllowed:
		return s.explain(v, RefusedByTeleport, move, out.Detail)
	case out.Result == access.AlreadySettled && (out.Request == nil || out.Request.State != d.State):
		return []Step{{Do: s.refusal(v, RefusedSettled, move), Then: v.Record}}
	case out.Result == access.AlreadySettled || out.Request == nil:
		return []Step{{Do: SaveRecord{}, Then: v.Record}}
	case out.Request.State.Settled():
		if steps := s.Plan(v); len(steps) > 0 {
			return steps
		}
		return []Step{{Do: SaveRecord{}, Then: v.Record}}
	}
	b := &builder{record: v.Record}
	s.planReviews(v, b)
	b.add(Comment{progressComment(v, d)}, nil)
	b.add(s.transition(access.Pending), nil)
	return b.steps
}

// answered explains a decision that Teleport did not take.
func (s Policy) explain(v Snapshot, why Refusal, move access.StatusChange, detail string) []Step {
	refuse := s.refusal(v, why, move)
	refuse.Comment = s.refusalComment(v, why, move, detail)
	b := &builder{record: v.Record}
	b.add(refuse, nil)
	b.add(s.transition(access.Pending), nil)
	return b.steps
}
