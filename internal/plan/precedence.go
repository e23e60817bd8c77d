package plan

import (
	"slices"

	"teleport-jira/internal/access"
)

// RefusedSameState is the refusal of a move from one status of a state to another.
const RefusedSameState Refusal = "same_state"

// entry returns the change that brought the issue into the state that its status
// asks for: from one approved status to another nothing new is decided, so that
// who moved it first decides. ok is false where that one has been answered or is
// not shown.
func (p Policy) entry(s Snapshot, state access.State, last access.StatusChange) (change access.StatusChange, ok bool) {
	if !p.Statuses.Has(state, last.From) {
		return last, true
	}
	open, _ := openChanges(s)
	for _, change := range open {
		if p.Statuses.Has(state, change.To) && !p.Statuses.Has(state, change.From) {
			return change, true
		}
	}
	return last, false
}

// denials returns the denials among the changes that have not been answered, by
// other people than who approved, newest first. One that its author took back by
// moving the issue again is none.
func (p Policy) denials(s Snapshot, approval access.StatusChange) []access.StatusChange {
	var found []access.StatusChange
	open, _ := openChanges(s)
	for i, change := range open {
		movedAgain := func(later access.StatusChange) bool { return later.By.Same(change.By) }
		if p.Statuses.Has(access.Denied, change.To) && !change.By.Same(approval.By) && !slices.ContainsFunc(open[:i], movedAgain) {
			found = append(found, change)
		}
	}
	return found
}

// denial returns the newest denial that has not been answered, by somebody who may
// decide, with the snapshot as it is about its author. It wins over an approval
// by somebody else that was made before anybody looked.
func (p Policy) denial(s Snapshot, approval access.StatusChange) (about Snapshot, change access.StatusChange, ok bool) {
	for _, change := range p.denials(s, approval) {
		about := s
		about.Person = s.Deniers[change.ID]
		if about.Person != nil && p.authorize(about, change) == "" {
			return about, change, true
		}
	}
	return s, access.StatusChange{}, false
}

// NeedsDeniers returns the status changes, beside that of NeedsPerson, whose
// authors have to be looked up before planning.
func (p Policy) NeedsDeniers(s Snapshot) []access.StatusChange {
	if s.Deniers != nil || s.Request == nil || s.Request.State != access.Pending || s.Issue == nil || s.Issue.LastChange == nil {
		return nil
	}
	last := *s.Issue.LastChange
	if state, _ := p.requestedState(s); state != access.Approved || last.By.Same(s.Self) || last.ID == s.Record.HandledChange {
		return nil
	}
	approval, _ := p.entry(s, access.Approved, last)
	return p.denials(s, approval)
}

// changeOf returns the status change that a decision was made by.
func changeOf(s Snapshot, d access.Decision) access.StatusChange {
	for _, change := range s.Issue.Changes {
		if change.ID == d.ChangeID {
			return change
		}
	}
	return access.StatusChange{ID: d.ChangeID, By: d.By, To: s.Issue.Status}
}
