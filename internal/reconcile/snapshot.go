package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
)

// snapshot is what was read of a request, and why it was read.
type snapshot struct {
	plan.Snapshot
	rules *rules // in use when it was begun
	hint  hint
	// abandoned: a worker that died left a claim or an ambiguous attempt on a
	// request with an issue, so that its last effect may not be noted.
	abandoned bool
	// awaitsRules says that nobody knows yet where its issue goes: the cluster's
	// access monitoring rules are being read.
	awaitsRules bool
	// told is the end that the execution has told on the issue.
	told []toldEnd
}

// snapshot reads what the plan needs, and of Jira no more than that. issue is
// used instead of reading it; nil when it has to be read.
func (r *Reconciler) snapshot(ctx context.Context, id access.RequestID, h hint, issue *access.Issue) (snapshot, error) {
	s := snapshot{hint: h, rules: r.rules.Load(), Snapshot: plan.Snapshot{
		ID: id, Self: r.self, Reviewer: r.reviewer, URL: r.cluster.RequestURL(id), Now: time.Now(), Issue: issue,
		Cluster: r.clusters.own,
	}}
	err := r.readTeleport(ctx, &s)
	if err != nil || s.awaitsRules {
		return s, err
	}
	if h.resync && s.Record.IssueID != "" && s.Request != nil && s.Request.State == access.Pending {
		s.hint.Always = s.hint.Always || !r.cache.isOpen(s.Record.IssueID)
	}
	if s.abandoned = r.isAbandoned(id, s.Record); s.abandoned {
		// What the dead holder did last may concern the issue's status changes.
		s.hint.Always = true
	}
	s.TextLeft, _ = r.cache.textLeft.Get(id)
	s.IssueMissing = r.cache.isMissing(id) && !r.shows(s)
	if err := r.readIssue(ctx, &s); err != nil {
		return s, err
	}
	if r.noteCluster(&s); s.OfAnotherCluster() {
		return s, nil
	}
	r.noteOtherRules(s)
	if err := r.readReported(ctx, &s); err != nil {
		return s, err
	}
	return s, r.readPeople(ctx, &s)
}

// readReported reads what the daemon's comments say of a request of which there
// is no record.
func (r *Reconciler) readReported(ctx context.Context, s *snapshot) (err error) {
	if s.Issue == nil || !s.Record.IsZero() {
		return nil
	}
	if s.Reported, err = r.reportedState(ctx, s.Issue.Ref); err != nil {
		return err
	}
	if s.Request == nil && s.rules.policy.Access.Track && s.Reported == access.Approved {
		s.Access, err = r.tracker.AccessOf(ctx, s.Issue.Ref)
	}
	return err
}

// readTeleport reads the request, its record, and what rules say of them.
func (r *Reconciler) readTeleport(ctx context.Context, s *snapshot) error {
	if err := r.readRequest(ctx, s); err != nil {
		return err
	}
	r.noteOwner(*s)
	if err := r.readRouting(ctx, s); err != nil || s.awaitsRules {
		return err
	}
	return r.readProposals(ctx, s)
}

// readRequest reads the request and its record. A request that was just made is
// taken from its event, and to have no record yet: its claim is granted only
// where there is none.
func (r *Reconciler) readRequest(ctx context.Context, s *snapshot) (err error) {
	if fresh := s.hint.fresh; fresh != nil && r.cache.requesterOf(s.ID) == "" {
		req := *fresh
		req.Resources = slices.Clone(req.Resources)
		r.cluster.ResourceNames(ctx, &req)
		s.Request = &req
		return nil
	}
	if s.Request, err = r.cluster.Request(ctx, s.ID); err != nil && !errors.Is(err, access.ErrNotFound) {
		return err
	}
	s.Record, err = r.cluster.Record(ctx, s.ID)
	return err
}

// readPeople looks up what the rules need to know of the people who ask for
// a decision, and of those whose denial would come before it.
func (r *Reconciler) readPeople(ctx context.Context, s *snapshot) error {
	if s.isHeld() {
		return nil
	}
	var err error
	if change := s.rules.policy.NeedsPerson(s.Snapshot); change != nil {
		if s.Person, err = r.person(ctx, s.Snapshot, *change); err != nil {
			return fmt.Errorf("look up who moved issue %s: %w", s.Issue.Ref.Key, err)
		}
	}
	for _, change := range s.rules.policy.NeedsDeniers(s.Snapshot) {
		denier, err := r.person(ctx, s.Snapshot, change)
		if err != nil {
			return fmt.Errorf("look up who denied on issue %s: %w", s.Issue.Ref.Key, err)
		}
		if s.Deniers == nil {
			s.Deniers = map[string]*plan.Person{}
		}
		s.Deniers[change.ID] = denier
	}
	return nil
}

// readIssue reads the issue that the record names, or an orphan, where the plan
// needs it.
func (r *Reconciler) readIssue(ctx context.Context, s *snapshot) error {
	issueID := s.Record.IssueID
	switch {
	case s.hint.orphan != "" && s.rules.policy.NeedsOrphan(s.Snapshot, s.hint.Observed):
		issueID = s.hint.orphan
	case s.Issue != nil || !s.rules.policy.NeedsIssue(s.Snapshot, s.hint.Hint):
		return nil
	}
	issue, err := r.tracker.Issue(ctx, issueID)
	switch {
	case errors.Is(err, access.ErrNotFound):
		s.Issue, s.IssueMissing = nil, true
		r.noteMissing(s.Snapshot)
		return nil
	case err != nil:
		return err
	}
	r.noteVisible(s.ID)
	s.Issue = issue
	if s.Request != nil && issue.LastChange == nil && s.rules.policy.Statuses.Has(access.Pending, issue.Status) {
		route := s.rules.policy.RouteFor(s.Snapshot)
		r.cache.setStartsPending(route.Project, route.IssueType)
	}
	return nil
}

// reportedState returns what the daemon's comments say that a request came to of
// which nothing else is left; "" when they say nothing.
func (r *Reconciler) reportedState(ctx context.Context, ref access.IssueRef) (access.State, error) {
	keys, err := r.tracker.CommentKeys(ctx, ref)
	if err != nil {
		return "", err
	}
	for _, state := range []access.State{access.Expired, access.Denied, access.Promoted, access.Approved} {
		if keys[plan.ResolutionKey(state)] {
			return state, nil
		}
	}
	return "", nil
}

const (
	// minMissingRetry is how long after a 404 an issue that was shown just before is
	// read again; the pause doubles, for maxMissingRetries times. Permissions come
	// and go, and what a person did meanwhile is told of once.
	minMissingRetry   = 3 * time.Second
	maxMissingRetries = 5
	// missingReads is what the failures of these reads are counted under.
	missingReads = "look"
)

// noteMissing keeps an issue that answers 404 from being asked for again until
// something shows it, and warns once. The request can still be decided in
// Teleport.
func (r *Reconciler) noteMissing(s plan.Snapshot) {
	if r.cache.setMissing(s.ID, true) {
		r.metrics.issuesMissing.Inc()
		r.log.Warn("issue is deleted or no longer visible, the request can be decided in teleport",
			"request_id", s.ID, "issue_key", s.Record.IssueKey)
	}
}

// noteVisible takes an issue that was read.
func (r *Reconciler) noteVisible(id access.RequestID) {
	if r.cache.setMissing(id, false) {
		r.log.Info("issue is visible again", "request_id", id)
		r.notices.done(id, missingReads)
	}
}

// shows reports whether the reason to work on a request says that its issue is
// there: a webhook or a search that showed it.
func (r *Reconciler) shows(s snapshot) bool {
	named := s.hint.IssueID == "" || s.hint.IssueID == s.Record.IssueID
	return s.hint.Always || named && s.hint.Observed != nil || s.hint.resync && r.cache.isOpen(s.Record.IssueID)
}

// missingRetry returns after how long an issue has to be read again that answered
// 404 although something showed it, or just when a decision was to be told there; 0
// when it need not be.
func (r *Reconciler) missingRetry(s snapshot) time.Duration {
	if !s.IssueMissing || s.Request == nil {
		return 0
	}
	shown := r.shows(s) && (!s.hint.resync || s.hint.Observed != nil)
	if !shown && (s.hint.urgency < decision || len(s.planVisible()) == 0) {
		return 0
	}
	if n := r.notices.failed(s.ID, missingReads); n <= maxMissingRetries {
		return minMissingRetry << (n - 1)
	}
	r.notices.done(s.ID, missingReads)
	return 0
}

// planVisible returns what would be missing if the issue were there, as the record
// has it.
func (s snapshot) planVisible() []plan.Step {
	s.IssueMissing = false
	return s.rules.policy.Plan(s.Snapshot)
}

// planHeld returns what is missing apart from decisions and their refusals,
// which follow from a pending request's issue only.
func (s snapshot) planHeld() []plan.Step {
	s.Issue = nil
	return s.rules.policy.Plan(s.Snapshot)
}

// isHeld reports whether a decision may be asked for and has to wait.
func (s snapshot) isHeld() bool {
	asks := s.Request != nil && s.Request.State == access.Pending || s.rules.policy.AsksToRevoke(s.Snapshot)
	return s.rules.held && s.Issue != nil && asks
}

// noteOtherRules warns, once for each digest, of a replica that decides by
// other rules than this one. Rules that were replaced since are no reason: only
// a decision that must have been made while those here were in use counts, on a
// request, or by a status change, that is younger than they are.
func (r *Reconciler) noteOtherRules(s snapshot) {
	digest := s.Record.RulesDigest
	if digest == "" || digest == s.rules.digest || r.isOurs(s.Record) {
		return
	}
	young := s.Request != nil && s.Request.Created.After(s.rules.since)
	if s.Issue != nil {
		for _, change := range s.Issue.Changes {
			young = young || change.ID == s.Record.HandledChange && change.At.After(s.rules.since)
		}
	}
	if !young || !r.otherRules.First(digest) {
		return
	}
	r.metrics.otherRules.Inc()
	r.log.Warn("another replica decides by other rules",
		"request_id", s.ID, "issue_key", s.Record.IssueKey, "digest", s.rules.digest, "other_digest", digest,
		"fix", "give all replicas the same configuration, and reload those that have an older one")
}
