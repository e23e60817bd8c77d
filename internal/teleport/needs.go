package teleport

// need is a permission that the configuration asks for, and whether the daemon's
// roles give it.
type need struct {
	name string // as a finding's
	permission
	got func(rights) grant
}

// baseNeeds are what every configuration needs, whatever the mode.
func baseNeeds() []need {
	return []need{
		{"list and read access requests", permRequests(), func(r rights) grant { return r.requests }},
		{"keep the record in plugin data", permPluginData(), func(r rights) grant { return r.pluginData }},
	}
}

// furtherNeeds are what settings that are off by default need.
func (c Config) furtherNeeds() []need {
	var out []need
	if c.NeedUsers {
		out = append(out, need{"read users", permUsers(), func(r rights) grant { return r.users }})
	}
	if c.NeedLocks {
		out = append(out, need{"end accesses by locks", permLocks(), func(r rights) grant { return r.locks }})
	}
	return out
}
