package access

// Decision is what a person decided by moving an issue, or something in place of a
// person.
type Decision struct {
	RequestID RequestID
	State     State  // Approved or Denied
	Reason    string // what the person gave as reason; may be empty
	By        Actor
	Author    string // the Teleport user that By is mapped to; empty when unmapped
	Issue     IssueRef
	ChangeID  string // changelog id: identifies the decision; the source of one that no person made
	// Automatic says what decided in place of a person, for people to read; "":
	// nothing did. Such a decision is always a review by the daemon's own user.
	Automatic string
}

// Result is what came of submitting a Decision.
type Result string

// What Teleport answers to a decision. All of them are final: the same status
// change is not submitted again.
const (
	// Submitted: the review or state was accepted. Outcome.Request
	// shows whether that settled the request.
	Submitted Result = "submitted"
	// AlreadyReviewed: the reviewing Teleport user has reviewed it before.
	AlreadyReviewed Result = "already_reviewed"
	// AlreadySettled: somebody settled the request first.
	AlreadySettled Result = "already_settled"
	// NotAllowed: the daemon's role, or the author's, may not do this.
	NotAllowed Result = "not_allowed"
)

// Outcome is Teleport's answer to a Decision.
type Outcome struct {
	Result   Result
	Mode     ReviewMode // the mode that was used
	Reviewer string     // the Teleport user in whose name it was submitted
	Request  *Request   // as it is afterwards; nil when unknown
	Detail   string     // for people: Teleport's message, or the role rule that is missing
}

// ReviewMode is the way a decision reaches Teleport.
type ReviewMode string

// The review modes; ModeAuto is resolved to ModeReview or ModeState.
const (
	ModeAuto     ReviewMode = "auto"
	ModeReview   ReviewMode = "review"
	ModeOnBehalf ReviewMode = "on_behalf"
	ModeState    ReviewMode = "state"
)
