package reconcile

import (
	"context"
	"iter"

	"teleport-jira/internal/access"
)

// Cluster is what the reconciler needs of Teleport. Methods may be called
// concurrently; a nil error means the effect is durable. Errors are
// *access.Error, wrapping the sentinels of package access where named here.
type Cluster interface {
	// Request reads one request; access.ErrNotFound when it is deleted.
	Request(ctx context.Context, id access.RequestID) (*access.Request, error)
	// ResourceNames fills in the friendly names of the request's resources, as
	// far as they are found.
	ResourceNames(ctx context.Context, req *access.Request)
	// Requests lists all requests, page by page. After an error it yields no more.
	Requests(ctx context.Context) iter.Seq2[*access.Request, error]
	// Record reads the plugin data of a request; the zero Record when there is none.
	Record(ctx context.Context, id access.RequestID) (access.Record, error)
	// SwapRecord replaces old by new if the stored record still equals old in
	// every field; access.ErrConflict when it does not, access.ErrNotFound when
	// there is no record and none can be made because the request is deleted. An
	// ambiguous error means that it may have been replaced.
	SwapRecord(ctx context.Context, id access.RequestID, old, new access.Record) error
	// Decide submits a person's decision. Every answer that is final comes as
	// an Outcome; an error means that trying again may help. When the answer
	// was lost the error is ambiguous, and the request has to be read again.
	Decide(ctx context.Context, d access.Decision) (access.Outcome, error)
	// Lock ends the access of a request: certificates that carry it are refused
	// within a second. Repeating it is harmless, and one more line in Teleport's
	// audit log. A Permanent error says why it can't be: a right that is missing.
	Lock(ctx context.Context, l access.Lock) error
	// MonitoringRules lists the cluster's access monitoring rules about Access
	// Requests, by name. A permanent error says that they can't be had.
	MonitoringRules(ctx context.Context) ([]access.MonitoringRule, error)
	// UserTraits reads the traits of a Teleport user as they are now; known is false
	// where the daemon may not, or there is no such user.
	UserTraits(ctx context.Context, user string) (traits map[string][]string, known bool, err error)
	// UsersByTrait lists the Teleport users one of whose traits has the value.
	UsersByTrait(ctx context.Context, trait, value string) ([]string, error)
	// RequestURL is the request's page in Teleport's web UI, or "".
	RequestURL(id access.RequestID) string
}

// Tracker is what the reconciler needs of Jira. Methods may be called
// concurrently; a nil error means the effect is durable. Errors are
// *access.Error. Each call is one attempt: nothing but reads is repeated
// inside.
type Tracker interface {
	// CreateIssue makes an issue with its property and label. An ambiguous error
	// means that it may exist.
	CreateIssue(ctx context.Context, d access.Draft) (access.IssueRef, error)
	// FindIssues searches for the issues that carry the request's label,
	// oldest first. Search lags writes.
	FindIssues(ctx context.Context, id access.RequestID) ([]access.IssueSummary, error)
	// CreatedFor reports whether this account created the issue for the draft's
	// request, by what nobody can edit afterwards.
	CreatedFor(ctx context.Context, ref access.IssueRef, d access.Draft) (bool, error)
	// Issue reads an issue by id or key, with comments and the changelog entry
	// of its current status; access.ErrNotFound when it is deleted or invisible.
	Issue(ctx context.Context, idOrKey string) (*access.Issue, error)
	// CommentKeys returns the dedup keys of the comments already on the issue.
	CommentKeys(ctx context.Context, ref access.IssueRef) (map[string]bool, error)
	// AccessOf returns what the daemon's comments on the issue say of the
	// request's access; the zero Period where they say nothing.
	AccessOf(ctx context.Context, ref access.IssueRef) (access.Period, error)
	// Comment writes a comment. It does not look for an earlier one.
	Comment(ctx context.Context, ref access.IssueRef, d access.CommentDraft) error
	// RestoreText gives the issue the summary and the description that CreateIssue
	// gives it. A permanent error says that this account may not.
	RestoreText(ctx context.Context, ref access.IssueRef, d access.Draft) error
	// Transition brings the issue into one of the statuses (names or ids), by
	// way of others where the workflow needs it. Being there already is success
	// with moved false. access.ErrUnreachable when no way is open,
	// access.ErrRefused when Jira refuses a step for what is or is not in it.
	Transition(ctx context.Context, ref access.IssueRef, statuses []string) (moved bool, err error)
	// Reserve writes holder on the issue, over whoever stood there; it shows as
	// the Issue's Holder.
	Reserve(ctx context.Context, ref access.IssueRef, holder string) error
	// Search lists issues that this daemon's account created.
	Search(ctx context.Context, q access.IssueQuery) iter.Seq2[access.IssueSummary, error]
	// Usable reports why no issue of the type can be made in a project beside the
	// configured ones; "" where one can, and searches look there from then on.
	Usable(ctx context.Context, project, issueType string) (why string, err error)
	// Include has searches look in a project beside the configured ones. It makes
	// no call.
	Include(project string)
	// InGroups reports whether the account is in one of the Jira groups.
	InGroups(ctx context.Context, who access.Actor, groups []string) (bool, error)
	// RequesterAccount returns the id of the Jira account whose address or user
	// name is the Teleport user's name; "" where none has it.
	RequesterAccount(ctx context.Context, user string) (string, error)
	// IsUser reports whether Jira finds the account under handle, an e-mail or
	// user name, also where it hides the account's e-mail.
	IsUser(ctx context.Context, who access.Actor, handle string) (bool, error)
}
