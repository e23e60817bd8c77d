package plan

import (
	"time"

	"teleport-jira/internal/access"
)

// Snapshot is all that is known about one request at the moment of planning.
type Snapshot struct {
	ID           access.RequestID
	Request      *access.Request // nil: the request is deleted
	Record       access.Record
	Issue        *access.Issue // nil: not read
	IssueMissing bool          // Jira answers 404 for the issue that the record names
	Person       *Person       // what was looked up about who changed the status; nil: nothing yet
	// Deniers is what was looked up about the authors of denials that an approval
	// by somebody else followed, by change id; nil: nothing yet.
	Deniers  map[string]*Person
	Reported access.State // the state that the comments on an orphan report; "": nothing
	// Access is what the comments on an orphan say of the request's access.
	Access access.Period
	// TextLeft is the edit of the issue's text that stays: its changelog id, where
	// the daemon restored the text or may not.
	TextLeft string
	Self     access.Actor // the daemon's own Jira account
	Reviewer string       // the daemon's own Teleport user
	URL      string       // the request's page in Teleport
	Cluster  string       // the Teleport cluster's name; "": issues of all clusters are the daemon's
	// ProjectShared: issues of another cluster have been seen in the issue's project.
	ProjectShared bool
	// Routed is where an access monitoring rule of the cluster wants the issue; nil
	// where none does, or rules are not followed.
	Routed *Routed
	// Proposals are the decisions that are asked for and that no person makes.
	Proposals []Proposal
	Now       time.Time
	// Decided is the decision that has just been submitted, or was found again.
	Decided *access.Decision
}

// Hint is why a request is worked on, and so whether reading the issue is worth
// a call. With the zero Hint it is read only where the plan needs it.
type Hint struct {
	Always   bool
	IssueID  string         // only if the record names this issue; "" means any
	Observed *access.Status // the status that a search showed: read if it is not the expected one
}

// wantState returns the state that the issue has to show: the request's, or what
// the issue was brought to before the request was deleted.
func (s Snapshot) wantState() access.State {
	switch {
	case s.Request != nil:
		return s.Request.State
	case s.Record.Resolution != "":
		return s.Record.Resolution
	}
	return access.Expired
}

// NeedsIssue reports whether the issue has to be read before planning.
func (p Policy) NeedsIssue(s Snapshot, hint Hint) bool {
	if s.Record.IssueID == "" || s.IssueMissing {
		return false
	}
	if hint.IssueID != "" && hint.IssueID != s.Record.IssueID {
		return false
	}
	if hint.Always || p.isOver(s) || s.awaitsAutomatic() {
		return true
	}
	return hint.Observed != nil && !p.Statuses.Has(p.shownState(s), *hint.Observed)
}

// NeedsOrphan reports whether an issue that no record names, and that a search
// showed in this status, has to be read.
func (p Policy) NeedsOrphan(s Snapshot, observed *access.Status) bool {
	switch {
	case s.Request != nil || s.Record.IssueID != "":
		return false
	case observed == nil || !s.Record.IsZero():
		return true
	}
	state, known := p.Statuses.StateOf(*observed)
	return !known || state == access.Pending || p.Access.Track && state == access.Approved
}
