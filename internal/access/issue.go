package access

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

var (
	issueIDPattern  = regexp.MustCompile(`^[0-9]{1,19}$`)
	issueKeyPattern = regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,254}-[0-9]{1,19}$`)
)

// ParseIssueID returns s if it is an issue's id: a decimal number. It fails on
// anything that could mean more than itself in a path or a query.
func ParseIssueID(s string) (string, error) {
	if !issueIDPattern.MatchString(s) {
		return "", fmt.Errorf("not an issue id: %.60q", s)
	}
	return s, nil
}

// ParseIssueKey returns s if it is an issue's key, such as "OPS-12". It fails
// on anything that could mean more than itself in a path or a query. Data
// Center's administrators may allow digits and underscores in project keys.
func ParseIssueKey(s string) (string, error) {
	if !issueKeyPattern.MatchString(s) {
		return "", fmt.Errorf("not an issue key: %.60q", s)
	}
	return s, nil
}

// IssueRef names a Jira issue. The id is the truth; the key changes when the
// issue moves to another project.
type IssueRef struct {
	ID  string
	Key string
}

// IsZero reports whether r names no issue.
func (r IssueRef) IsZero() bool { return r.ID == "" }

// Status is a workflow status of a Jira issue.
type Status struct {
	ID   string
	Name string
}

// Is reports whether configured, a status name or id, means this status. Digits
// are an id, and match nothing else: a name can be given to any status.
func (s Status) Is(configured string) bool {
	if strings.Trim(configured, "0123456789") == "" {
		return configured != "" && s.ID == configured
	}
	return strings.EqualFold(s.Name, configured)
}

// Issue is a Jira issue as it was read with the daemon's own credentials.
// Anybody who may edit it may have put anything into Labels and RequestID:
// they find candidates and authorise nothing.
type Issue struct {
	Ref       IssueRef
	Project   string // project key
	Status    Status
	Labels    []string
	RequestID RequestID // the property teleportAccessRequestId; empty when absent or malformed
	Holder    string    // who reserved an issue of which no record is left, last; "" when nobody has
	// LastChange is the newest changelog entry that brought the issue into its
	// current status; nil when the changelog does not show one, as for an
	// issue that never changed its status.
	LastChange *StatusChange
	Comments   []Comment // oldest first

	// What a decision is bound to. Nobody can edit the changelog, so Changes and
	// TextEdits say what happened, whatever the issue looks like now.
	Created          time.Time // when the issue was created, by Jira's clock
	Creator          Actor
	Summary          string // as it is now; as Description, anybody's text
	Description      string
	RequestIDInvalid bool      // the property teleportAccessRequestId is there and names no request
	Cluster          string    // the property teleportCluster: whose daemon created the issue; "" when absent
	ReadAt           time.Time // when the read began, by our clock
	// Changes are the status changes that were read, newest first. Only
	// LastChange's author is looked up; the others are as the changelog shows them.
	Changes []StatusChange
	// HistoryFault is why Changes and TextEdits can't be relied on; "" when they
	// can.
	HistoryFault HistoryFault
	TextEdits    []TextEdit // edits of summary and description, newest first
	// Origin is what the issue shows it was made for; zero where the daemon's
	// account did not make it, or its history does not say.
	Origin Origin
	// StatusNameSince is since when the status's id has been seen under its
	// present name only; zero when this read is the first to see it.
	StatusNameSince time.Time
}

// Origin is what an issue was created for and where, by what nobody can edit
// afterwards.
type Origin struct {
	Request RequestID // by the label that it was created with
	Project string    // key; "" where it has been in another project since
}

// HistoryFault is why a changelog can't be relied on.
type HistoryFault string

// The faults of a changelog.
const (
	HistoryBroken     HistoryFault = "broken"     // an entry does not begin where the one before ended
	HistoryUnreadable HistoryFault = "unreadable" // an entry has no time, or no id
	HistoryCut        HistoryFault = "cut"        // Jira, or the budget, left entries out
)

// TextEdit is a changelog entry that changed the summary or the description.
type TextEdit struct {
	ID string // changelog id
	By Actor
	At time.Time
}

// StatusChange is a changelog entry that changed an issue's status.
type StatusChange struct {
	ID   string // changelog id
	By   Actor
	At   time.Time
	From Status
	To   Status
	// Project is the key of the project that the issue was in at that time;
	// empty when that is not known, or when no transition changed the status: it
	// was chosen along with another project or workflow.
	Project string
	// TypeChanged reports that the same entry changed the issue's type or
	// workflow, so that the status may have been chosen with it.
	TypeChanged bool
}

// Comment is a comment on an issue.
type Comment struct {
	ID      string
	Author  Actor
	Body    string
	Created time.Time
	// EditedBy is the account that edited the comment last; its author's where
	// nobody has.
	EditedBy Actor
}

// AccountType tells people from programs, in Jira Cloud's words.
type AccountType string

// Account types. Data Center has only people.
const (
	AccountPerson   AccountType = "atlassian"
	AccountApp      AccountType = "app"
	AccountCustomer AccountType = "customer"
)

// Actor is a Jira account that did something.
type Actor struct {
	ID          string // accountId on Cloud, key on Data Center: what accounts are compared by
	Name        string // user name, Data Center only
	Email       string // often hidden on Cloud
	DisplayName string
	Type        AccountType
	Active      bool
}

// Same reports whether both are the same account. An account without an id is
// the same as none.
func (a Actor) Same(b Actor) bool { return a.ID != "" && a.ID == b.ID }

// OnDataCenter reports whether the account is one of Data Center's: only there
// accounts have user names.
func (a Actor) OnDataCenter() bool { return a.Name != "" }

// Handle returns the most readable unique name: e-mail, user name or id.
func (a Actor) Handle() string {
	switch {
	case a.Email != "":
		return a.Email
	case a.Name != "":
		return a.Name
	}
	return a.ID
}

// maxDisplayName bounds what of a display name is shown, in bytes.
const maxDisplayName = 100

// String returns "Display Name <handle>", for people to read. People choose their
// display names: what stands between the angle brackets is always the whole
// handle, and the name is what is cut.
func (a Actor) String() string {
	name := cutBytes(CleanLine(strings.NewReplacer("<", "", ">", "").Replace(a.DisplayName)), maxDisplayName)
	handle := CleanLine(a.Handle())
	if name == "" {
		return handle
	}
	return name + " <" + handle + ">"
}

// Account returns every name that tells the account from all others, unabridged:
// "bob@example.com (account 5b10…)". Where it has no address or user name it is the
// id alone.
func (a Actor) Account() string {
	handle, id := CleanLine(a.Handle()), CleanLine(a.ID)
	if handle == id || id == "" {
		return handle
	}
	return handle + " (account " + id + ")"
}

// Draft is an issue to be created for a request. The tracker renders the texts
// and adds the property and label that find the issue again.
type Draft struct {
	Request   Request
	URL       string // the request's page in Teleport; empty when unknown
	Project   string
	IssueType string
	Labels    []string // beyond the ones configured for every issue
	Cluster   string   // the Teleport cluster's name; "": the issue names none
}

// CommentDraft is a comment to be written. Text is plain: the tracker escapes
// all of it. DedupKey names the event that it reports and finds the comment
// again. Own is written where Jira refuses the text whatever is taken out of it:
// the daemon's own words, without anything that people typed.
type CommentDraft struct {
	DedupKey string
	Text     string
	Own      string
	Access   Period // what the comment says of the access, for programs to read
}

// IssueSummary is one row of a search. Search lags writes, so it is a hint.
type IssueSummary struct {
	Ref       IssueRef
	Project   string
	Status    Status
	Labels    []string
	RequestID RequestID // the property, where the search answers it
	Cluster   string    // the property teleportCluster, where the search answers it
	Updated   time.Time
}

// IssueQuery selects issues of the configured projects that the daemon's own
// account created. Statuses are names or ids.
type IssueQuery struct {
	Statuses     []string      // empty means any
	NotStatuses  []string      // empty means none excluded
	UpdatedSince time.Duration // only issues updated within this time; 0 means any
}

// IssueHint is what a webhook says about an issue: where to look, never what
// is true. RequestID is a candidate taken from a label; empty when there is none.
// Status is the one that the webhook shows; zero when it shows none: where it is
// the expected one, reading the issue is not worth a call.
type IssueHint struct {
	ID        string // empty where only the key is known
	Key       string
	RequestID RequestID
	Status    Status
}
