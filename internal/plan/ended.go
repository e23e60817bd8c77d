package plan

import (
	"fmt"
	"time"

	"teleport-jira/internal/access"
)

// AccessRules are what is done about the access that approved requests give.
type AccessRules struct {
	// Track: the issue says when and why the access ended.
	Track bool
	// MaxDuration is how long access lasts that the daemon granted; 0: as long as
	// Teleport says.
	MaxDuration time.Duration
}

// EndAccess says on the issue that the access has ended, and why.
type EndAccess struct {
	Cause   access.End
	Comment access.CommentDraft
}

// EndKey is the dedup key of the comment about the end of the access.
const EndKey = "access/ended"

// timeLayout is a moment on an issue: UTC, to the minute.
const timeLayout = "2006-01-02 15:04"

// setAccess notes from when to when an approved request gives access.
func (p Policy) setAccess(s Snapshot, state access.State, r *access.Record) {
	if !p.Access.Track || state != access.Approved || s.Request == nil || s.Request.State != access.Approved {
		return
	}
	until := access.UnixTimeOf(s.Request.AccessExpires)
	if until == 0 || r.AccessUntil == until {
		return
	}
	from := p.accessFrom(s)
	r.AccessFrom, r.AccessUntil, r.LockAt = from, until, p.lockAt(s, from, until)
}

// noteAccess notes it of a request whose approval the issue shows already.
func (p Policy) noteAccess(s Snapshot, b *builder) {
	noted := b.record
	if p.setAccess(s, b.record.Resolution, &noted); noted != b.record {
		b.add(SaveRecord{}, func(r *access.Record) {
			r.AccessFrom, r.AccessUntil, r.LockAt = noted.AccessFrom, noted.AccessUntil, noted.LockAt
		})
	}
}

// accessFrom returns when the access began: with the review that approved the
// request, or where its state was set with the move that asked for it, or at the
// latest now; but not before its start time. Teleport keeps no time of an approval
// without a review.
func (p Policy) accessFrom(s Snapshot) access.UnixTime {
	from := s.Now
	for _, review := range s.Request.Reviews {
		if review.State == access.Approved && !review.Created.IsZero() {
			from = review.Created
		}
	}
	if i := s.Issue; len(s.Request.Reviews) == 0 && i != nil && i.LastChange != nil && p.Statuses.Has(access.Approved, i.Status) && !i.LastChange.At.IsZero() {
		from = i.LastChange.At
	}
	if s.Request.AssumeStart.After(from) {
		from = s.Request.AssumeStart
	}
	return access.UnixTimeOf(from)
}

// endOf returns why the access has ended; "" while it has not, or where nobody
// noted until when it was to be. That a request is gone does not say why: the time
// does. Clocks may differ, so that one that is gone shortly before its time has
// expired.
func endOf(s Snapshot, until access.UnixTime) access.End {
	switch {
	case s.Record.LockedBy != "":
		return access.EndRevoked
	case until == 0:
		return ""
	case !s.Now.Before(endTime(until)):
		return access.EndExpired
	case s.Request != nil:
		return ""
	case s.Now.Add(clockSkew).Before(until.Time()):
		return access.EndDeleted
	}
	return access.EndExpired
}

// endTime is when an access that lasts until the second has ended for certain.
func endTime(until access.UnixTime) time.Time { return until.Time().Add(time.Second) }

// isOver reports whether the access has ended and the issue does not say so yet.
func (p Policy) isOver(s Snapshot) bool {
	return p.followsAccess(s) && endOf(s, s.Record.AccessUntil) != ""
}

// followsAccess reports whether the issue shows the request as approved and is to
// say when its access ends.
func (p Policy) followsAccess(s Snapshot) bool {
	approved := s.Request == nil || s.Request.State == access.Approved
	return p.Access.Track && approved && s.Record.Resolution == access.Approved && s.Record.Ended == "" && !s.IssueMissing
}

// NextLook returns when there may be something to do of itself, without an event
// of either side; the zero time when there won't.
func (p Policy) NextLook(s Snapshot) time.Time {
	if at := p.locksAt(s); at != 0 && !s.IssueMissing {
		return at.Time()
	}
	if !p.followsAccess(s) || s.Record.AccessUntil == 0 {
		return time.Time{}
	}
	return endTime(s.Record.AccessUntil)
}

// shownState returns the state that the issue has to show.
func (p Policy) shownState(s Snapshot) access.State {
	if cause, _ := s.Record.LockedBy.Cause(); s.Record.Ended != "" && cause == access.LockRevoked {
		return access.Revoked
	}
	if s.Record.Ended != "" && len(p.Statuses[access.Ended]) > 0 {
		return access.Ended
	}
	return s.wantState()
}

// planEnd brings the issue to where the end of its request's access belongs, and
// says once that it has ended.
func (p Policy) planEnd(s Snapshot, b *builder) {
	if s.Record.Ended == "" {
		cause := endOf(s, s.Record.AccessUntil)
		s.Record.Ended = cause
		if s.Issue == nil || !p.Statuses.Has(p.shownState(s), s.Issue.Status) {
			p.move(b, p.shownState(s))
		}
		b.add(EndAccess{Cause: cause, Comment: p.endComment(s, periodOf(s.Record))}, func(r *access.Record) { r.Ended = cause })
		return
	}
	to := p.shownState(s)
	if s.Issue == nil || p.Statuses.Has(to, s.Issue.Status) {
		return
	}
	back := !isLeft(s)
	if change := p.lateChange(s, to, true); change != nil {
		back = p.answer(s, b, p.refusal(s, RefusedSettled, *change), *change, nil)
	}
	if back && p.isMapped(s.Issue.Status) {
		p.move(b, to)
	}
}

// planOrphanEnd does the same for an issue that is all that is left of its
// request, by what the daemon's own comments say of the access.
func (p Policy) planOrphanEnd(s Snapshot, b *builder) {
	period := s.Access
	if s.Reported != access.Approved || period.Until == 0 {
		return
	}
	if period.End == "" {
		if period.End = endOf(s, period.Until); period.End == "" {
			return
		}
		b.add(EndAccess{Cause: period.End, Comment: p.endComment(s, period)}, nil)
	}
	p.move(b, access.Ended)
}

func periodOf(r access.Record) access.Period {
	return access.Period{From: r.AccessFrom, Until: r.AccessUntil, End: r.Ended}
}

// resolution is the comment about how the request was settled. Where the access
// is followed it carries the time of it, so that the issue alone tells.
func (p Policy) resolution(s Snapshot, state access.State) access.CommentDraft {
	draft := resolutionComment(s, state)
	rec := s.Record
	p.setAccess(s, state, &rec)
	switch until := rec.AccessUntil; {
	case state == access.Approved:
		draft.Access = periodOf(rec)
	case state == access.Denied && until != 0 && s.Now.Before(until.Time()):
		draft.Text += "\n" + staysText(until) + howToEnd(s.ID)
	}
	return draft
}

func (p Policy) endComment(s Snapshot, period access.Period) access.CommentDraft {
	end := min(access.UnixTimeOf(s.Now), period.Until)
	if period.End == access.EndExpired {
		end = period.Until
	}
	text := fmt.Sprintf("The access of this request has ended: from %s to %s UTC, %s.\n",
		period.From.Time().Format(timeLayout), end.Time().Format(timeLayout), lasted(period.From, end))
	switch period.End {
	case access.EndDeleted:
		text += "The request was deleted in Teleport before its time. " + staysText(period.Until) + howToEnd(s.ID)
	case access.EndRevoked:
		text += p.lockText(s)
	default:
		text += "Its time was over. " + openText
	}
	if s.Request != nil || s.Record.User != "" {
		text += "\n" + subject(s)
	}
	return access.CommentDraft{DedupKey: EndKey, Text: text, Access: period}
}

// openText says what the end of an access does not end.
const openText = "What was open then goes on, unless the cluster disconnects sessions whose certificates have expired."

func staysText(until access.UnixTime) string {
	return fmt.Sprintf("Certificates that were issued for it stay good until %s UTC.", until.Time().Format(timeLayout))
}

func howToEnd(id access.RequestID) string {
	return fmt.Sprintf(" A lock ends them at once: tctl lock --access-request=%s", id)
}

// lasted is how long an access was, to the minute where it was longer.
func lasted(from, to access.UnixTime) string {
	d := max(0, to.Time().Sub(from.Time()))
	if d >= time.Minute {
		d = d.Round(time.Minute)
	}
	return duration(d)
}
