package faketeleport

import (
	"slices"
	"time"

	"github.com/gravitational/teleport/api/types"
)

// AuditType names what happened, in the audit log's own words.
type AuditType string

// The events of the audit trail.
const (
	AuditCreate AuditType = "access_request.create"
	AuditReview AuditType = "access_request.review"
	AuditUpdate AuditType = "access_request.update"
	AuditDelete AuditType = "access_request.delete"
	AuditLock   AuditType = "lock.created"
)

// AuditEvent is one line of the cluster's audit log. Refused calls and
// requests that expire leave none.
type AuditEvent struct {
	Type        AuditType
	RequestID   string
	User        string // who did it: requester, review author, or caller
	Delegator   string // update: whom the caller says it acted for
	SubmittedBy string // review: the caller, where it was submitted on behalf of User
	Proposed    types.RequestState
	State       types.RequestState // the request's state afterwards
	Reason      string
	Time        time.Time
}

// Audit is everything that has happened, oldest first.
func (c *Cluster) Audit() []AuditEvent {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.audit)
}

// record appends to the audit trail. The lock is held.
func (c *Cluster) record(ev AuditEvent) {
	ev.Time = time.Now()
	c.audit = append(c.audit, ev)
}
