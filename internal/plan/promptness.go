package plan

import (
	"slices"
	"strings"
	"time"

	"teleport-jira/internal/access"
)

// The refusals of status changes that need more than somebody who may decide.
const (
	RefusedTooOld   Refusal = "too_old"
	RefusedNoReason Refusal = "no_reason"
)

// ReasonLead is how long before a status change its reason may have been written.
// One that is older was given for something else.
const ReasonLead = 10 * time.Minute

// authorizePromptness returns why a status change by somebody who may decide does
// not count as it stands: it is older than the operator allows, or nobody has
// said why. A decision that Teleport has already is not asked about again.
func (p Policy) authorizePromptness(s Snapshot, change access.StatusChange) Refusal {
	switch {
	case p.Review.MaxDecisionAge > 0 && isBefore(change.At, s.Now.Add(-p.Review.MaxDecisionAge), clockSkew):
		return RefusedTooOld
	case p.Review.RequireReason && !hasReason(s.Issue.Comments, change):
		return RefusedNoReason
	}
	return ""
}

// hasReason reports whether the author of the change gave a reason for it, after
// it or at most ReasonLead before.
func hasReason(comments []access.Comment, change access.StatusChange) bool {
	from := slices.IndexFunc(comments, func(c access.Comment) bool { return !isBefore(c.Created, change.At, ReasonLead) })
	return from >= 0 && Reason(comments[from:], change.By) != ""
}

// RefusesWithoutReason returns the status change that the steps refuse for want
// of a reason. Its author may be typing one, so that it takes a second look,
// later, to be sure.
func RefusesWithoutReason(steps []Step) (changeID string, ok bool) {
	return refusedFor(steps, RefusedNoReason)
}

// refusedFor returns the status change that the steps refuse for the reason.
func refusedFor(steps []Step, why Refusal) (changeID string, ok bool) {
	for _, step := range steps {
		if refuse, isRefusal := step.Do.(Refuse); isRefusal && refuse.Why == why {
			return refuse.Decision.ChangeID, true
		}
	}
	return "", false
}

// duration is a length of time as people read it, such as 24h and not 24h0m0s.
func duration(d time.Duration) string {
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return text
}
