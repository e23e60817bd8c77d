package plan

import (
	"maps"
	"slices"
	"strings"

	"teleport-jira/internal/access"
)

// Person is what has to be looked up about the account that changed a status.
type Person struct {
	TraitUser  string // the one Teleport user whose trait names the account; "" when none or several
	TraitUsers int    // how many Teleport users' traits name the account
	InGroups   bool   // member of one of the general approver groups
	// RouteGroups are the lists of groups of routes, by GroupsKey, in one of which
	// the account is.
	RouteGroups map[string]bool
	IsRequester bool // the look-up says that the account is the requester's
	// Unclear is why it is not known whether the account is the requester's; ""
	// when it is known.
	Unclear string
	// GroupsUnclear is why the account's groups are not known, InGroups being
	// false; "" when they are.
	GroupsUnclear string
}

// NeedsPerson returns the status change whose author has to be looked up before
// planning; nil when nobody asks for a decision.
func (p Policy) NeedsPerson(s Snapshot) *access.StatusChange {
	if s.Person != nil || s.Request == nil || s.Issue == nil {
		return nil
	}
	if p.AsksToRevoke(s) && s.Issue.LastChange != nil && s.Issue.LastChange.ID != s.Record.HandledChange && !s.Issue.LastChange.By.Same(s.Self) {
		return s.Issue.LastChange
	}
	if s.Request.State != access.Pending {
		return nil
	}
	state, asked := p.requestedState(s)
	if !asked || s.Issue.LastChange == nil {
		return nil
	}
	change := s.Issue.LastChange
	if change.By.Same(s.Self) || change.ID == s.Record.HandledChange {
		return nil
	}
	entry, _ := p.entry(s, state, *change)
	return &entry
}

// TeleportUser maps a Jira account to a Teleport user: by the operator's list,
// then by trait, then by e-mail where that is allowed; "" when unmapped.
func (p Policy) TeleportUser(who access.Actor, person *Person) string {
	switch listed := p.ListedUsers(who); {
	case len(listed) > 0:
		return listed[0]
	case person != nil && (person.TraitUser != "" || person.TraitUsers > 1):
		return person.TraitUser
	case p.Review.MatchEmail && ShowsAddress(who) && p.trustsEmail(who):
		return who.Email
	}
	return ""
}

// isAmbiguous reports whether the list, or else the trait, gives the account
// several Teleport users, of which the rules choose none. The list's entry for
// the account's id is the operator's choice.
func (p Policy) isAmbiguous(who access.Actor, person *Person) bool {
	listed := p.ListedUsers(who)
	if len(listed) == 0 {
		return person != nil && person.TraitUsers > 1
	}
	chosen := slices.ContainsFunc(slices.Collect(maps.Keys(p.Review.Users)), func(key string) bool {
		h := access.ParseHandle(key)
		return h.Kind != access.HandleEmail && h.Value == who.ID && h.Names(who, false)
	})
	return !chosen && slices.ContainsFunc(listed, func(user string) bool { return user != listed[0] })
}

// trustsEmail reports whether the account's address says who it is: on Data Center
// people may be able to change their own.
func (p Policy) trustsEmail(who access.Actor) bool {
	return p.Review.TrustEmail || !who.OnDataCenter()
}

// ListedUsers returns the Teleport users that the operator's list gives an account.
// The first is the one that the person decides as: the account id's, or else
// that of the smallest key, so that a choice never depends on the order of a
// map.
func (p Policy) ListedUsers(who access.Actor) []string {
	var users []string
	for _, key := range slices.Sorted(maps.Keys(p.Review.Users)) {
		switch h := access.ParseHandle(key); {
		case !h.Names(who, p.Review.TrustEmail):
		case h.Value == who.ID:
			users = slices.Insert(users, 0, p.Review.Users[key])
		default:
			users = append(users, p.Review.Users[key])
		}
	}
	return users
}

// isRequester compares the account that was the requester's when the issue was
// created, and every name that is known, so that no missing mapping opens the
// ban on deciding one's own request, nor one to another user of the same person.
// Case folds in all of Unicode here: whoever is like the requester is refused.
func (p Policy) isRequester(s Snapshot, who access.Actor) bool {
	if who.ID != "" && (who.ID == s.Record.RequesterAccount || who.ID == s.Request.User) {
		return true
	}
	names := []string{who.Email, who.Name}
	for key, user := range p.Review.Users {
		// Whichever attribute the operator meant, and whether it counts or not.
		value := access.ParseHandle(key).Value
		if value != "" && (value == who.ID || strings.EqualFold(value, who.Name) || strings.EqualFold(value, who.Email)) {
			names = append(names, user)
		}
	}
	if s.Person != nil {
		names = append(names, s.Person.TraitUser)
	}
	same := func(name string) bool { return strings.EqualFold(name, s.Request.User) }
	return slices.ContainsFunc(names, same) || s.Person != nil && s.Person.IsRequester
}

// unclear returns why it is not known whether the account is the requester's; ""
// when it is known.
func (p Policy) unclear(s Snapshot, who access.Actor) string {
	if s.Person != nil && s.Person.Unclear != "" {
		return s.Person.Unclear
	}
	switch mapped := len(p.ListedUsers(who)) > 0 || s.Person != nil && s.Person.TraitUser != ""; {
	case mapped:
	case resembles(who.Email, s.Request.User):
		return "its e-mail address is like the requester's name"
	case resembles(who.Name, s.Request.User):
		return "its user name is like the requester's name"
	}
	return ""
}

// ShowsAddress reports whether Jira shows the account's e-mail address in full.
// Data Center may hide it, or mask it as "alice at example dot com".
func ShowsAddress(who access.Actor) bool {
	local, domain, found := strings.Cut(who.Email, "@")
	return found && local != "" && domain != "" && !strings.ContainsAny(who.Email, " *…")
}

// resembles reports whether two names or addresses differ in nothing but domain,
// sub-address, dots, case and masking: mail to both may well reach one person.
func resembles(name, user string) bool {
	a, b := localPart(name), localPart(user)
	return a != "" && strings.EqualFold(a, b)
}

// localPart is what stands before the @, without sub-address and dots.
func localPart(address string) string {
	address = strings.NewReplacer(" at ", "@", " dot ", ".").Replace(address)
	local, _, _ := strings.Cut(address, "@")
	local, _, _ = strings.Cut(local, "+")
	return strings.ReplaceAll(strings.TrimSpace(local), ".", "")
}

// isApprover reports whether the account satisfies every rule of the request.
func (p Policy) isApprover(s Snapshot, who access.Actor) bool {
	return !slices.ContainsFunc(p.ApproversOf(s.Request), func(a Approvers) bool { return !p.satisfies(s, who, a) })
}

func (p Policy) isSuggested(s Snapshot, who access.Actor) bool {
	return slices.ContainsFunc(s.Request.SuggestedReviewers, func(name string) bool {
		return name != "" && (name == p.TeleportUser(who, s.Person) ||
			p.trustsEmail(who) && access.EqualFoldASCII(name, who.Email) || access.EqualFoldASCII(name, who.Name))
	})
}

func (p Policy) isAny(who access.Actor, handles []string) bool {
	return slices.ContainsFunc(handles, func(handle string) bool {
		return access.ParseHandle(handle).Names(who, p.Review.TrustEmail)
	})
}
