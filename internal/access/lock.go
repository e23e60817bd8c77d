package access

import (
	"strings"
	"time"
)

// Lock refuses every certificate that carries the request, whatever else it carries.
type Lock struct {
	RequestID RequestID
	Message   string    // shown to whoever is locked out: who ended the access, and where
	Expires   time.Time // when it ceases to be in force, and to be listed
}

// Name is the lock's name in Teleport: the same for one request, so that making
// it again is harmless.
func (l Lock) Name() string { return "teleport-jira-" + string(l.RequestID) }

// LockCause is why the daemon locked a request, as metrics name it.
type LockCause string

// The causes of locks.
const (
	LockRevoked     LockCause = "revoked"      // somebody moved the issue
	LockMaxDuration LockCause = "max_duration" // the access had lasted so long
)

// LockCauses lists the causes of locks.
func LockCauses() []LockCause { return []LockCause{LockRevoked, LockMaxDuration} }

// LockedBy is what a request was locked for, as the record keeps it: the cause, and
// after a slash what it was. The zero LockedBy is no lock.
type LockedBy string

// LockedByChange is the lock for a status change of the issue.
func LockedByChange(id string) LockedBy { return LockedBy(LockRevoked) + "/" + LockedBy(id) }

// Cause is why, and detail what it was, such as the id of a status change.
func (l LockedBy) Cause() (cause LockCause, detail string) {
	head, detail, _ := strings.Cut(string(l), "/")
	return LockCause(head), detail
}
