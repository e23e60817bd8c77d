package plan

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"teleport-jira/internal/access"
)

// clockSkew is how far the cluster's clock may be ahead of ours before an
// expiry is taken for a removal. Clocks may be minutes apart.
const clockSkew = 2 * time.Minute

func reviewComment(s Snapshot, i int, r access.Review) access.CommentDraft {
	by, reason := reviewed(s, r)
	var b strings.Builder
	fmt.Fprintf(&b, "%s reviewed this request", by)
	if !r.Created.IsZero() {
		fmt.Fprintf(&b, " at %s", r.Created.UTC().Format(time.RFC1123))
	}
	fmt.Fprintf(&b, ".\nResolution: %s.\n%s%s", r.State, subject(s), reasonText(reason))
	return access.CommentDraft{DedupKey: reviewKey(i), Text: b.String()}
}

// reviewed returns who made a review and why. Of a move of this issue it is the
// person who made it, and what they gave as reason: the rest is for Teleport.
// Anybody may type such a reason, so that only the daemon's own reviews are taken
// to be by somebody else.
func reviewed(s Snapshot, r access.Review) (by, reason string) {
	by = access.CleanLine(r.Author)
	given, person, ok := access.SplitReason(r.Reason, s.Record.IssueID)
	switch {
	case !ok:
		return by, r.Reason
	case s.Reviewer != "" && r.Author == s.Reviewer:
		return person, given
	}
	return by, given
}

// settledBy returns who settled the request and why, as far as that is known. by
// is "" where no review that nobody has been told of did.
func settledBy(s Snapshot, state access.State) (by, reason string) {
	if s.Request == nil {
		return "", ""
	}
	reason = s.Request.ResolveReason
	if given, person, ok := access.SplitReason(reason, s.Record.IssueID); ok {
		reason = cmp.Or(given, "by "+person)
	}
	last := settlingReview(s, state)
	switch {
	case s.Decided != nil && (len(s.Request.Reviews) == 0 || last >= 0 && strings.HasSuffix(s.Request.Reviews[last].Reason, s.Decided.Token())):
		return access.CleanLine(s.Decided.By.String()), s.Decided.Reason
	case last >= 0:
		return reviewed(s, s.Request.Reviews[last])
	}
	return "", reason
}

// settlingReview returns which review settled the request, where nobody has been
// told of it yet; -1 when none did.
func settlingReview(s Snapshot, state access.State) int {
	if s.Request == nil {
		return -1
	}
	last := len(s.Request.Reviews) - 1
	if last < s.Record.ReviewsCount || last < 0 || s.Request.Reviews[last].State != state {
		return -1
	}
	return last
}

// reasonText is the last line of a comment: what a person gave as reason. It is
// one line, so that nothing of it can pass for the daemon's.
func reasonText(reason string) string {
	if reason = access.CleanLine(reason); reason == "" {
		return ""
	}
	return "\nReason: " + reason
}

// subjectShare is each list's share of the line that says what was decided, in
// bytes.
const subjectShare = 1000

// subject says in one line what a comment is about: user, roles and number of
// resources of the request.
func subject(s Snapshot) string {
	user, roles, resources := s.Record.User, strings.Split(s.Record.Roles, ","), 0
	if s.Request != nil {
		user, roles, resources = s.Request.User, s.Request.Roles, len(s.Request.Resources)
	}
	text := "Request: " + access.CleanLine(user) + ", roles " + access.List(roles, subjectShare)
	switch resources {
	case 0:
		return text + "."
	case 1:
		return text + ", 1 resource."
	}
	return fmt.Sprintf("%s, %d resources.", text, resources)
}

func resolutionComment(s Snapshot, state access.State) access.CommentDraft {
	by, reason := settledBy(s, state)
	var b strings.Builder
	switch {
	case s.Request == nil && state == access.Expired && deletedEarly(s):
		b.WriteString("This Access Request was removed in Teleport before it expired. It can no longer be decided.")
	case state == access.Expired:
		b.WriteString("This Access Request has expired. It can no longer be decided.")
	case state == access.Promoted && s.Request.PromotedTo != "":
		fmt.Fprintf(&b, "This Access Request has been promoted to the access list %s.", s.Request.PromotedTo)
	case by != "":
		fmt.Fprintf(&b, "This Access Request has been %s by %s.", state, by)
	default:
		fmt.Fprintf(&b, "This Access Request has been %s.", state)
	}
	b.WriteString("\n" + subject(s) + reasonText(reason))
	return access.CommentDraft{DedupKey: ResolutionKey(state), Text: b.String()}
}

// ResolutionKey is the dedup key of the comment about how a request was settled.
func ResolutionKey(state access.State) string { return resolutionPrefix + string(state) }

// deletedEarly reports whether a request was deleted before it expired. A record
// of the existing plugin does not know the time and counts as expired.
func deletedEarly(s Snapshot) bool {
	return s.Record.Expires != 0 && s.Now.Add(clockSkew).Before(s.Record.Expires.Time())
}

func progressComment(s Snapshot, d access.Decision) access.CommentDraft {
	given, needed := 0, 0
	for _, r := range s.Request.Reviews {
		if r.State == d.State {
			given++
		}
	}
	if len(s.Request.Thresholds) == 1 {
		needed = s.Request.Thresholds[0].Approve
		if d.State == access.Denied {
			needed = s.Request.Thresholds[0].Deny
		}
	}
	one, several := "approval", "approvals"
	if d.State == access.Denied {
		one, several = "denial", "denials"
	}
	text := fmt.Sprintf("The review of %s was submitted: %d %s so far, more are needed.", d.By, given, several)
	switch {
	case needed > given:
		text = fmt.Sprintf("The review of %s was submitted: %d of %d %s.", d.By, given, needed, several)
	case given == 1:
		text = fmt.Sprintf("The review of %s was submitted: one %s so far, more are needed.", d.By, one)
	}
	return access.CommentDraft{DedupKey: changeKey(d.ChangeID), Text: text + " The request stays pending until there are enough.\n" + subject(s) + reasonText(d.Reason)}
}

// changeKey is the dedup key of the comment that answers a status change.
func changeKey(id string) string { return answerPrefix + id }

func (p Policy) refusalComment(s Snapshot, why Refusal, change access.StatusChange, detail string) access.CommentDraft {
	who := change.By.String()
	if change.By.ID == "" {
		who = "Somebody"
	}
	said, text := "decided nothing", p.refusalText(s, why, change)
	if p.AsksToRevoke(s) {
		said, text = "ended no access", revokeText(s.ID, text)
	}
	text = fmt.Sprintf("%s moved this issue to %s, but this %s: %s", who, change.To.Name, said, text)
	if why != RefusedText { // which says more
		text += "\n" + subject(s)
	}
	if detail != "" {
		text += "\n" + detail
	}
	return access.CommentDraft{DedupKey: changeKey(change.ID), Text: text}
}

// decideText says who can decide a request after all.
const decideText = " Somebody who may decide it can move the issue, or review the request in Teleport."

// refusalText returns what was wrong and what would work.
func (p Policy) refusalText(s Snapshot, why Refusal, change access.StatusChange) string { //nolint:gocyclo // one case a refusal
	const other = decideText
	switch why {
	case RefusedOtherProject:
		return p.otherProjectText(s)
	case RefusedLongTerm:
		return "a long-term request can be approved in Teleport only, by promoting it to an access list. Moving the issue can deny it."
	case RefusedNoAuthor:
		return "Jira's history does not show who moved the issue. Move it back and once more, or review the request in Teleport."
	case RefusedApp:
		return "app and automation accounts may not decide, unless they are configured as approvers." + other
	case RefusedCustomer:
		return "customer accounts may not decide." + other
	case RefusedInactive:
		return "the account is not active." + other
	case RefusedRequester:
		return "nobody may decide their own request." + other
	case RefusedUnclear:
		return "it could not be found out whether the account is the requester's, who may not decide: " +
			p.unclear(s, change.By) + ". An administrator can say under [review.users] whose it is." + other
	case RefusedGroupsUnclear:
		return "it could not be found out whether the account is in one of the approver groups: " +
			s.Person.GroupsUnclear + "." + other
	case RefusedNotApprover:
		return "the account is not one of the configured approvers." + other
	case RefusedNotSuggested:
		return suggestedText(s.Request.SuggestedReviewers)
	case RefusedDenied:
		return "the account is one of those that may not decide." + other
	case RefusedAmbiguous:
		return "no Teleport user is known for this account alone: it belongs to several. An administrator can name one under " +
			"[review.users], by the account's id." + other
	case RefusedUnmapped:
		return "no Teleport user is known for this account. An administrator can add one under [review.users] " +
			"or [review.identity], or the request can be reviewed in Teleport."
	case RefusedNoDecision:
		return "this status cannot be asked for, only approved and denied can. The request is still pending."
	case RefusedSettled:
		return settledText(s)
	case RefusedReviewed:
		return "Teleport has a review by this reviewer already. Somebody else has to decide, in Teleport if need be."
	case RefusedText:
		return textRefusal(s)
	case RefusedTooOld:
		return "it was moved more than " + duration(p.Review.MaxDecisionAge) + " before it could be decided. " +
			"Somebody who may decide it can move the issue once more."
	case RefusedNoReason:
		return `no reason was given. Write a comment that begins with "reason:" and says why, and move the issue once more within ` +
			duration(ReasonLead) + "."
	case RefusedByTeleport:
		return "Teleport did not accept the decision. The request can be decided in Teleport by somebody who may."
	}
	return cmp.Or(historyText(why), string(why)+".")
}

// otherProjectText is about a decision in another project, also where the issue
// has been moved back since.
func (p Policy) otherProjectText(s Snapshot) string {
	if p.mayDecideIn(s, s.Issue.Project) {
		return "it was moved while the issue was in another project, or by changing its project or workflow, which other people may do. " +
			"Somebody who may decide it can move the issue now, or review the request in Teleport."
	}
	return fmt.Sprintf("the project %s is not the one in which this request may be decided, %s. "+
		"Move the issue there, or review the request in Teleport.", s.Issue.Project, p.decidingProject(s))
}

func suggestedText(reviewers []string) string {
	if len(reviewers) == 0 {
		return "only suggested reviewers may decide, and the request suggests none. It can be reviewed in Teleport."
	}
	return "only the suggested reviewers may decide: " + strings.Join(reviewers, ", ") + "."
}

// settledText is about a request that is settled; its state is pending where it
// is not known yet how.
func settledText(s Snapshot) string {
	state := s.wantState()
	if s.Record.LockedBy != "" {
		return "the access of this request was ended by a lock, and moving the issue does not lift it. A new request is needed."
	}
	if s.Record.Ended == access.EndDeleted && s.Now.Before(s.Record.AccessUntil.Time()) {
		return "the request is deleted. " + staysText(s.Record.AccessUntil) + howToEnd(s.ID)
	}
	if s.Record.Ended != "" {
		return "the access of this request has ended. A new request is needed."
	}
	if !state.Settled() {
		return "the request was settled at the same moment, or it is gone. It cannot be decided again."
	}
	text := fmt.Sprintf("the request is already %s and cannot be decided again.", state)
	if until := s.Record.AccessUntil; state != access.Approved && s.Now.Before(until.Time()) {
		text += " " + staysText(until) + howToEnd(s.ID)
	}
	return text
}
