package reconcile

import (
	"time"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
)

const (
	// firstLook is how long after a 404 an issue that was shown just before is
	// read again; the pause doubles, for maxLooks times. Permissions come and go,
	// and what a person did meanwhile is told of once.
	firstLook = 3 * time.Second
	maxLooks  = 5
	// looks is what the failures of these reads are counted under.
	looks = "look"
)

// noteMissing keeps an issue that answers 404 from being asked for again until
// something shows it, and warns once. The request can still be decided in
// Teleport.
func (r *Reconciler) noteMissing(s plan.Snapshot) {
	if r.cache.setMissing(s.ID, true) {
		r.metrics.issuesMissing.Inc()
		r.log.Warn("issue is deleted or no longer visible, the request can be decided in teleport",
			"request_id", s.ID, "issue_key", s.Record.IssueKey)
	}
}

// noteVisible takes an issue that was read.
func (r *Reconciler) noteVisible(id access.RequestID) {
	if r.cache.setMissing(id, false) {
		r.log.Info("issue is visible again", "request_id", id)
		r.notices.done(id, looks)
	}
}

// shows reports whether the reason to work on a request says that its issue is
// there: a webhook or a search that showed it.
func (r *Reconciler) shows(s snapshot) bool {
	named := s.hint.IssueID == "" || s.hint.IssueID == s.Record.IssueID
	return s.hint.Always || named && s.hint.Observed != nil || s.hint.resync && r.cache.isOpen(s.Record.IssueID)
}

// lookAgain returns after how long an issue has to be read again that something
// showed and that answered 404; 0 when it need not be.
func (r *Reconciler) lookAgain(s snapshot) time.Duration {
	if !s.IssueMissing || s.Request == nil || !r.shows(s) || s.hint.resync && s.hint.Observed == nil {
		return 0
	}
	if n := r.notices.failed(s.ID, looks); n <= maxLooks {
		return firstLook << (n - 1)
	}
	r.notices.done(s.ID, looks)
	return 0
}
