package reconcile

import (
	"time"

	"teleport-jira/internal/access"
	"teleport-jira/internal/logging"
	"teleport-jira/internal/plan"
	"teleport-jira/internal/ttlcache"
)

const (
	// othersFor is how long an issue that another cluster's daemon created is not
	// read again because a search showed it.
	othersFor = time.Hour
	// maxClusterName bounds what is logged of a name that a property holds.
	maxClusterName = 100
)

// clusters remembers which issues belong to the daemons of other clusters, where
// several share a project and a Jira account. Its methods may be called
// concurrently.
type clusters struct {
	own    string                            // this cluster's name; "": all issues are taken for its own
	issues *ttlcache.Cache[string, struct{}] // of other clusters, by id
	shared *ttlcache.Cache[string, struct{}] // projects with such issues, by key
	logged *logging.Once
}

func newClusters(own string) *clusters {
	return &clusters{
		own:    own,
		issues: ttlcache.New[string, struct{}](maxRemembered, othersFor),
		shared: ttlcache.New[string, struct{}](maxRemembered, 0),
		logged: logging.NewOnce(0),
	}
}

// isAnother reports whether the name, of an issue's property, is another
// cluster's.
func (c *clusters) isAnother(name string) bool { return plan.IsAnotherCluster(c.own, name) }

// isShared reports whether issues of another cluster have been seen in the
// project.
func (c *clusters) isShared(project string) bool {
	_, shared := c.shared.Get(project)
	return shared
}

// skips reports whether an issue that a search showed, for which no request here
// is known, is another cluster's.
func (r *Reconciler) skips(issue access.IssueSummary) bool {
	if r.clusters.isAnother(issue.Cluster) {
		r.noteAnotherCluster(issue.Ref, issue.Project, issue.Cluster)
		return true
	}
	if r.cache.requestOf(issue.Ref.ID) != "" {
		return false
	}
	_, another := r.clusters.issues.Get(issue.Ref.ID)
	return another
}

// noteAnotherCluster remembers an issue of another cluster's, created by the
// daemon's account, and says once that the project is shared.
func (r *Reconciler) noteAnotherCluster(ref access.IssueRef, project, cluster string) {
	r.clusters.issues.Put(ref.ID, struct{}{})
	r.clusters.shared.Put(project, struct{}{})
	if r.clusters.logged.First("project/" + project) {
		r.log.Info("project has issues of another teleport cluster, they are left alone",
			"project", project, "issue_key", ref.Key, "other_cluster", access.List([]string{cluster}, maxClusterName))
	}
}

// noteCluster takes from a snapshot whose the issue is. That a record here names
// an issue of another cluster is warned of once: somebody changed the property,
// or the cluster was set up from a copy of another.
func (r *Reconciler) noteCluster(s *snapshot) {
	if s.Issue != nil {
		if r.clusters.isAnother(s.Issue.Cluster) && s.Issue.Creator.Same(r.self) {
			r.noteAnotherCluster(s.Issue.Ref, s.Issue.Project, s.Issue.Cluster)
		}
		s.ProjectShared = r.clusters.isShared(s.Issue.Project)
	}
	if s.Record.IssueID == "" || !s.OfAnotherCluster() || !r.clusters.logged.First("issue/"+s.Record.IssueID) {
		return
	}
	other := s.Record.Cluster
	if s.Issue != nil && s.Issue.Cluster != "" {
		other = s.Issue.Cluster
	}
	r.log.Warn("issue of a request names another teleport cluster, it is left alone and decides nothing",
		"request_id", s.ID, "issue_key", s.Record.IssueKey, "cluster", s.Cluster, "other_cluster", access.List([]string{other}, maxClusterName),
		"fix", "decide the request in teleport, and find out who changed the issue's property teleportCluster, "+
			"or whether this cluster was set up from a copy of the other")
}
