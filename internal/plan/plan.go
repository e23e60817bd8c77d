package plan

import (
	"strconv"
	"strings"

	"teleport-jira/internal/access"
)

// Action is one outward effect: CreateIssue, Comment, Transition, Decide,
// Refuse, RestoreText, EndAccess,
// Lock or SaveRecord.
type Action interface{ action() }

// CreateIssue creates the request's issue.
type CreateIssue struct{ Draft access.Draft }

// Comment writes a comment on the issue.
type Comment struct{ Draft access.CommentDraft }

// Transition brings the issue into one of the statuses that stand for a state. That
// no transition leads there is worth a warning and stops nothing else.
type Transition struct {
	To       access.State
	Statuses []string
}

// Decide submits a person's decision to Teleport. What follows from the answer
// is planned by AfterDecision.
type Decide struct {
	Decision access.Decision
	// Found: Teleport has it already, from an attempt whose answer was lost.
	// Nothing is submitted, and all that follows from it is done.
	Found bool
}

// Refuse explains on the issue why a status change decided nothing.
type Refuse struct {
	Why      Refusal
	Decision access.Decision // what was asked for; State is empty where no decision was
	Comment  access.CommentDraft
}

// SaveRecord has no effect but the record.
type SaveRecord struct{}

func (CreateIssue) action() {}
func (Comment) action()     {}
func (Transition) action()  {}
func (Decide) action()      {}
func (Refuse) action()      {}
func (SaveRecord) action()  {}
func (EndAccess) action()   {}
func (Lock) action()        {}

// Step is an action and the record as it shall be once the action, and those
// planned before it, have happened. Claim, ClaimUntil and Ambiguous belong to
// whoever executes it; CreateIssue and Decide leave to that what only their
// answers show.
type Step struct {
	Do     Action
	Then   access.Record
	change func(*access.Record) // what this step alone changes; nil: Then says all
}

// Apply returns the record with what this step alone has changed, for where a
// step before it failed.
func (s Step) Apply(rec access.Record) access.Record {
	if s.change == nil {
		return s.Then
	}
	s.change(&rec)
	return rec
}

// builder collects steps and keeps the record that they lead to.
type builder struct {
	record access.Record
	steps  []Step
	// comments: nothing but comments is planned on the issue, because it is another
	// request's, whose status and text it shows.
	comments bool
}

func newBuilder(s Snapshot) *builder { return &builder{record: s.Record, comments: namesAnother(s)} }

func (b *builder) add(a Action, change func(*access.Record)) {
	switch a.(type) {
	case Transition, RestoreText:
		if b.comments {
			return
		}
	}
	if change == nil {
		change = func(*access.Record) {}
	}
	change(&b.record)
	b.steps = append(b.steps, Step{Do: a, Then: b.record, change: change})
}

// Plan returns what is missing, in the order to do it: decisions, then the
// issue's status, then comments. Only the comment that answers a status change
// comes before the transition that hides the change. The plan is empty when
// request, record and issue agree as far as they are known, and when the issue is
// another cluster's.
func (p Policy) Plan(s Snapshot) []Step {
	if s.OfAnotherCluster() {
		return nil
	}
	if s.Record.IssueID == "" {
		return p.planCreate(s)
	}
	if s.IssueMissing {
		return nil
	}
	b := newBuilder(s)
	if p.lockDue(s) {
		p.planMaxDuration(s, b)
		return b.steps
	}
	if s.Record.Ended != "" || p.isOver(s) {
		p.planEnd(s, b)
		return b.steps
	}
	if state := s.wantState(); state.Settled() {
		if p.planRevocation(s, b) {
			return b.steps
		}
		p.planSettled(s, b, state)
		p.noteAccess(s, b)
		return b.steps
	}
	if expires := access.UnixTimeOf(s.Request.Expires); expires != 0 && expires != s.Record.Expires {
		// Where it has changed, or the existing plugin did not note it.
		b.add(SaveRecord{}, func(r *access.Record) { r.Expires = expires })
	}
	if s.Issue != nil {
		p.planPending(s, b)
	}
	p.planAutomatic(s, b)
	p.planReviews(s, b, -1)
	return b.steps
}

// PlanOrphan returns what to do with an issue, created by the daemon, whose
// request is deleted while no record names the issue. Where there is a record at all the
// issue is put into it, and all else follows as usual. Else nothing but the
// issue can be changed; one that was closed before and reopened by hand is
// closed again without a comment. One that names no cluster is left alone in a
// project that another cluster's daemon uses, too: it may be that one's.
func (p Policy) PlanOrphan(s Snapshot) []Step {
	if s.Request != nil || s.Issue == nil || s.OfAnotherCluster() {
		return nil
	}
	if s.Record.IsZero() && s.Issue.Cluster == "" && s.ProjectShared {
		return nil
	}
	b := newBuilder(s)
	state, known := p.Statuses.StateOf(s.Issue.Status)
	switch {
	case !s.Record.IsZero():
		b.add(SaveRecord{}, func(r *access.Record) { r.IssueID, r.IssueKey = s.Issue.Ref.ID, s.Issue.Ref.Key })
	case p.Access.Track && state == access.Approved:
		p.planOrphanEnd(s, b)
	case known && state != access.Pending || !known && s.Issue.LastChange != nil:
	case s.Reported != "":
		p.move(b, s.Reported)
	default:
		b.add(Comment{resolutionComment(s, access.Expired)}, nil)
		p.move(b, access.Expired)
	}
	return b.steps
}

func (p Policy) planCreate(s Snapshot) []Step {
	if s.Request == nil || s.Request.State.Settled() && s.Record.IsZero() {
		return nil
	}
	if p.RouteFor(s).Skip {
		return nil
	}
	return []Step{{Do: CreateIssue{p.draft(s)}, Then: describe(s)}}
}

// describe is the record of a request whose issue is to be created.
func describe(s Snapshot) access.Record {
	rec := Describe(s.Record, s.Request)
	rec.Route = s.routeNote()
	rec.Cluster = s.Cluster
	return rec
}

// draft is the request's issue as the daemon makes it.
func (p Policy) draft(s Snapshot) access.Draft {
	route := p.RouteFor(s)
	return access.Draft{
		Request: *s.Request, URL: s.URL,
		Project: route.Project, IssueType: route.IssueType, Labels: route.Labels,
		Cluster: s.Cluster,
	}
}

// Describe fills the record with what it keeps of the request itself.
func Describe(rec access.Record, req *access.Request) access.Record {
	rec.User, rec.Roles, rec.RequestReason = req.User, strings.Join(req.Roles, ","), req.Reason
	rec.Created, rec.Expires = access.UnixTimeOf(req.Created), access.UnixTimeOf(req.Expires)
	return rec
}

// isTold reports whether a review was told of by the comment that answered the move
// which was submitted as the review.
func isTold(s Snapshot, r access.Review) bool {
	d := access.Decision{Issue: s.Record.Issue(), ChangeID: s.Record.HandledChange}
	return s.Record.HandledChange != "" && strings.HasSuffix(r.Reason, d.Token())
}

// countReview notes that a review has been told of. Where the comment on one before
// it has failed, that one is still to come.
func countReview(r *access.Record, review int) {
	if review >= 0 && r.ReviewsCount == review {
		r.ReviewsCount++
	}
}

// planReviews tells of the reviews that nobody has been told of, but of one that
// another comment tells of; -1 for none.
func (p Policy) planReviews(s Snapshot, b *builder, but int) {
	if s.Request == nil {
		return
	}
	for i := s.Record.ReviewsCount; i < len(s.Request.Reviews); i++ {
		if i == but || isTold(s, s.Request.Reviews[i]) {
			continue
		}
		b.add(Comment{reviewComment(s, i, s.Request.Reviews[i])}, func(r *access.Record) { r.ReviewsCount = i + 1 })
	}
}

func (p Policy) planSettled(s Snapshot, b *builder, state access.State) {
	resolved := s.Record.Resolution == state
	if d, found := p.ambiguousDecision(s, state); found && !resolved {
		b.add(Decide{Decision: d, Found: true}, nil)
		return
	}
	there := s.Issue != nil && p.Statuses.Has(state, s.Issue.Status) || p.AsksToRevoke(s)
	back := !isLeft(s)
	if change := p.lateChange(s, state, resolved); change != nil {
		back = p.answer(s, b, p.refusal(s, RefusedSettled, *change), *change, nil)
	}
	if resolved {
		if s.Issue != nil && !there && back && p.isMapped(s.Issue.Status) {
			p.move(b, state)
		}
		p.planReviews(s, b, settlingReview(s, state))
		return
	}
	if !there {
		p.move(b, state)
	}
	last := settlingReview(s, state)
	p.planReviews(s, b, last)
	b.add(Comment{p.resolution(s, state)}, func(r *access.Record) {
		r.Resolution = state
		if s.Request != nil {
			r.ResolveReason = s.Request.ResolveReason
			countReview(r, last)
		}
		p.setAccess(s, state, r)
	})
}

// lateChange returns a person's status change that came too late to decide and
// has not been answered; nil when there is none.
func (p Policy) lateChange(s Snapshot, state access.State, resolved bool) *access.StatusChange {
	if s.Issue == nil || s.Issue.LastChange == nil || p.Statuses.Has(state, s.Issue.Status) || p.AsksToRevoke(s) {
		return nil
	}
	change := s.Issue.LastChange
	if change.By.Same(s.Self) || change.ID == s.Record.HandledChange || !p.isMapped(s.Issue.Status) {
		return nil
	}
	if _, asked := p.requestedState(s); !asked && !resolved {
		return nil
	}
	return change
}

func (p Policy) planPending(s Snapshot, b *builder) {
	state, known := p.Statuses.StateOf(s.Issue.Status)
	change := s.Issue.LastChange
	switch {
	case state == access.Pending:
		p.planRestore(s, b)
	case state == access.Approved || state == access.Denied:
		p.planDecision(s, b, state)
	case known && change != nil && change.By.Same(s.Self):
		p.planOwnMove(s, b, *change)
	case change == nil || change.By.Same(s.Self):
		// It was created elsewhere, or a path to the pending status was cut short.
		b.add(p.transition(access.Pending), nil)
	case known:
		back := !isLeft(s)
		if change.ID != s.Record.HandledChange {
			back = p.answer(s, b, p.refusal(s, RefusedNoDecision, *change), *change, nil)
		}
		if back {
			b.add(p.transition(access.Pending), nil)
		}
	}
}

// move adds the transition to a state. A state that the operator gave no status
// leaves the issue where it is.
func (p Policy) move(b *builder, to access.State) {
	if len(p.Statuses[to]) > 0 {
		b.add(p.transition(to), nil)
	}
}

func (p Policy) transition(to access.State) Transition {
	return Transition{To: to, Statuses: p.Statuses[to]}
}

func (p Policy) isMapped(status access.Status) bool {
	_, ok := p.Statuses.StateOf(status)
	return ok
}

// reviewKey is the dedup key of the comment about a review. Reviews are only ever appended.
func reviewKey(i int) string { return reviewPrefix + strconv.Itoa(i) }
