package access

// End is why the access of an approved request has ended.
type End string

// The ends of an access.
const (
	EndExpired End = "expired" // its time was over
	EndDeleted End = "deleted" // the request was deleted before; what was issued for it stays good
	EndRevoked End = "revoked" // a lock refuses it
)

// Period is from when to when a request gave access, and why that ended. Until
// is when it was to end, as Teleport told; 0 where that is not known.
type Period struct {
	From, Until UnixTime
	End         End // "": it has not ended
}
