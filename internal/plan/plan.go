package plan

import (
	"strconv"
	"strings"

	"teleport-jira/internal/access"
)

// Action is one outward effect: CreateIssue, Comment, Move, Decide, Refuse or
// Note.
type Action interface{ action() }

// CreateIssue makes the request's issue.
type CreateIssue struct{ Draft access.Draft }

// Comment writes a notice on the issue.
type Comment struct{ Draft access.CommentDraft }

// Move brings the issue into one of the statuses that stand for a state. That
// no transition leads there is worth a warning and stops nothing else.
type Transition struct {
	To       access.State
	Statuses []string
}

// Decide submits a person's decision to Teleport. What follows from the answer
// is planned by AfterDecision.
type Decide struct {
	Decision access.Decision
	// Found says that Teleport has it already, from an attempt whose answer was
	// lost: nothing is submitted, and the rest is done.
	Found bool
}

// Refuse explains on the issue why a move decided nothing.
type Refuse struct {
	Why      Refusal
	Decision access.Decision // what was asked for; Verdict is empty where the move asked for none
	Comment  access.CommentDraft
}

// Note has no effect but the record.
type SaveRecord struct{}

func (CreateIssue) action() {}
func (Comment) action()     {}
func (Transition) action()  {}
func (Decide) action()      {}
func (Refuse) action()      {}
func (SaveRecord) action()  {}

// Step is an action and the record as it shall be once the action has
// happened. Claim, ClaimUntil and Unsure are the applier's; CreateIssue and
// Decide leave to the applier what only their answers tell.
type Step struct {
	Do   Action
	Then access.Record
}

// builder strings steps together while keeping the record they lead to.
type builder struct {
	record access.Record
	steps  []Step
}

func (b *builder) add(a Action, change func(*access.Record)) {
	if change != nil {
		change(&b.record)
	}
	b.steps = append(b.steps, Step{Do: a, Then: b.record})
}

// Plan is what is missing, in the order to do it. It is empty when request,
// record and issue agree as far as they are known.
func (s Policy) Plan(v Snapshot) []Step {
	if v.Record.IssueID == "" {
		return s.planCreate(v)
	}
	if v.IssueMissing {
		return nil
	}
	b := &builder{record: v.Record}
	s.planReviews(v, b)
	if state := v.wantState(); state.Settled() {
		s.planSettled(v, b, state)
		return b.steps
	}
	if expires := access.UnixTimeOf(v.Request.Expires); expires != 0 && expires != v.Record.Expires {
		// Where it has changed, or the existing plugin did not note it.
		b.add(SaveRecord{}, func(r *access.Record) { r.Expires = expires })
	}
	if v.Issue != nil {
		s.planPending(v, b)
	}
	return b.steps
}

// PlanOrphan is what to do with an issue, made by the daemon, whose request is
// gone while no record names the issue. Where there is a record at all the
// issue is put into it, and all else follows as usual. Else nothing but the
// issue can be changed; one that was closed before and reopened by hand is
// closed again, in silence.
func (s Policy) PlanOrphan(v Snapshot) []Step {
	if v.Request != nil || v.Issue == nil {
		return nil
	}
	b := &builder{record: v.Record}
	state, known := s.Statuses.StateOf(v.Issue.Status)
	switch {
	case !v.Record.IsZero():
		b.add(SaveRecord{}, func(r *access.Record) { r.IssueID, r.IssueKey = v.Issue.Ref.ID, v.Issue.Ref.Key })
	case known && state != access.Pending || !known && v.Issue.LastChange != nil:
	case v.Reported != "":
		b.add(s.transition(v.Reported), nil)
	default:
		b.add(Comment{resolutionComment(v, access.Expired)}, nil)
		b.add(s.transition(access.Expired), nil)
	}
	return b.steps
}

func (s Policy) planCreate(v Snapshot) []Step {
	if v.Request == nil || v.Request.State.Settled() && v.Record.IsZero() {
		return nil
	}
	route := s.RouteOf(v.Request)
	if route.Skip {
		return nil
	}
	draft := access.Draft{
		Request: *v.Request, URL: v.URL,
		Project: route.Project, IssueType: route.IssueType, Labels: route.Labels,
	}
	return []Step{{Do: CreateIssue{draft}, Then: Describe(v.Record, v.Request)}}
}

// Describe fills the record with what it keeps of the request itself.
func Describe(rec access.Record, req *access.Request) access.Record {
	rec.User, rec.Roles, rec.RequestReason = req.User, strings.Join(req.Roles, ","), req.Reason
	rec.Created, rec.Expires = access.UnixTimeOf(req.Created), access.UnixTimeOf(req.Expires)
	return rec
}

func (s Policy) planReviews(v Snapshot, b *builder) {
	if v.Request == nil {
		return
	}
	for i := v.Record.ReviewsCount; i < len(v.Request.Reviews); i++ {
		b.add(Comment{reviewComment(i, v.Request.Reviews[i])}, func(r *access.Record) { r.ReviewsCount = i + 1 })
	}
}

func (s Policy) planSettled(v Snapshot, b *builder, state access.State) {
	resolved := v.Record.Resolution == state
	if d, found := s.ambiguousDecision(v, state); found && !resolved {
		b.add(Decide{Decision: d, Found: true}, nil)
		return
	}
	there := v.Issue != nil && s.Statuses.Has(state, v.Issue.Status)
	if move := s.lateChange(v, state, resolved); move != nil {
		b.add(s.refusal(v, RefusedSettled, *move), func(r *access.Record) { r.HandledChange = move.ID })
	}
	if resolved {
		if v.Issue != nil && !there && s.isMapped(v.Issue.Status) {
			b.add(s.transition(state), nil)
		}
		return
	}
	if !there {
		b.add(s.transition(state), nil)
	}
	b.add(Comment{resolutionComment(v, state)}, func(r *access.Record) {
		r.Resolution = state
		if v.Request != nil {
			r.ResolveReason = v.Request.ResolveReason
		}
	})
}

// lateMove is a person's move that came too late to decide and has not been
// answered; nil when there is none.
func (s Policy) lateChange(v Snapshot, state access.State, resolved bool) *access.StatusChange {
	if v.Issue == nil || v.Issue.LastChange == nil || s.Statuses.Has(state, v.Issue.Status) {
		return nil
	}
	move := v.Issue.LastChange
	if move.By.Same(v.Self) || move.ID == v.Record.HandledChange || !s.isMapped(v.Issue.Status) {
		return nil
	}
	if _, asked := s.requestedState(v); !asked && !resolved {
		return nil
	}
	return move
}

func (s Policy) planPending(v Snapshot, b *builder) {
	state, known := s.Statuses.StateOf(v.Issue.Status)
	move := v.Issue.LastChange
	switch {
	case state == access.Pending:
	case state == access.Approved || state == access.Denied:
		s.planDecision(v, b, state)
	case move == nil || move.By.Same(v.Self):
		// It was born elsewhere, or a walk to the pending status was cut short.
		b.add(s.transition(access.Pending), nil)
	case known:
		if move.ID != v.Record.HandledChange {
			b.add(s.refusal(v, RefusedNoDecision, *move), func(r *access.Record) { r.HandledChange = move.ID })
		}
		b.add(s.transition(access.Pending), nil)
	}
}

func (s Policy) planDecision(v Snapshot, b *builder, verdict access.State) {
	move := access.StatusChange{ID: "unseen-" + v.Issue.Status.ID, To: v.Issue.Status, Project: v.Issue.Project}
	if v.Issue.LastChange != nil {
		move = *v.Issue.LastChange
	}
	if move.By.Same(v.Self) {
		return
	}
	if move.ID == v.Record.HandledChange {
		b.add(s.transition(access.Pending), nil)
		return
	}
	d := s.decision(v, verdict, move)
	if why := s.authorize(v, move); why != "" {
		s.planRefusal(v, b, why, move)
		return
	}
	b.add(Decide{Decision: d, Found: submitted(v, d)}, nil)
}

func (s Policy) planRefusal(v Snapshot, b *builder, why Refusal, move access.StatusChange) {
	b.add(s.refusal(v, why, move), func(r *access.Record) { r.HandledChange = move.ID })
	if s.mayDecideIn(v, v.Issue.Project) { // another project's workflow is not ours to move in
		b.add(s.transition(access.Pending), nil)
	}
}

func (s Policy) transition(to access.State) Transition {
	return Transition{To: to, Statuses: s.Statuses[to]}
}

func (s Policy) isMapped(status access.Status) bool {
	_, ok := s.Statuses.StateOf(status)
	return ok
}

// reviewMark names the comment about a review. Reviews are only ever appended.
func reviewKey(i int) string { return "review/" + strconv.Itoa(i) }
