package plan

import (
	"time"

	"teleport-jira/internal/access"
)

// The refusals of status changes that the issue's history does not prove.
const (
	RefusedTooEarly     Refusal = "before_request"
	RefusedOtherRequest Refusal = "other_request"
)

// historyRefusals returns the refusals of this file.
func historyRefusals() []Refusal { return []Refusal{RefusedTooEarly, RefusedOtherRequest} }

// historyText returns what was wrong and what would work; "" for a refusal of
// another file.
func historyText(why Refusal) string {
	switch why {
	case RefusedTooEarly:
		return "it was moved before this request was made. Somebody who may decide it can move the issue back and once more."
	case RefusedOtherRequest:
		return "the issue's property teleportAccessRequestId does not name the request that this issue was made for. " +
			"Somebody changed it, or Jira was restored from a backup. The request can be reviewed in Teleport."
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
	}
	return ""
}

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
