package plan

import (
	"slices"
	"strings"
	"time"

	"teleport-jira/internal/access"
)

// The refusals of status changes that the issue's history does not prove.
const (
	RefusedTooEarly     Refusal = "before_request"
	RefusedOtherRequest Refusal = "other_request"
	RefusedRenamed      Refusal = "status_renamed"
	RefusedTypeChanged  Refusal = "type_changed"
	RefusedHistory      Refusal = "history_unclear"
)

// historyRefusals returns the refusals of this file.
func historyRefusals() []Refusal {
	return []Refusal{RefusedTooEarly, RefusedOtherRequest, RefusedRenamed, RefusedTypeChanged, RefusedHistory, RefusedSameState, RefusedOwnAccount}
}

// historyText returns what was wrong and what would work; "" for a refusal of
// another file.
func historyText(why Refusal) string {
	switch why {
	case RefusedTooEarly:
		return "it was moved before this request was made. Somebody who may decide it can move the issue back and once more."
	case RefusedOtherRequest:
		return "the issue's property teleportAccessRequestId does not name the request that this issue was made for. " +
			"Somebody changed it, or Jira was restored from a backup. The request can be reviewed in Teleport."
	case RefusedRenamed:
		return "Jira's history calls the status otherwise than the issue does now, and it is not certain that it meant the same then. " +
			"Somebody who may decide it can move the issue once more."
	case RefusedTypeChanged:
		return "the status was changed along with the issue's type or workflow. Somebody who may decide it can move the issue once more."
	case RefusedOwnAccount:
		return ownAccountText
	case RefusedSameState:
		return "it was moved from one status to another that means the same, which is no new decision. " +
			"Somebody who may decide it can move the issue once more."
	case RefusedHistory:
		return "Jira's history of the issue has a gap, or a part that can't be read. Somebody who may decide it can move the issue once more."
	}
	return ""
}

// authorizeHistory returns why a status change proves nothing about this request,
// whoever made it; "" when it may decide. A change that the changelog does not
// show is another refusal.
func (p Policy) authorizeHistory(s Snapshot, change access.StatusChange) Refusal {
	switch {
	case isOtherRequests(s):
		return RefusedOtherRequest
	case s.Issue.LastChange == nil:
		return ""
	case isBefore(change.At, s.Request.Created, clockSkew), isBefore(change.At, s.Issue.Created, 0):
		return RefusedTooEarly
	case change.TypeChanged:
		return RefusedTypeChanged
	case !isProven(s):
		return RefusedHistory
	case p.isRenamed(s, change):
		return RefusedRenamed
	}
	return ""
}

// isRenamed reports whether the status may have meant something else when the
// change was made: the changelog has its name of that time and the issue that
// of now. Another name is fine where the status has been seen under the present
// one since before the change, as on a site that translates names.
func (p Policy) isRenamed(s Snapshot, change access.StatusChange) bool {
	now := s.Issue.Status
	sameNow := isSameStatus(change.To, now)
	if !sameNow {
		now = change.To // Another status of the state, or an earlier decision: only its name of that time is known.
	}
	state, _ := p.Statuses.StateOf(now)
	then := access.Status{Name: change.To.Name}
	if other, known := p.Statuses.StateOf(then); known && other != state && !p.Statuses.Has(state, then) {
		return true // where states are configured by id, or by id and name
	}
	since := s.Issue.StatusNameSince
	return sameNow && !strings.EqualFold(change.To.Name, s.Issue.Status.Name) && (since.IsZero() || !isBefore(since, change.At, clockSkew))
}

// openChanges returns the status changes, newest first, that have not been
// answered: those since the last one that was, or that the daemon made itself.
// start is that one; nil when there is none.
func openChanges(s Snapshot) (open []access.StatusChange, start *access.StatusChange) {
	for i, change := range s.Issue.Changes {
		if change.By.Same(s.Self) || change.ID == s.Record.HandledChange {
			return s.Issue.Changes[:i], &s.Issue.Changes[i]
		}
	}
	return s.Issue.Changes, nil
}

// isProven reports whether the changes that have not been answered are all
// there: each begins where the one before ended. What came before them does not
// matter, so that a new change can be relied upon again.
func isProven(s Snapshot) bool {
	open, start := openChanges(s)
	if start == nil && s.Issue.HistoryFault != "" {
		return false
	}
	chain := open
	if start != nil {
		chain = s.Issue.Changes[:len(open)+1]
	}
	for i, change := range chain {
		if change.ID == "" || change.At.IsZero() || i > 0 && !isSameStatus(chain[i-1].From, change.To) {
			return false
		}
	}
	// A change without a time stands last, wherever it belongs.
	return !slices.ContainsFunc(s.Issue.Changes[len(chain):], func(c access.StatusChange) bool {
		return c.ID == "" || c.At.IsZero() && (start == nil || isLaterID(c.ID, start.ID))
	})
}

// isSameStatus compares by id, and by name where one has none.
func isSameStatus(a, b access.Status) bool {
	if a.ID != "" && b.ID != "" {
		return a.ID == b.ID
	}
	return strings.EqualFold(a.Name, b.Name)
}

// isLaterID reports whether an id, a number, is larger than another.
func isLaterID(a, b string) bool { return len(a) > len(b) || len(a) == len(b) && a > b }

// isOtherRequests reports whether the issue says that it was made for another
// request than the one whose record names it. An issue without the property, as
// somebody may make it, says nothing.
func isOtherRequests(s Snapshot) bool {
	return s.Issue.RequestIDInvalid || namesAnother(s)
}

// namesAnother reports whether the issue names another request, whose status it
// has to show: two requests that moved one issue would never come to rest.
func namesAnother(s Snapshot) bool {
	return s.Issue != nil && s.Issue.RequestID != "" && s.Issue.RequestID != s.ID
}

// isBefore reports whether at is before when by more than skew.
func isBefore(at, when time.Time, skew time.Duration) bool { return at.Before(when.Add(-skew)) }
