package plan

import (
	"cmp"
	"strings"

	"teleport-jira/internal/access"
)

// Refusal is why a status change decides nothing. The values are a closed set and name
// the refusal in metrics and logs.
type Refusal string

// The refusals.
const (
	RefusedOtherProject  Refusal = "foreign_project"
	RefusedLongTerm      Refusal = "long_term"
	RefusedNoAuthor      Refusal = "unseen_change"
	RefusedApp           Refusal = "app_account"
	RefusedCustomer      Refusal = "customer_account"
	RefusedInactive      Refusal = "inactive"
	RefusedRequester     Refusal = "requester"
	RefusedUnclear       Refusal = "identity_unclear"
	RefusedGroupsUnclear Refusal = "groups_unclear"
	RefusedNotApprover   Refusal = "not_approver"
	RefusedDenied        Refusal = "denied_account"
	RefusedAmbiguous     Refusal = "identity_ambiguous"
	RefusedNotSuggested  Refusal = "not_suggested"
	RefusedUnmapped      Refusal = "unmapped"
	RefusedNoDecision    Refusal = "not_a_decision"
	RefusedSettled       Refusal = "already_settled"
	RefusedReviewed      Refusal = "already_reviewed"
	RefusedByTeleport    Refusal = "not_allowed_in_teleport"
	RefusedText          Refusal = "text_edited"
)

// Refusals returns them all.
func Refusals() []Refusal {
	return append(historyRefusals(),
		RefusedOtherProject, RefusedLongTerm, RefusedNoAuthor, RefusedApp, RefusedCustomer,
		RefusedInactive, RefusedDenied, RefusedAmbiguous, RefusedRequester, RefusedUnclear, RefusedGroupsUnclear, RefusedNotApprover,
		RefusedNotSuggested, RefusedUnmapped, RefusedNoDecision, RefusedSettled, RefusedReviewed, RefusedByTeleport,
		RefusedText, RefusedTooOld, RefusedNoReason,
	)
}

// authorize returns why the author of a status change may not decide; "" when
// they may. What is not known about a person counts against them.
func (p Policy) authorize(s Snapshot, change access.StatusChange) Refusal {
	who := change.By
	return cmp.Or(p.authorizeProject(s, change), p.authorizeHistory(s, change), p.authorizeAccount(s, who), p.authorizeRequester(s, who), p.authorizeApprover(s, who))
}

// authorizeProject checks where the status was changed, and for what request.
func (p Policy) authorizeProject(s Snapshot, change access.StatusChange) Refusal {
	switch {
	case !p.mayDecideIn(s, s.Issue.Project), !p.mayDecideIn(s, change.Project):
		return RefusedOtherProject
	case s.Request.LongTerm && !p.asksForDenial(s):
		return RefusedLongTerm
	}
	return ""
}

// asksForDenial reports whether the issue's status asks to deny the request. That a
// long-term request can only be promoted keeps nobody from denying it.
func (p Policy) asksForDenial(s Snapshot) bool {
	state, _ := p.requestedState(s)
	return state == access.Denied
}

// authorizeAccount checks the account, whoever it belongs to.
func (p Policy) authorizeAccount(s Snapshot, who access.Actor) Refusal {
	switch {
	case who.ID == "":
		return RefusedNoAuthor
	case p.isAny(who, p.Review.Denied):
		return RefusedDenied
	case who.Type == access.AccountCustomer:
		return RefusedCustomer
	case who.Type != access.AccountPerson && !p.namesForAll(s.Request, who):
		return RefusedApp
	case !who.Active:
		return RefusedInactive
	}
	return ""
}

// authorizeRequester keeps people from deciding their own requests.
func (p Policy) authorizeRequester(s Snapshot, who access.Actor) Refusal {
	switch {
	case p.Review.AllowSelfApproval:
		return ""
	case p.isRequester(s, who):
		return RefusedRequester
	case p.unclear(s, who) != "":
		return RefusedUnclear
	}
	return ""
}

// authorizeApprover checks what the operator demands of those who decide.
func (p Policy) authorizeApprover(s Snapshot, who access.Actor) Refusal {
	approver := p.isApprover(s, who)
	switch {
	case !approver && s.Person != nil && s.Person.GroupsUnclear != "":
		return RefusedGroupsUnclear
	case !approver:
		return RefusedNotApprover
	case p.Review.RequireSuggested && !p.isSuggested(s, who):
		return RefusedNotSuggested
	}
	return p.authorizeIdentity(s, who)
}

// authorizeIdentity demands the Teleport user of whoever decides, where the rules
// or the mode need one. Of several none is chosen, by whatever else one may
// be.
func (p Policy) authorizeIdentity(s Snapshot, who access.Actor) Refusal {
	switch {
	case !p.Review.IdentityRequired && p.Review.Mode != access.ModeOnBehalf:
		return ""
	case p.isAmbiguous(who, s.Person):
		return RefusedAmbiguous
	case p.TeleportUser(who, s.Person) == "":
		return RefusedUnmapped
	}
	return ""
}

// mayDecideIn reports whether a request may be decided in a project: only in the
// one that its route names, or named when a rule of the cluster chose it. Other people may change issues in others, also in
// those of other routes. Where an issue was created does not count: it is not
// known of one that was adopted.
func (p Policy) mayDecideIn(s Snapshot, project string) bool {
	return strings.EqualFold(project, p.decidingProject(s))
}
