package reconcile

import (
	"context"
	"errors"
	"slices"
	"time"

	"teleport-jira/internal/access"
	"teleport-jira/internal/logging"
	"teleport-jira/internal/plan"
	"teleport-jira/internal/ttlcache"
)

// firstSearch is how long after an ambiguous create its issue is first looked
// for. Only that there is none has to be waited for.
const firstSearch = 10 * time.Second

// searchEarly looks for the issue of an ambiguous create while there is still
// wait to go by before its absence counts. It returns 0 when the issue is there,
// so that it can be adopted at once, else how long to wait.
func (r *Reconciler) searchEarly(ctx context.Context, s snapshot, d access.Draft, wait time.Duration) (time.Duration, error) {
	if age := r.opts.SearchGrace - wait; age < firstSearch {
		r.log.Info("create outcome unknown, waiting for search",
			"request_id", s.ID, "issue_key", s.Record.IssueKey, "wait", wait.Round(time.Second))
		return min(wait, firstSearch-age), nil
	}
	ref, err := r.findEarlier(ctx, s, d)
	if err != nil || ref.IsZero() {
		return wait, err
	}
	return 0, nil
}

// findEarlier looks for the issue that an earlier attempt may have made: by
// its label, and by its property where it has none, as the existing plugin's.
// Label and property find candidates only: anybody who may edit an issue can
// set them, and an issue that stands for two requests would decide both.
func (r *Reconciler) findEarlier(ctx context.Context, s snapshot, d access.Draft) (access.IssueRef, error) {
	if s.Record.IsZero() || s.Record.Ambiguous == access.AttemptFailed {
		return access.IssueRef{}, nil
	}
	labelled, err := r.tracker.FindIssues(ctx, s.ID)
	if err != nil {
		return access.IssueRef{}, err
	}
	for _, candidate := range labelled {
		// Searches fold the case of labels.
		if !slices.Contains(candidate.Labels, s.ID.Label()) {
			continue
		}
		if ok, err := r.isAdoptable(ctx, s.ID, candidate, d); ok || err != nil {
			return candidate.Ref, err
		}
	}
	return r.findByProperty(ctx, s.ID, d)
}

// findByProperty goes through what was made since the request was, which is
// little, and has no request's label.
func (r *Reconciler) findByProperty(ctx context.Context, id access.RequestID, d access.Draft) (access.IssueRef, error) {
	since := time.Since(d.Request.Created) + r.opts.SearchGrace
	for candidate, err := range r.tracker.Search(ctx, access.IssueQuery{UpdatedSince: since}) {
		r.workers.Progress()
		if err != nil {
			return access.IssueRef{}, err
		}
		if access.HasRequestLabel(candidate.Labels) || candidate.RequestID != "" && candidate.RequestID != id {
			continue
		}
		if ok, err := r.isAdoptable(ctx, id, candidate, d); ok || err != nil {
			return candidate.Ref, err
		}
	}
	return access.IssueRef{}, nil
}

// isAdoptable reports whether the candidate was created for this request and
// belongs to no other one.
func (r *Reconciler) isAdoptable(ctx context.Context, id access.RequestID, candidate access.IssueSummary, d access.Draft) (bool, error) {
	if owner := r.cache.requestOf(candidate.Ref.ID); owner != "" && owner != id {
		return false, nil
	}
	ok, err := r.tracker.CreatedFor(ctx, candidate.Ref, d)
	if errors.Is(err, access.ErrNotFound) {
		return false, nil
	}
	if err == nil && !ok {
		r.log.Warn("issue claims a request it was not created for, ignored",
			"request_id", id, "issue_key", candidate.Ref.Key)
	}
	return ok, err
}

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
