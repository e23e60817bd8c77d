package plan

import (
	"cmp"
	"slices"
	"strings"

	"teleport-jira/internal/access"
)

// requestedState returns the state that the issue's status asks for; ok is false
// when it asks for no decision.
func (p Policy) requestedState(s Snapshot) (state access.State, ok bool) {
	state, _ = p.Statuses.StateOf(s.Issue.Status)
	return state, state == access.Approved || state == access.Denied
}

// unshownPrefix begins the id that stands for a change which the history does not
// show.
const unshownPrefix = "unseen-"

// RefusesUnshownMove reports whether the steps refuse a status whose change the
// issue's history does not show. It may be about to, so that it takes a second look,
// later, to be sure.
func RefusesUnshownMove(steps []Step) (changeID string, ok bool) {
	for _, step := range steps {
		if refuse, isRefusal := step.Do.(Refuse); isRefusal && strings.HasPrefix(refuse.Decision.ChangeID, unshownPrefix) {
			return refuse.Decision.ChangeID, true
		}
	}
	return "", false
}

func (p Policy) planDecision(s Snapshot, b *builder, state access.State) {
	change := changeShown(s.Issue)
	if change.By.Same(s.Self) {
		p.planOwnMove(s, b, change)
		return
	}
	if change.ID == s.Record.HandledChange {
		if !isLeft(s) {
			b.add(p.transition(access.Pending), nil)
		}
		p.planRestore(s, b)
		return
	}
	entry, ok := p.entry(s, state, change)
	if !ok {
		p.planRefusal(s, b, RefusedSameState, change)
		return
	}
	if state == access.Approved {
		if about, denial, ok := p.denial(s, entry); ok {
			s, state, entry = about, access.Denied, denial
		}
	}
	d := p.decision(s, state, entry)
	why, found := p.authorize(s, entry), submitted(s, d)
	if why == "" && !found {
		why = cmp.Or(authorizeText(s, entry), p.authorizePromptness(s, entry))
	}
	if why != "" {
		p.planRefusal(s, b, why, entry)
		return
	}
	b.add(Decide{Decision: d, Found: found}, nil)
}

func (p Policy) planRefusal(s Snapshot, b *builder, why Refusal, change access.StatusChange) {
	back := p.answer(s, b, p.refusal(s, why, change), change, func(r *access.Record) {
		r.HandledChange = newestChange(s, change.ID)
		if edit := othersEdit(s); why == RefusedText && edit != nil {
			r.TextConfirmed = edit.ID
		}
	})
	// In another project's workflow the daemon changes nothing.
	if back && p.mayDecideIn(s, s.Issue.Project) {
		b.add(p.transition(access.Pending), nil)
		p.planRestore(s, b)
	}
}

// newestChange returns the id of the issue's newest change: an answer to one is
// the answer to all that were made before anybody looked.
func newestChange(s Snapshot, id string) string {
	if s.Issue.LastChange != nil {
		return s.Issue.LastChange.ID
	}
	return id
}

func (p Policy) decision(s Snapshot, state access.State, change access.StatusChange) access.Decision {
	return access.Decision{
		RequestID: s.ID, State: state, By: change.By, ChangeID: change.ID, Issue: s.Issue.Ref,
		Author: p.TeleportUser(change.By, s.Person),
		Reason: Reason(s.Issue.Comments, change.By),
	}
}

func (p Policy) refusal(s Snapshot, why Refusal, change access.StatusChange) Refuse {
	d := access.Decision{RequestID: s.ID, By: change.By, ChangeID: change.ID, Issue: s.Issue.Ref}
	if state, asked := p.requestedState(s); asked {
		d.State = state
	}
	if p.AsksToRevoke(s) {
		d.State = access.Revoked
	}
	if s.Request != nil {
		d.Author = p.TeleportUser(change.By, s.Person)
	}
	d.Reason = Reason(s.Issue.Comments, change.By)
	return Refuse{Why: why, Decision: d, Comment: p.refusalComment(s, why, change, "")}
}

// ambiguousDecision returns a person's decision that settled the request, where
// the answer was lost and nothing has been noted of it.
func (p Policy) ambiguousDecision(s Snapshot, state access.State) (access.Decision, bool) {
	if s.Request == nil || s.Issue == nil || s.Issue.LastChange == nil || !p.Statuses.Has(state, s.Issue.Status) {
		return access.Decision{}, false
	}
	change := *s.Issue.LastChange
	if change.By.Same(s.Self) || change.ID == s.Record.HandledChange {
		return access.Decision{}, false
	}
	d := p.decision(s, state, change)
	return d, submitted(s, d)
}

// submitted reports whether the state or one of the reviews carries the decision:
// its reason ends with the decision's token, so that no text that a person typed
// can stand for one, and it is by somebody in whose name the daemon decides.
func submitted(s Snapshot, d access.Decision) bool {
	if len(s.Request.Reviews) == 0 && s.Request.State == d.State && strings.HasSuffix(s.Request.ResolveReason, d.Token()) {
		return true
	}
	return slices.ContainsFunc(s.Request.Reviews, func(r access.Review) bool {
		return strings.HasSuffix(r.Reason, d.Token()) && (r.Author == s.Reviewer || r.Author == d.Author)
	})
}

// AfterDecision returns what follows from Teleport's answer to a decision. Each
// step that is done notes the change as handled.
func (p Policy) AfterDecision(s Snapshot, d access.Decision, out access.Outcome) []Step {
	if d.Automatic != "" {
		return p.afterAutomatic(s, d, out)
	}
	handled := newestChange(s, d.ChangeID)
	s.Record.HandledChange = handled
	if denier := s.Deniers[d.ChangeID]; denier != nil {
		s.Person = denier
	}
	steps := p.afterDecision(s, d, out)
	for i := range steps {
		if change := steps[i].change; change != nil {
			steps[i].change = func(r *access.Record) { r.HandledChange = handled; change(r) }
		}
	}
	return steps
}

func (p Policy) afterDecision(s Snapshot, d access.Decision, out access.Outcome) []Step {
	if out.Request != nil {
		s.Request = out.Request
	}
	change := changeOf(s, d)
	switch {
	case out.Result == access.AlreadyReviewed:
		return p.explain(s, RefusedReviewed, change, out.Detail)
	case out.Result == access.NotAllowed:
		return p.explain(s, RefusedByTeleport, change, out.Detail)
	case out.Result == access.AlreadySettled && (out.Request == nil || out.Request.State != d.State):
		return []Step{{Do: p.refusal(s, RefusedSettled, change), Then: s.Record}}
	case out.Result == access.AlreadySettled:
		return []Step{{Do: SaveRecord{}, Then: s.Record}}
	}
	s.Record.Refusals = 0 // somebody who may decide has moved it
	s.Decided = &d
	switch {
	case out.Request == nil:
		return []Step{{Do: SaveRecord{}, Then: s.Record}}
	case out.Request.State.Settled():
		if steps := p.Plan(s); len(steps) > 0 {
			return steps
		}
		return []Step{{Do: SaveRecord{}, Then: s.Record}}
	}
	b := newBuilder(s)
	own := slices.IndexFunc(s.Request.Reviews, func(r access.Review) bool { return strings.HasSuffix(r.Reason, d.Token()) })
	p.planReviews(s, b, own)
	b.add(Comment{progressComment(s, d)}, func(r *access.Record) { countReview(r, own) })
	b.add(p.transition(access.Pending), nil)
	return b.steps
}

// explain refuses a decision that Teleport did not accept.
func (p Policy) explain(s Snapshot, why Refusal, change access.StatusChange, detail string) []Step {
	refuse := p.refusal(s, why, change)
	refuse.Comment = p.refusalComment(s, why, change, detail)
	b := newBuilder(s)
	if p.answer(s, b, refuse, change, nil) {
		b.add(p.transition(access.Pending), nil)
	}
	return b.steps
}
