package sandbox

import "time"

// View is everything the page shows but the log.
type View struct {
	Cluster  string     `json:"cluster"`
	Project  string     `json:"project"`
	Daemon   DaemonView `json:"daemon"`
	Users    []string   `json:"users"`   // Teleport users
	People   []Person   `json:"people"`  // Jira accounts to act as
	Columns  []string   `json:"columns"` // statuses, left to right
	Cards    []Card     `json:"cards"`
	Requests []Request  `json:"requests"` // newest first
}

// Person is a Jira account.
type Person struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Note string `json:"note"` // what the account is good for here
	App  bool   `json:"app"`  // a program, not a person
}

// Card is a Jira issue.
type Card struct {
	ID          string    `json:"id"`
	Key         string    `json:"key"`
	Summary     string    `json:"summary"`
	Status      string    `json:"status"`
	Description string    `json:"description"`
	Comments    []Comment `json:"comments"` // oldest first
	Moves       []Move    `json:"moves"`    // oldest first
	Returned    *Return   `json:"returned"` // null unless the last move was taken back
	Request     *Request  `json:"request"`  // null when it is gone
}

// Comment is a comment on an issue, in Jira's markup.
type Comment struct {
	Author Person    `json:"author"`
	Body   string    `json:"body"`
	At     time.Time `json:"at"`
}

// Move is a change of an issue's status.
type Move struct {
	By   Person    `json:"by"`
	From string    `json:"from"`
	To   string    `json:"to"`
	At   time.Time `json:"at"`
}

// Return is a move of an issue that the daemon took back, because it decided
// nothing or not yet enough.
type Return struct {
	By   Person    `json:"by"`   // who had moved the issue
	From string    `json:"from"` // the status it was moved to, and taken back from
	To   string    `json:"to"`   // the status it is back in
	At   time.Time `json:"at"`
	Why  string    `json:"why"` // the daemon's comments on it, in Jira's markup; empty until they are written
}

// Request is an Access Request as the cluster shows it. One that has expired
// or was removed is gone from the cluster; the sandbox remembers it.
type Request struct {
	ID        string   `json:"id"`
	User      string   `json:"user"`
	Roles     []string `json:"roles"`
	Resources []string `json:"resources"` // kind and name of each
	Reason    string   `json:"reason"`
	// State is pending, approved, denied, promoted, expired, locked, or of an approved
	// request ended or, before its time, deleted.
	State      string    `json:"state"`
	ResolvedBy string    `json:"resolvedBy"`
	Created    time.Time `json:"created"`
	Expires    time.Time `json:"expires"` // until when it waits for a decision
	// AccessExpires is until when an approved request gives access.
	AccessExpires time.Time `json:"accessExpires"`
	Needs         int       `json:"needs"` // approvals
	Reviews       []Review  `json:"reviews"`
}

// Review is what a Teleport user said about a request.
type Review struct {
	Author      string    `json:"author"`
	SubmittedBy string    `json:"submittedBy"` // empty when the author did it
	State       string    `json:"state"`
	Reason      string    `json:"reason"`
	At          time.Time `json:"at"`
}
