package plan

import (
	"strings"
	"time"

	"teleport-jira/internal/access"
)

// Way is how a request was decided.
type Way string

// The ways to a decision.
const (
	WayJira     Way = "jira"     // somebody moved the issue
	WayTeleport Way = "teleport" // a review, or a state, in Teleport
	WayRule     Way = "rule"     // an access monitoring rule that names the daemon
)

// Ways lists the ways to a decision.
func Ways() []Way { return []Way{WayJira, WayTeleport, WayRule} }

// Settlement is how a request was decided, and when.
type Settlement struct {
	Result access.State // Approved, Denied or Promoted
	Way    Way
	At     time.Time
}

// SettlementOf returns how the request of a snapshot was decided; ok is false where
// it is pending, or is deleted: nobody decided a request that expired. Where no
// review says when, it is when the snapshot was taken.
func SettlementOf(s Snapshot) (of Settlement, ok bool) {
	if s.Request == nil || !s.Request.State.Settled() || s.Request.State == access.Expired {
		return Settlement{}, false
	}
	of = Settlement{Result: s.Request.State, Way: WayTeleport, At: s.Now}
	reason := s.Request.ResolveReason
	for _, r := range s.Request.Reviews {
		if r.State == s.Request.State {
			reason = r.Reason
			if !r.Created.IsZero() {
				of.At = r.Created
			}
		}
	}
	if _, _, byMove := access.SplitReason(reason, s.Record.IssueID); byMove {
		of.Way = WayJira
		if byRule := (access.Decision{Issue: s.Record.Issue(), ChangeID: string(SourceRule)}); strings.HasSuffix(reason, byRule.Token()) {
			of.Way = WayRule
		}
	}
	return of, true
}
