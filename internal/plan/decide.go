package plan

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"teleport-jira/internal/access"
)

// Rules say who may decide.
type Rules struct {
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
	RefusedForeignProject Refusal = "foreign_project"
	RefusedLongTerm       Refusal = "long_term"
	RefusedUnseen         Refusal = "unseen_change"
	RefusedApp            Refusal = "app_account"
	RefusedCustomer       Refusal = "customer_account"
	RefusedInactive       Refusal = "inactive"
	RefusedRequester      Refusal = "requester"
	RefusedUnclear        Refusal = "identity_unclear"
	RefusedGroupsUnclear  Refusal = "groups_unclear"
	RefusedNotApprover    Refusal = "not_approver"
	RefusedNotSuggested   Refusal = "not_suggested"
	RefusedUnmapped       Refusal = "unmapped"
	RefusedNoDecision     Refusal = "not_a_decision"
	RefusedSettled        Refusal = "already_settled"
	RefusedReviewed       Refusal = "already_reviewed"
	RefusedByTeleport     Refusal = "not_allowed_in_teleport"
)

// Refusals lists them all.
func Refusals() []Refusal {
	return []Refusal{
		RefusedForeignProject, RefusedLongTerm, RefusedUnseen, RefusedApp, RefusedCustomer,
		RefusedInactive, RefusedRequester, RefusedUnclear, RefusedGroupsUnclear, RefusedNotApprover,
		RefusedNotSuggested, RefusedUnmapped, RefusedNoDecision, RefusedSettled, RefusedReviewed, RefusedByTeleport,
	}
}

// judge tells why the author of a move may not decide; "" when they may. What
// is not known about a person counts against them.
func (s Settings) judge(v View, move access.Move) Refusal {
	who := move.By
	return cmp.Or(s.judgePlace(v, move), s.judgeAccount(who), s.judgeRequester(v, who), s.judgeApprover(v, who))
}

// judgePlace looks at where the move was made, and for what.
func (s Settings) judgePlace(v View, move access.Move) Refusal {
	switch {
	case !s.mayDecideIn(v, v.Issue.Project), !s.mayDecideIn(v, move.Project):
		return RefusedForeignProject
	case v.Request.LongTerm:
		return RefusedLongTerm
	}
	return ""
}

// judgeAccount looks at the account, whoever it belongs to.
func (s Settings) judgeAccount(who access.Actor) Refusal {
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
func (s Settings) judgeRequester(v View, who access.Actor) Refusal {
	switch {
	case s.Rules.AllowSelfApproval:
		return ""
	case s.isRequester(v, who):
		return RefusedRequester
	case s.unclear(v, who) != "":
		return RefusedUnclear
	}
	return ""
}

// judgeApprover looks at what the operator demands of those who decide.
func (s Settings) judgeApprover(v View, who access.Actor) Refusal {
	approver := s.isApprover(v, who)
	switch {
	case !approver && v.Person != nil && v.Person.GroupsUnclear != "":
		return RefusedGroupsUnclear
	case !approver:
		return RefusedNotApprover
	case s.Rules.RequireSuggested && !s.isSuggested(v, who):
		return RefusedNotSuggested
	case s.Rules.Mode == access.ModeOnBehalf && s.TeleportUser(who, v.Person) == "":
		return RefusedUnmapped
	}
	return ""
}

// mayDecideIn tells whether a request may be decided in a project: only in the
// one that its issue goes to. Other people may move issues in others, also in
// those of other routes; where an issue was made is not known of one that was
// found again.
func (s Settings) mayDecideIn(v View, project string) bool {
	return strings.EqualFold(project, s.RouteOf(v.Request).Project)
}

// TeleportUser maps a Jira account to a Teleport user: by the operator's list,
// then by trait, then by e-mail where that is allowed; "" when unmapped.
func (s Settings) TeleportUser(who access.Actor, p *Person) string {
	switch listed := s.ListedUsers(who); {
	case len(listed) > 0:
		return listed[0]
	case p != nil && p.TraitUser != "":
		return p.TraitUser
	case s.Rules.MatchEmail:
		return who.Email
	}
	return ""
}

// ListedUsers are the Teleport users that the operator's list gives an account.
// The first is the one that the person decides as: the account id's, or else
// that of the smallest key, so that a choice never depends on the order of a
// map.
func (s Settings) ListedUsers(who access.Actor) []string {
	var users []string
	for _, key := range slices.Sorted(maps.Keys(s.Rules.Users)) {
		switch {
		case key != "" && key == who.ID:
			users = slices.Insert(users, 0, s.Rules.Users[key])
		case who.Is(key):
			users = append(users, s.Rules.Users[key])
		}
	}
	return users
}

// isRequester compares by every name that is known, so that no missing mapping
// opens the ban on deciding one's own request, nor one to another user of the
// same person.
func (s Settings) isRequester(v View, who access.Actor) bool {
	names := append(s.ListedUsers(who), who.Email, who.Name)
	if v.Person != nil {
		names = append(names, v.Person.TraitUser)
	}
	same := func(name string) bool { return strings.EqualFold(name, v.Request.User) }
	return slices.ContainsFunc(names, same) || v.Person != nil && v.Person.IsRequester
}

// unclear is why it can't be told whether the account is the requester's; ""
// when it can.
func (s Settings) unclear(v View, who access.Actor) string {
	if v.Person != nil && v.Person.Unclear != "" {
		return v.Person.Unclear
	}
	mapped := len(s.ListedUsers(who)) > 0 || v.Person != nil && v.Person.TraitUser != ""
	if name, _, _ := strings.Cut(who.Email, "@"); !mapped && name != "" && strings.EqualFold(name, v.Request.User) {
		return "its e-mail address begins with the requester's name"
	}
	return ""
}

func (s Settings) isApprover(v View, who access.Actor) bool {
	if len(s.Rules.Approvers) == 0 && len(s.Rules.ApproverGroups) == 0 {
		return true
	}
	return s.NamesApprover(who) || len(s.Rules.ApproverGroups) > 0 && v.Person != nil && v.Person.InGroups
}

func (s Settings) isSuggested(v View, who access.Actor) bool {
	return slices.ContainsFunc(v.Request.SuggestedReviewers, func(name string) bool {
		return name != "" && (name == s.TeleportUser(who, v.Person) ||
			strings.EqualFold(name, who.Email) || strings.EqualFold(name, who.Name))
	})
}

// NamesApprover tells whether the account is an approver by its own name,
// whatever its groups are.
func (s Settings) NamesApprover(who access.Actor) bool { return isAny(who, s.Rules.Approvers) }

func isAny(who access.Actor, handles []string) bool { return slices.ContainsFunc(handles, who.Is) }

func (s Settings) decision(v View, verdict access.State, move access.Move) access.Decision {
	return access.Decision{
		RequestID: v.ID, Verdict: verdict, By: move.By, MoveID: move.ID, Issue: v.Issue.Ref,
		Author: s.TeleportUser(move.By, v.Person),
		Reason: Reason(v.Issue.Comments, move.By),
	}
}

func (s Settings) refusal(v View, why Refusal, move access.Move) Refuse {
	d := access.Decision{RequestID: v.ID, By: move.By, MoveID: move.ID, Issue: v.Issue.Ref}
	if state, asked := s.verdict(v); asked {
		d.Verdict = state
	}
	if v.Request != nil {
		d.Author = s.TeleportUser(move.By, v.Person)
	}
	d.Reason = Reason(v.Issue.Comments, move.By)
	return Refuse{Why: why, Decision: d, Notice: s.refusalNotice(v, why, move, "")}
}

// lostAnswer is the decision of a person that settled the request, where its
// answer was lost and nothing has been noted of it.
func (s Settings) lostAnswer(v View, state access.State) (access.Decision, bool) {
	if v.Request == nil || v.Issue == nil || v.Issue.LastMove == nil || !s.Statuses.Has(state, v.Issue.Status) {
		return access.Decision{}, false
	}
	move := *v.Issue.LastMove
	if move.By.Same(v.Self) || move.ID == v.Record.HandledMove {
		return access.Decision{}, false
	}
	d := s.decision(v, state, move)
	return d, submitted(v, d)
}

// submitted tells whether the state or one of the reviews carries the decision:
// its reason ends with the decision's token, so that no text that a person gave
// can stand for one, and it is by somebody in whose name the daemon decides.
func submitted(v View, d access.Decision) bool {
	if len(v.Request.Reviews) == 0 && v.Request.State == d.Verdict && strings.HasSuffix(v.Request.ResolveReason, d.Token()) {
		return true
	}
	return slices.ContainsFunc(v.Request.Reviews, func(r access.Review) bool {
		return strings.HasSuffix(r.Reason, d.Token()) && (r.Author == v.Reviewer || r.Author == d.Author)
	})
}

// AfterDecision is what follows from Teleport's answer to a decision.
func (s Settings) AfterDecision(v View, d access.Decision, out access.Outcome) []Step {
	v.Record.HandledMove = d.MoveID
	if out.Request != nil {
		v.Request = out.Request
	}
	move := access.Move{ID: d.MoveID, By: d.By, To: v.Issue.Status}
	switch {
	case out.Verdict == access.AlreadyReviewed:
		return s.answered(v, RefusedReviewed, move, out.Detail)
	case out.Verdict == access.NotAllowed:
		return s.answered(v, RefusedByTeleport, move, out.Detail)
	case out.Verdict == access.AlreadySettled && (out.Request == nil || out.Request.State != d.Verdict):
		return []Step{{Do: s.refusal(v, RefusedSettled, move), Then: v.Record}}
	case out.Verdict == access.AlreadySettled || out.Request == nil:
		return []Step{{Do: Note{}, Then: v.Record}}
	case out.Request.State.Settled():
		if steps := s.Plan(v); len(steps) > 0 {
			return steps
		}
		return []Step{{Do: Note{}, Then: v.Record}}
	}
	b := &builder{record: v.Record}
	s.planReviews(v, b)
	b.add(Comment{progressNotice(v, d)}, nil)
	b.add(s.move(access.Pending), nil)
	return b.steps
}

// answered explains a decision that Teleport did not take.
func (s Settings) answered(v View, why Refusal, move access.Move, detail string) []Step {
	refuse := s.refusal(v, why, move)
	refuse.Notice = s.refusalNotice(v, why, move, detail)
	b := &builder{record: v.Record}
	b.add(refuse, nil)
	b.add(s.move(access.Pending), nil)
	return b.steps
}
