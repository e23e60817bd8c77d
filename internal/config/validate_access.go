package config

// access checks the section [access] and the statuses that belong to it, and
// settles whether the access is followed.
func (v *validator) access() {
	a, s := &v.c.Access, &v.c.Jira.Statuses
	v.noneEmpty("jira.statuses.ended", s.Ended)
	v.disjoint("jira.statuses.ended", s.Ended, "pending", s.Pending)
	v.disjoint("jira.statuses.ended", s.Ended, "approved", s.Approved)
	v.disjoint("jira.statuses.ended", s.Ended, "denied", s.Denied)
	v.noneEmpty("jira.statuses.revoked", s.Revoked)
	for _, other := range []struct {
		state string
		names Names
	}{{"pending", s.Pending}, {"approved", s.Approved}, {"denied", s.Denied}, {"expired", s.Expired}, {"promoted", s.Promoted}, {"ended", s.Ended}} {
		v.disjoint("jira.statuses.revoked", s.Revoked, other.state, other.names)
	}
	if a.MaxDuration < 0 {
		v.fault("access.max_duration", "must be 0 or more")
	}
	const key = "access.track"
	needed := len(s.Ended) > 0 || len(s.Revoked) > 0 || a.MaxDuration > 0
	switch {
	case !v.lines.has(key):
		a.Track = needed
	case needed && !a.Track:
		v.fault(key, "must be true where jira.statuses.ended or revoked, or access.max_duration is set")
	}
}
