package plan

// OfAnotherCluster reports whether the issue belongs to the daemon of another
// Teleport cluster: the issue's property names one, or the record that names the
// issue does, as in a cluster that was set up from a copy of another. Nothing
// is planned for such an issue; its own daemon looks after it.
func (s Snapshot) OfAnotherCluster() bool {
	if s.Record.IssueID != "" && IsAnotherCluster(s.Cluster, s.Record.Cluster) {
		return true
	}
	return s.Issue != nil && IsAnotherCluster(s.Cluster, s.Issue.Cluster)
}

// IsAnotherCluster reports whether the name, of an issue or a record, is another
// cluster's than own. No name is none: issues of version 1.0.0 and of the
// existing plugin say nothing.
func IsAnotherCluster(own, name string) bool { return name != "" && own != "" && name != own }
