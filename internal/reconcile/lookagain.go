package reconcile

import (
	"context"
	"errors"
	"slices"
	"time"

	"teleport-jira/internal/access"
)

// maxViewAge is how old what was read of an issue may be when a decision is
// submitted. Waiting for a look-up or a limit takes longer, and meanwhile people
// take cards back.
const maxViewAge = 2 * time.Second

// lookAgain reads the issue once more where it was read too long ago to decide
// by. changed reports that it is not as it was: nothing more of the plan is done
// then, and the request is planned anew.
func (e *execution) lookAgain(ctx context.Context) (changed bool, err error) {
	if time.Since(e.snap.Issue.ReadAt) <= maxViewAge {
		return false, nil
	}
	now, err := e.r.tracker.Issue(ctx, e.issue.ID)
	if errors.Is(err, access.ErrNotFound) {
		e.r.noteMissing(e.snap.Snapshot)
	}
	if err != nil {
		return false, err
	}
	if isSameView(e.snap.Issue, now) {
		return false, nil
	}
	e.r.log.Info("issue changed before its decision was submitted, planned anew",
		"request_id", e.snap.ID, "issue_key", e.issue.Key)
	e.steps, e.snap.Issue, e.reread = nil, nil, true
	return true, nil
}

// isSameView reports whether two reads of an issue lead to the same decision.
func isSameView(a, b *access.Issue) bool {
	return a.Status == b.Status && a.Project == b.Project && a.HistoryFault == b.HistoryFault &&
		a.RequestID == b.RequestID && a.RequestIDInvalid == b.RequestIDInvalid && a.Cluster == b.Cluster &&
		a.Summary == b.Summary && a.Description == b.Description &&
		slices.EqualFunc(a.Changes, b.Changes, func(a, b access.StatusChange) bool { return a.ID == b.ID }) &&
		slices.EqualFunc(a.TextEdits, b.TextEdits, func(a, b access.TextEdit) bool { return a.ID == b.ID }) &&
		slices.EqualFunc(a.Comments, b.Comments, func(a, b access.Comment) bool { return a.ID == b.ID && a.Body == b.Body })
}
