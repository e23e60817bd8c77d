package plan

// OfAnotherCluster reports whether the issue belongs to the daemon of another
// Teleport cluster: the issue's property names one, or the record that names the
// issue does, as in a cluster that was set up from a copy of another. Nothing
// is planned for such an issue; its own daemon looks after it.
func (s Snapshot) OfAnotherCluster() bool {
	if s.Record.IssueID != "" && s.isAnother(s.Record.Cluster) {
		return true
	}
	return s.Issue != nil && s.isAnother(s.Issue.Cluster)
}

// isAnother reports whether the name is another cluster's. No name is none:
// issues of version 1.0.0 and of the existing plugin say nothing.
func (s Snapshot) isAnother(cluster string) bool {
	return cluster != "" && s.Cluster != "" && cluster != s.Cluster
}
