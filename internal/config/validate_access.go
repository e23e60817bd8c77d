package config

// access checks the section [access] and the statuses that belong to it, and
// settles whether the access is followed.
func (v *validator) access() {
	a, s := &v.c.Access, &v.c.Jira.Statuses
	v.noneEmpty("jira.statuses.ended", s.Ended)
	v.disjoint("jira.statuses.ended", s.Ended, "pending", s.Pending)
	v.disjoint("jira.statuses.ended", s.Ended, "approved", s.Approved)
	v.disjoint("jira.statuses.ended", s.Ended, "denied", s.Denied)
	const key = "access.track"
	needed := len(s.Ended) > 0
	switch {
	case !v.lines.has(key):
		a.Track = needed
	case needed && !a.Track:
		v.fault(key, "must be true where jira.statuses.ended is set")
	}
}
