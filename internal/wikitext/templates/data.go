package templates

import (
	"strings"
	"time"

	"teleport-jira/internal/access"
)

// Data is what the templates of an issue may use. In a description every
// inserted value is escaped; in summaries and custom fields values are inserted
// as they are. Functions: join LIST SEPARATOR, date TIME, wiki TEXT (escapes)
// and, in descriptions, link TEXT ADDRESS.
type Data struct {
	ID                 string             // the request's id
	URL                string             // its page in Teleport; empty when unknown
	User               string             // who asks
	Roles              List               // what for
	Reason             string             // why, in the user's words
	State              string             // "pending" when the issue is made in time
	Created            time.Time          // when it was made
	Expires            time.Time          // when the pending request vanishes
	AccessExpires      time.Time          // when the access ends once approved
	MaxDuration        time.Time          // zero: not limited
	SessionTTL         time.Time          // zero: not limited
	AssumeStart        time.Time          // zero: at once
	LoginHint          string             // the login asked for
	LongTerm           bool               // can only be promoted, in Teleport
	Resources          []access.Resource  // each with Kind, ID and Name
	SuggestedReviewers List               // Teleport users
	Annotations        map[string]List    // from the requester's roles
	Thresholds         []access.Threshold // each with Name, Approve and Deny
}

// List is a list of texts. A template that inserts it as a whole gets its
// items separated by commas; it can be ranged over and joined as well.
type List []string

// String implements fmt.Stringer.
func (l List) String() string { return strings.Join(l, ", ") }

// DataOf is the data of an issue that is to be made.
func DataOf(d access.Draft) Data {
	r := d.Request
	annotations := make(map[string]List, len(r.Annotations))
	for key, values := range r.Annotations {
		annotations[key] = values
	}
	return Data{
		ID: string(r.ID), URL: d.URL, User: r.User, Roles: List(r.Roles), Reason: r.Reason, State: string(r.State),
		Created: r.Created, Expires: r.Expires, AccessExpires: r.AccessExpires, MaxDuration: r.MaxDuration,
		SessionTTL: r.SessionTTL, AssumeStart: r.AssumeStart, LoginHint: r.LoginHint, LongTerm: r.LongTerm,
		Resources: r.Resources, SuggestedReviewers: List(r.SuggestedReviewers), Annotations: annotations, Thresholds: r.Thresholds,
	}
}

// samples are a request with something in every field and one with nothing in
// any, so that a try meets the mistakes on both sides of a condition.
func samples() []Data {
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	return []Data{{
		ID: "01939f9e-3fa1-7d0f-8f2e-3f0b6c1d2e4a", URL: "https://example.com", User: "user", Roles: List{"role"},
		Reason: "reason", State: string(access.Pending), Created: at, Expires: at, AccessExpires: at, MaxDuration: at,
		SessionTTL: at, AssumeStart: at, LoginHint: "root", LongTerm: true,
		Resources:          []access.Resource{{Kind: "node", ID: "id", Name: "name"}},
		SuggestedReviewers: List{"reviewer"}, Annotations: map[string]List{"key": {"value"}},
		Thresholds: []access.Threshold{{Name: "default", Approve: 1, Deny: 1}},
	}, {}}
}
