package access

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// RequestID names an Access Request. Teleport uses UUIDs; the daemon accepts
// any id that is safe in a label, a JQL string and a URL.
type RequestID string

// LabelPrefix precedes a request id in the label that makes an issue findable.
const LabelPrefix = "teleport-"

var requestIDPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$`)

// ParseRequestID returns s as a RequestID. It fails on anything that could
// mean more than itself where ids are put into paths, labels or queries.
func ParseRequestID(s string) (RequestID, error) {
	if !requestIDPattern.MatchString(s) {
		return "", fmt.Errorf("not a request id: %.60q", s)
	}
	return RequestID(s), nil
}

// Label is the Jira label of the request's issue.
func (id RequestID) Label() string { return LabelPrefix + string(id) }

// RequestIDFromLabels returns the request id that the labels name; "" when they
// name none, or more than one. Labels are untrusted: the id is a candidate and
// proves nothing.
func RequestIDFromLabels(labels []string) RequestID {
	var found RequestID
	for _, label := range labels {
		id := requestIDOfLabel(label)
		if id == "" || id == found {
			continue
		}
		if found != "" {
			return ""
		}
		found = id
	}
	return found
}

// HasRequestLabel reports whether a label names a request.
func HasRequestLabel(labels []string) bool {
	return slices.ContainsFunc(labels, func(label string) bool { return requestIDOfLabel(label) != "" })
}

// requestIDOfLabel returns the request id that a label names; "" when it names
// none.
func requestIDOfLabel(label string) RequestID {
	rest, ok := strings.CutPrefix(label, LabelPrefix)
	if !ok {
		return ""
	}
	id, err := ParseRequestID(rest)
	if err != nil {
		return ""
	}
	return id
}

// State is the state of a request, and what an issue has been brought to.
type State string

// The states of a request. Teleport knows the first four; Expired stands for a
// request that was deleted, whether it expired or somebody removed it.
const (
	Pending  State = "pending"
	Approved State = "approved"
	Denied   State = "denied"
	Promoted State = "promoted"
	Expired  State = "expired"
	// Ended stands for an approved request whose access has ended. It is no state of
	// Teleport's: an issue is brought to it.
	Ended State = "ended"
	// Revoked stands for one whose access somebody ended by moving the issue.
	Revoked State = "revoked"
)

// Settled reports whether a request in this state can no longer be decided.
func (s State) Settled() bool { return s != Pending && s != "" }

// Request is an Access Request as the cluster shows it at one moment. What
// people typed (Reason, ResolveReason, names) is untrusted text.
type Request struct {
	ID                 RequestID
	User               string
	Roles              []string
	Reason             string
	State              State
	ResolveReason      string
	Created            time.Time
	Expires            time.Time // the resource's own expiry: when a pending request is deleted
	AccessExpires      time.Time // when the access ends once approved
	MaxDuration        time.Time
	SessionTTL         time.Time
	AssumeStart        time.Time // zero: at once
	LoginHint          string
	LongTerm           bool // can only be promoted, in Teleport
	PromotedTo         string
	Resources          []Resource
	SuggestedReviewers []string
	Annotations        map[string][]string // from the requester's roles
	Thresholds         []Threshold
	Reviews            []Review
}

// Resource is something a request asks access to.
type Resource struct {
	Kind string
	ID   string
	Name string // friendly name; the id where none is known
}

// Threshold says how many reviews settle a request.
type Threshold struct {
	Name    string
	Approve int
	Deny    int
}

// Review is what one Teleport user said about a request. Reviews are only
// ever appended, so their index names them.
type Review struct {
	Author  string
	State   State // Approved, Denied or Promoted
	Reason  string
	Created time.Time
}

// RequestEvent is what Teleport's watch says of a request: where to look and how
// soon, never what is true.
type RequestEvent struct {
	ID      RequestID
	User    string // who made it; "" where it was deleted
	Decided bool   // it has a review, or is settled
	// New is the request as the event has it, without the names of its resources,
	// where it is pending and nobody has reviewed it; else nil. It is not changed.
	New *Request
}
