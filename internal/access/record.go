package access

import (
	"slices"
	"time"
)

// Record is what the daemon keeps of a request in Teleport's plugin data: the
// issue, and what of the request has been brought to it. It is changed by
// compare-and-swap only. The fields up to ResolveReason are shared with the
// existing teleport-jira plugin, which ignores the others.
type Record struct {
	IssueID       string // issue_id
	IssueKey      string // issue_key
	User          string // user
	Roles         []string
	Created       time.Time // whole seconds
	RequestReason string
	ReviewsCount  int   // reviews already commented
	Resolution    State // "" while nothing has been resolved on the issue
	ResolveReason string

	// Expires is when the pending request was to vanish: it tells expiry from
	// removal when the request is gone.
	Expires time.Time // expires, whole seconds
	// Claim is held by the worker that is applying actions: "holder/nonce".
	// Its value changes with every renewal, so that others measure its age by
	// their own clocks, from when they first saw it.
	Claim string // claim
	// ClaimUntil is when the holder means the claim to end, for people to read.
	ClaimUntil time.Time // claim_until, whole seconds
	// Unsure names an attempt that may have had an effect which is not noted, so
	// that it has to be looked for before it is repeated. It is unique per
	// attempt; AttemptFailed says that there certainly is none to look for.
	Ambiguous string // unsure
	// HandledMove is the changelog id of the last move by a person that has
	// been answered: submitted, or refused and explained.
	HandledChange string // handled_move
}

// AttemptFailed is the Unsure of a record whose create failed for certain. A
// record without an issue and without it may have one that has to be found.
const AttemptFailed = "no"

// IsZero tells whether there is no record.
func (r Record) IsZero() bool {
	return r.IssueID == "" && r.IssueKey == "" && r.User == "" && len(r.Roles) == 0 && r.Created.IsZero() &&
		r.RequestReason == "" && r.ReviewsCount == 0 && r.Resolution == "" && r.ResolveReason == "" &&
		r.Expires.IsZero() && r.Claim == "" && r.ClaimUntil.IsZero() && r.Ambiguous == "" && r.HandledChange == ""
}

// Issue is the issue that the record names; zero when none.
func (r Record) Issue() IssueRef { return IssueRef{ID: r.IssueID, Key: r.IssueKey} }

// Equal tells whether both records say the same.
func (r Record) Equal(o Record) bool {
	return r.IssueID == o.IssueID && r.IssueKey == o.IssueKey && r.User == o.User && slices.Equal(r.Roles, o.Roles) &&
		sameSecond(r.Created, o.Created) && r.RequestReason == o.RequestReason && r.ReviewsCount == o.ReviewsCount &&
		r.Resolution == o.Resolution && r.ResolveReason == o.ResolveReason && sameSecond(r.Expires, o.Expires) &&
		r.Claim == o.Claim && sameSecond(r.ClaimUntil, o.ClaimUntil) && r.Ambiguous == o.Ambiguous && r.HandledChange == o.HandledChange
}

// sameSecond compares times as they are stored.
func sameSecond(a, b time.Time) bool {
	return a.IsZero() == b.IsZero() && (a.IsZero() || a.Unix() == b.Unix())
}
