package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"teleport-jira/internal/access"
)

// Lock ends an approved request's access at once. Decision says who asked for it;
// it is zero where nobody did.
type Lock struct {
	Lock     access.Lock
	By       access.LockedBy
	Decision access.Decision
}

const (
	// minLock is how long a lock is in force at least: Teleport takes one whose time
	// has passed and does nothing, and clocks differ.
	minLock = 10 * time.Minute
	// lockRetry is after how long a lock that Teleport refused is tried again.
	lockRetry = time.Hour
	// maxLockMessage bounds the message, in bytes.
	maxLockMessage = 1000
)

// unlockedKey is the dedup key of the comment that says that an access goes on which
// was to be locked.
const unlockedKey = "access/not-locked"

// lockedKey is the dedup key of the comment about a lock after the request was
// deleted or denied.
const lockedKey = "access/locked"

// AsksToRevoke reports whether the issue's status asks to end the access of an
// approved request.
func (p Policy) AsksToRevoke(s Snapshot) bool {
	return s.Request != nil && s.Request.State == access.Approved && s.Issue != nil &&
		s.Record.Ended == "" && s.Record.LockedBy == "" && p.Statuses.Has(access.Revoked, s.Issue.Status)
}

// changeShown returns the issue's last status change, or what stands for one that
// its history does not show.
func changeShown(i *access.Issue) access.StatusChange {
	if i.LastChange != nil {
		return *i.LastChange
	}
	return access.StatusChange{ID: unshownPrefix + i.Status.ID, To: i.Status, Project: i.Project}
}

// planRevocation plans the lock that somebody asks for, or its refusal. It returns
// false where nobody asks.
func (p Policy) planRevocation(s Snapshot, b *builder) bool {
	if s.Record.Resolution != access.Approved || !p.AsksToRevoke(s) {
		return false
	}
	change := changeShown(s.Issue)
	why := p.authorizeRevocation(s, change)
	switch {
	case change.ID == s.Record.HandledChange:
		if !isLeft(s) {
			b.add(p.transition(access.Approved), nil)
		}
	case why != "":
		if p.answer(s, b, p.refusal(s, why, change), change, nil) && p.mayDecideIn(s, s.Issue.Project) {
			b.add(p.transition(access.Approved), nil)
		}
	default:
		d := p.decision(s, access.Revoked, change)
		text := fmt.Sprintf("%s ended the access of request %s by moving %s in Jira", change.By.Account(), s.ID, s.Issue.Ref.Key)
		p.planLock(s, b, Lock{By: access.LockedByChange(change.ID), Decision: d, Lock: access.Lock{Message: text}})
	}
	return true
}

// planLock plans a lock on the request, from which the end of its access follows.
// The lock's message and By are the caller's. Whoever plans it has to have settled
// that the access is to end.
func (p Policy) planLock(s Snapshot, b *builder, do Lock) {
	do.Lock.RequestID = s.ID
	do.Lock.Message = access.CutLine(do.Lock.Message, maxLockMessage)
	do.Lock.Expires = s.Now.Add(minLock)
	if until := lockUntil(s); until.After(do.Lock.Expires) {
		do.Lock.Expires = until
	}
	b.add(do, func(r *access.Record) {
		r.LockedBy = do.By
		if do.Decision.ChangeID != "" {
			r.HandledChange = do.Decision.ChangeID
			r.Refusals = 0
		}
	})
}

// lockUntil is when the certificates of the request are over for certain.
func lockUntil(s Snapshot) time.Time {
	until := endTime(s.Record.AccessUntil)
	if s.Request != nil && s.Request.AccessExpires.After(until) {
		until = s.Request.AccessExpires
	}
	return until.Add(clockSkew)
}

// authorizeRevocation returns why somebody may not end the access; "" when they
// may. Besides those who may decide the request these are the requester and
// whoever approved it in Teleport: ending one's own access harms nobody.
func (p Policy) authorizeRevocation(s Snapshot, change access.StatusChange) Refusal {
	who := change.By
	if who.Same(s.Self) {
		return RefusedOwnAccount
	}
	why := cmp.Or(p.authorizeWhere(s, change), p.authorizeHistory(s, change), p.authorizeAccount(s, who))
	if why != "" || p.isRequester(s, who) || p.approvedIt(s, who) {
		return why
	}
	return p.authorizeApprover(s, who)
}

// authorizeWhere checks where the status was changed.
func (p Policy) authorizeWhere(s Snapshot, change access.StatusChange) Refusal {
	if !p.mayDecideIn(s, s.Issue.Project) || !p.mayDecideIn(s, change.Project) {
		return RefusedOtherProject
	}
	return ""
}

// approvedIt reports whether the account is that of a Teleport user who approved
// the request.
func (p Policy) approvedIt(s Snapshot, who access.Actor) bool {
	user := p.TeleportUser(who, s.Person)
	return user != "" && !p.isAmbiguous(who, s.Person) && slices.ContainsFunc(s.Request.Reviews, func(r access.Review) bool {
		return r.State == access.Approved && r.Author == user && user != s.Reviewer
	})
}

// lockAt returns when the access that the daemon granted is to be locked; 0 where
// it is not, or ends before.
func (p Policy) lockAt(s Snapshot, from, until access.UnixTime) access.UnixTime {
	of, settled := SettlementOf(s)
	if p.Access.MaxDuration <= 0 || !settled || of.Way == WayTeleport {
		return 0
	}
	at := access.UnixTimeOf(from.Time().Add(p.Access.MaxDuration))
	if at >= until {
		return 0
	}
	return at
}

// locksAt returns when the access is to be locked; 0 when it is not. That the
// request is deleted or denied since changes nothing: its certificates stay good.
func (p Policy) locksAt(s Snapshot) access.UnixTime {
	if p.Access.MaxDuration <= 0 || s.Record.LockedBy != "" || s.Record.LockAt >= s.Record.AccessUntil || s.Record.Ended == access.EndExpired {
		return 0
	}
	return s.Record.LockAt
}

// lockDue reports whether the access has lasted as long as it may.
func (p Policy) lockDue(s Snapshot) bool {
	at := p.locksAt(s)
	return at != 0 && !s.Now.Before(at.Time()) && s.Now.Before(endTime(s.Record.AccessUntil))
}

func (p Policy) planMaxDuration(s Snapshot, b *builder) {
	p.planLock(s, b, Lock{By: access.LockedBy(access.LockMaxDuration), Lock: access.Lock{
		Message: fmt.Sprintf("access of request %s, granted through Jira (%s), lasted the longest that it may, %s",
			s.ID, s.Record.IssueKey, duration(p.Access.MaxDuration)),
	}})
	if p.followsAccess(s) {
		return // The end is told next.
	}
	s.Record.LockedBy = b.record.LockedBy
	b.add(Comment{access.CommentDraft{DedupKey: lockedKey, Text: p.lockText(s) + "\n" + subject(s)}}, nil)
}

// AfterLock returns what follows where Teleport refused a lock: whoever moved the
// issue is told why, and it goes back. A lock that nobody asked for is said once and
// tried again later.
func (p Policy) AfterLock(s Snapshot, do Lock, detail string) []Step {
	b := newBuilder(s)
	if do.Decision.ChangeID != "" {
		change := changeOf(s, do.Decision)
		refuse := p.refusal(s, RefusedByTeleport, change)
		refuse.Comment = p.refusalComment(s, RefusedByTeleport, change, detail)
		if p.answer(s, b, refuse, change, nil) {
			b.add(p.transition(access.Approved), nil)
		}
		return b.steps
	}
	later := func(r *access.Record) { r.LockAt = access.UnixTimeOf(s.Now.Add(lockRetry)) }
	if s.Record.LockAt.Time().After(s.Record.AccessFrom.Time().Add(p.Access.MaxDuration)) {
		b.add(SaveRecord{}, later)
		return b.steps
	}
	text := fmt.Sprintf("The access of this request has lasted %s and was to be ended by a lock, but Teleport did not accept it, "+
		"so that the access goes on.%s\n%s\n%s", duration(p.Access.MaxDuration), howToEnd(s.ID), subject(s), detail)
	b.add(Comment{access.CommentDraft{DedupKey: unlockedKey, Text: text}}, later)
	return b.steps
}

// lockText says on the issue why its request is locked, and what that means.
func (p Policy) lockText(s Snapshot) string {
	text := "It was ended by a lock."
	switch cause, detail := s.Record.LockedBy.Cause(); cause {
	case access.LockMaxDuration:
		text = fmt.Sprintf("It had lasted %s, the longest that access granted through Jira may.", duration(p.Access.MaxDuration))
	case access.LockRevoked:
		text = "Somebody who may moved this issue."
		if s.Issue != nil {
			for _, change := range s.Issue.Changes {
				if change.ID == detail {
					text = change.By.String() + " moved this issue to " + change.To.Name + "."
				}
			}
		}
	}
	return text + " A lock on the request is in force in Teleport: it ends what is open and refuses every certificate that carries " +
		"this request, the other requests in it too."
}

// revokeText is a refusal's text about a move that was to end the access.
func revokeText(id access.RequestID, text string) string {
	text = strings.TrimSuffix(text, decideText)
	return text + " The requester, whoever approved the request, and those who may decide it can end its access, here or in Teleport." + howToEnd(id)
}
