package access

import "time"

// Record is what the daemon keeps of a request in Teleport's plugin data: the
// issue, and what of the request has been brought to it. It is changed by
// compare-and-swap only, so its fields have exactly the values that are stored
// and two records are compared with ==. The fields up to ResolveReason are
// shared with the existing teleport-jira plugin, which ignores the others.
type Record struct {
	IssueID       string   // issue_id
	IssueKey      string   // issue_key
	User          string   // user
	Roles         string   // roles, joined with commas
	Created       UnixTime // created
	RequestReason string   // request_reason
	ReviewsCount  int      // reviews_count: reviews already commented
	Resolution    State    // resolution: "" while nothing has been resolved on the issue
	ResolveReason string   // resolve_reason

	// Expires is when the pending request was to expire: it tells expiry from
	// removal once the request is deleted.
	Expires UnixTime // expires
	// Claim is held by the worker that is applying actions: "holder/nonce".
	// Its value changes with every renewal, so that others measure its age by
	// their own clocks, from when they first saw it.
	Claim string // claim
	// ClaimUntil is when the holder means the claim to end, for people to read.
	ClaimUntil UnixTime // claim_until
	// Ambiguous names an attempt that may have had an effect which is not noted,
	// so that the effect has to be looked for before the attempt is repeated.
	Ambiguous Attempt // unsure
	// HandledChange is the changelog id of the last status change by a person
	// that has been answered: submitted, or refused and explained.
	HandledChange string // handled_move
	// Cluster is the name of the Teleport cluster whose daemon created the issue.
	Cluster string // cluster
	// RequesterAccount is the id of the requester's Jira account, as it was looked
	// up when the issue was created: changing an address later changes nothing.
	RequesterAccount string // requester_account
	// TextConfirmed is the changelog id of the last edit of the issue's text by
	// somebody else that a comment has answered with what the request is for.
	TextConfirmed string // text_confirmed
	// Route is where an access monitoring rule sent the issue, "PROJ" or
	// "PROJ/Issue Type"; "": where the configuration does. Others may write it.
	Route string // route
	// Automatic notes what was done about decisions that no person makes.
	Automatic Automatic // automatic
	// RulesDigest names the rules by which the last decision was made or refused.
	RulesDigest string // rules_digest
	// AccessFrom and AccessUntil are from when to when an approved request gives
	// access, noted where its end is to be told.
	AccessFrom  UnixTime // access_from
	AccessUntil UnixTime // access_until
	// Ended is why the access ended, once the issue says so.
	Ended End // ended
	// LockAt is when the access is to be locked, unless it ended before.
	LockAt UnixTime // lock_at
	// LockedBy is what the request was locked for.
	LockedBy LockedBy // locked_by
	// Refusals counts the refusals on the issue since a person who may decide
	// changed its status.
	Refusals int // refusals
}

// Attempt names one attempt to act on a request; the name is new for each.
type Attempt string

// AttemptFailed stands for an attempt to create the issue that failed for
// certain, so that there is none to find. A record with neither an issue nor an
// attempt is the existing plugin's, and may have an issue that has to be found.
const AttemptFailed Attempt = "no"

// MayHaveEffect reports whether the attempt may have had an effect that is not
// noted. The zero Attempt is none.
func (a Attempt) MayHaveEffect() bool { return a != "" && a != AttemptFailed }

// IsZero reports whether there is no record.
func (r Record) IsZero() bool { return r == Record{} }

// Issue is the issue that the record names; zero when none.
func (r Record) Issue() IssueRef { return IssueRef{ID: r.IssueID, Key: r.IssueKey} }

// UnixTime is a moment in whole seconds since 1970, as records store it; 0 means
// that none is known.
type UnixTime int64

// UnixTimeOf returns t in whole seconds; 0 for the zero time and for times
// before 1970, which records cannot store.
func UnixTimeOf(t time.Time) UnixTime { return UnixTime(max(0, t.Unix())) }

// Time returns the moment in UTC; the zero time when none is known.
func (u UnixTime) Time() time.Time {
	if u == 0 {
		return time.Time{}
	}
	return time.Unix(int64(u), 0).UTC()
}
