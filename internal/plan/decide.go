package plan

import (
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
		RefusedInactive, RefusedRequester, RefusedUnclear, RefusedNotApprover, RefusedNotSuggested, RefusedUnmapped,
		RefusedNoDecision, RefusedSettled, RefusedReviewed, RefusedByTeleport,
	}
}

// judge tells why the author of a move may not decide; "" when they may. What
// is not known about a person counts against them.
func (s Settings) judge(v View, move access.Move) Refusal {
	who := move.By
	switch {
	case !s.Knows(v.Issue.Project):
		return RefusedForeignProject
	case v.Request.LongTerm:
		return RefusedLongTerm
	case who.ID == "":
		return RefusedUnseen
	case who.Type == access.AccountCustomer:
		return RefusedCustomer
	case who.Type != access.AccountPerson && !isAny(who, s.Rules.Approvers):
		return RefusedApp
	case !who.Active:
		return RefusedInactive
	case !s.Rules.AllowSelfApproval && s.isRequester(v, who):
		return RefusedRequester
	case !s.Rules.AllowSelfApproval && v.Person != nil && v.Person.Unclear != "":
		return RefusedUnclear
	case !s.isApprover(v, who):
		return RefusedNotApprover
	case s.Rules.RequireSuggested && !s.isSuggested(v, who):
		return RefusedNotSuggested
	case s.Rules.Mode == access.ModeOnBehalf && s.TeleportUser(who, v.Person) == "":
		return RefusedUnmapped
	}
	return ""
}

// TeleportUser maps a Jira account to a Teleport user: by the operator's list,
// then by trait, then by e-mail where that is allowed; "" when unmapped.
func (s Settings) TeleportUser(who access.Actor, p *Person) string {
	user := s.ListedUser(who)
	switch {
	case user != "":
		return user
	case p != nil && p.TraitUser != "":
		return p.TraitUser
	case s.Rules.MatchEmail:
		return who.Email
	}
	return ""
}

// ListedUser is the Teleport user that the operator's list gives an account;
// "" when the list does not name it.
func (s Settings) ListedUser(who access.Actor) string {
	if user, ok := s.Rules.Users[who.ID]; ok && who.ID != "" {
		return user
	}
	// The smallest key wins where several mean the account, so that a choice
	// never depends on the order of a map.
	var key string
	for k := range s.Rules.Users {
		if who.Is(k) && (key == "" || k < key) {
			key = k
		}
	}
	return s.Rules.Users[key]
}

// isRequester compares by every name that is known, so that no missing mapping
// opens the ban on deciding one's own request.
func (s Settings) isRequester(v View, who access.Actor) bool {
	user := v.Request.User
	return strings.EqualFold(s.TeleportUser(who, v.Person), user) ||
		strings.EqualFold(who.Email, user) || strings.EqualFold(who.Name, user) ||
		v.Person != nil && v.Person.IsRequester
}

func (s Settings) isApprover(v View, who access.Actor) bool {
	if len(s.Rules.Approvers) == 0 && len(s.Rules.ApproverGroups) == 0 {
		return true
	}
	return isAny(who, s.Rules.Approvers) || len(s.Rules.ApproverGroups) > 0 && v.Person != nil && v.Person.InGroups
}

func (s Settings) isSuggested(v View, who access.Actor) bool {
	return slices.ContainsFunc(v.Request.SuggestedReviewers, func(name string) bool {
		return name != "" && (name == s.TeleportUser(who, v.Person) ||
			strings.EqualFold(name, who.Email) || strings.EqualFold(name, who.Name))
	})
}

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
	return Refuse{Why: why, Decision: d, Notice: refusalNotice(v, why, move, "")}
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
	refuse.Notice = refusalNotice(v, why, move, detail)
	b := &builder{record: v.Record}
	b.add(refuse, nil)
	b.add(s.move(access.Pending), nil)
	return b.steps
}
