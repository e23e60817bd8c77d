package plan

import (
	"time"

	"teleport-jira/internal/access"
)

// View is all that is known about one request at the moment of planning.
type Snapshot struct {
	ID           access.RequestID
	Request      *access.Request // nil: the request is gone
	Record       access.Record
	Issue        *access.Issue // nil: not read
	IssueMissing bool          // Jira answers 404 for the issue that the record names
	Person       *Person       // what was looked up about who moved the issue; nil: nothing yet
	Reported     access.State  // what the comments on an orphan say that it came to; "": nothing
	Self         access.Actor  // the daemon's own Jira account
	Reviewer     string        // the daemon's own Teleport user
	URL          string        // the request's page in Teleport
	Now          time.Time
}

// Person is what has to be looked up about the account that moved an issue.
type Person struct {
	TraitUser   string // the one Teleport user whose trait names the account; "" when none or several
	InGroups    bool   // member of one of the approver groups
	IsRequester bool   // Jira says that the account is the requester's
	// Unclear is why it can't be told whether the account is the requester's;
	// "" when it can.
	Unclear string
	// GroupsUnclear is why the account's groups can't be told, InGroups being
	// false; "" when they can.
	GroupsUnclear string
}

// Look says what made a worker look at a request, and so whether reading the
// issue is worth a call. The zero Look reads it only where the plan needs it.
type Hint struct {
	Always   bool
	IssueID  string         // only if the record names this issue; "" means any
	Observed *access.Status // the status that a search showed: read if it is not the expected one
}

// state is what the issue ought to show: the request's state, or what it was
// brought to before the request vanished.
func (v Snapshot) wantState() access.State {
	switch {
	case v.Request != nil:
		return v.Request.State
	case v.Record.Resolution != "":
		return v.Record.Resolution
	}
	return access.Expired
}

// NeedsIssue tells whether the issue has to be read before planning.
func (s Policy) NeedsIssue(v Snapshot, look Hint) bool {
	if v.Record.IssueID == "" || v.IssueMissing {
		return false
	}
	if look.IssueID != "" && look.IssueID != v.Record.IssueID {
		return false
	}
	if look.Always {
		return true
	}
	return look.Observed != nil && !s.Statuses.Has(v.wantState(), *look.Observed)
}

// NeedsOrphan tells whether an issue that no record names, and that a search
// showed in this status, has to be read.
func (s Policy) NeedsOrphan(v Snapshot, observed *access.Status) bool {
	switch {
	case v.Request != nil || v.Record.IssueID != "":
		return false
	case observed == nil || !v.Record.IsZero():
		return true
	}
	state, known := s.Statuses.StateOf(*observed)
	return !known || state == access.Pending
}

// NeedsPerson gives the move whose author has to be looked up before planning;
// nil when nobody asks for a decision.
func (s Policy) NeedsPerson(v Snapshot) *access.StatusChange {
	if v.Person != nil || v.Request == nil || v.Request.State != access.Pending || v.Issue == nil {
		return nil
	}
	if _, asked := s.requestedState(v); !asked || v.Issue.LastChange == nil {
		return nil
	}
	move := v.Issue.LastChange
	if move.By.Same(v.Self) || move.ID == v.Record.HandledChange {
		return nil
	}
	return move
}

// verdict is what the issue's status asks for, if it asks for a decision.
func (s Policy) requestedState(v Snapshot) (access.State, bool) {
	state, _ := s.Statuses.StateOf(v.Issue.Status)
	return state, state == access.Approved || state == access.Denied
}
