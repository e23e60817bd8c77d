package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

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
}

// snapshot reads what the plan needs, and of Jira no more than that. issue is
// used instead of reading it; nil when it has to be read.
func (r *Reconciler) snapshot(ctx context.Context, id access.RequestID, h hint, issue *access.Issue) (snapshot, error) { //nolint:gocyclo // one read after the other
	s := snapshot{hint: h, rules: r.rules.Load(), Snapshot: plan.Snapshot{
		ID: id, Self: r.self, Reviewer: r.reviewer, URL: r.cluster.RequestURL(id), Now: time.Now(), Issue: issue,
		Cluster: r.clusters.own,
	}}
	var err error
	if s.Request, err = r.cluster.Request(ctx, id); err != nil && !errors.Is(err, access.ErrNotFound) {
		return s, err
	}
	if s.Record, err = r.cluster.Record(ctx, id); err != nil {
		return s, err
	}
	r.noteOwner(s)
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
	r.noteForeignRules(s)
	if s.Issue != nil && s.Record.IsZero() {
		if s.Reported, err = r.reportedState(ctx, s.Issue.Ref); err != nil {
			return s, err
		}
	}
	if change := s.rules.policy.NeedsPerson(s.Snapshot); change != nil && !s.isHeld() {
		if s.Person, err = r.person(ctx, s.Snapshot, *change); err != nil {
			return s, fmt.Errorf("look up who moved issue %s: %w", s.Issue.Ref.Key, err)
		}
	}
	if s.isHeld() {
		return s, nil
	}
	for _, change := range s.rules.policy.NeedsDeniers(s.Snapshot) {
		denier, err := r.person(ctx, s.Snapshot, change)
		if err != nil {
			return s, fmt.Errorf("look up who denied on issue %s: %w", s.Issue.Ref.Key, err)
		}
		if s.Deniers == nil {
			s.Deniers = map[string]*plan.Person{}
		}
		s.Deniers[change.ID] = denier
	}
	return s, nil
}

// readIssue reads the issue that the record names, or an orphan, where the plan
// needs it.
func (r *Reconciler) readIssue(ctx context.Context, s *snapshot) error {
	issueID := s.Record.IssueID
	switch {
	case s.hint.orphan != "" && r.policy().NeedsOrphan(s.Snapshot, s.hint.Observed):
		issueID = s.hint.orphan
	case s.Issue != nil || !r.policy().NeedsIssue(s.Snapshot, s.hint.Hint):
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
	if s.Request != nil && issue.LastChange == nil && r.policy().Statuses.Has(access.Pending, issue.Status) {
		route := r.policy().RouteOf(s.Request)
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
	// firstLook is how long after a 404 an issue that was shown just before is
	// read again; the pause doubles, for maxLooks times. Permissions come and go,
	// and what a person did meanwhile is told of once.
	firstLook = 3 * time.Second
	maxLooks  = 5
	// looks is what the failures of these reads are counted under.
	looks = "look"
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
		r.notices.done(id, looks)
	}
}

// shows reports whether the reason to work on a request says that its issue is
// there: a webhook or a search that showed it.
func (r *Reconciler) shows(s snapshot) bool {
	named := s.hint.IssueID == "" || s.hint.IssueID == s.Record.IssueID
	return s.hint.Always || named && s.hint.Observed != nil || s.hint.resync && r.cache.isOpen(s.Record.IssueID)
}

// lookAgain returns after how long an issue has to be read again that something
// showed and that answered 404; 0 when it need not be.
func (r *Reconciler) lookAgain(s snapshot) time.Duration {
	if !s.IssueMissing || s.Request == nil || !r.shows(s) || s.hint.resync && s.hint.Observed == nil {
		return 0
	}
	if n := r.notices.failed(s.ID, looks); n <= maxLooks {
		return firstLook << (n - 1)
	}
	r.notices.done(s.ID, looks)
	return 0
}

// maxViewAge is how old what was read of an issue may be when a decision is
// submitted. Waiting for a look-up or a limit takes longer, and meanwhile people
// take cards back.
const maxViewAge = 2 * time.Second

// lookAgain reads the issue once more where it was read too long ago to decide
// by. changed reports that it is not as it was: nothing more of the plan is done
// then, and the request is planned anew.
func (e *execution) lookAgain(ctx context.Context) (changed bool, err error) {
	if time.Since(e.snap.Issue.ReadAt) <= maxViewAge {
		return false, nil
	}
	now, err := e.r.tracker.Issue(ctx, e.issue.ID)
	if errors.Is(err, access.ErrNotFound) {
		e.r.noteMissing(e.snap.Snapshot)
	}
	if err != nil {
		return false, err
	}
	if isSameView(e.snap.Issue, now) {
		return false, nil
	}
	e.r.log.Info("issue changed before its decision was submitted, planned anew",
		"request_id", e.snap.ID, "issue_key", e.issue.Key)
	e.steps, e.snap.Issue, e.reread = nil, nil, true
	return true, nil
}

// isSameView reports whether two reads of an issue lead to the same decision.
func isSameView(a, b *access.Issue) bool {
	return a.Status == b.Status && a.Project == b.Project && a.HistoryFault == b.HistoryFault &&
		a.RequestID == b.RequestID && a.RequestIDInvalid == b.RequestIDInvalid && a.Cluster == b.Cluster &&
		a.Summary == b.Summary && a.Description == b.Description &&
		slices.EqualFunc(a.Changes, b.Changes, func(a, b access.StatusChange) bool { return a.ID == b.ID }) &&
		slices.EqualFunc(a.TextEdits, b.TextEdits, func(a, b access.TextEdit) bool { return a.ID == b.ID }) &&
		slices.EqualFunc(a.Comments, b.Comments, func(a, b access.Comment) bool { return a.ID == b.ID && a.Body == b.Body })
}

// heldRetry is how often a request whose decision is held is looked at again.
const heldRetry = 5 * time.Second

var errRulesChanged = errors.New("the rules for deciding changed while it was worked on")

// rules are what requests are decided by at one moment. They are never changed,
// only replaced as a whole: a reload must not leave a worker with half of each.
type rules struct {
	policy plan.Policy
	digest string
	since  time.Time // when they came into use
	held   bool      // nothing is decided or refused now
}

func newRules(policy plan.Policy, held bool) *rules {
	return &rules{policy: policy, digest: policy.Digest(), since: time.Now(), held: held}
}

// policy returns the rules in use. What one plan is made of takes them from its
// snapshot or is thrown away if they have changed by the time something is
// decided.
func (r *Reconciler) policy() plan.Policy { return r.rules.Load().policy }

// SetReview replaces the rules for who may decide, at once: no decision under
// the old ones begins once it has returned, also of a request that is being
// worked on. With hold nothing is decided or refused until it is called again
// without; status changes wait, and everything else goes on. It may be called
// concurrently.
func (r *Reconciler) SetReview(review plan.ReviewRules, hold bool) {
	old := r.rules.Load()
	policy := old.policy
	policy.Review = review
	next := newRules(policy, hold)
	if next.digest == old.digest && next.held == old.held {
		return
	}
	r.rules.Store(next)
}

// Held reports whether decisions wait.
func (r *Reconciler) Held() bool { return r.rules.Load().held }

// planHeld returns what is missing apart from decisions and their refusals,
// which follow from a pending request's issue only.
func (s snapshot) planHeld() []plan.Step {
	s.Issue = nil
	return s.rules.policy.Plan(s.Snapshot)
}

// isHeld reports whether a decision may be asked for and has to wait.
func (s snapshot) isHeld() bool {
	return s.rules.held && s.Issue != nil && s.Request != nil && s.Request.State == access.Pending
}

// rulesUnchanged returns an error where the rules that the plan was made by are
// no longer in use, so that the request is read and planned anew.
func (e *execution) rulesUnchanged() error {
	if e.r.rules.Load() == e.snap.rules {
		return nil
	}
	return &access.Error{Op: "decide request", Key: string(e.snap.ID), Class: access.Temporary, Err: errRulesChanged}
}

// stampRules puts the digest of the rules into the record, for the decision or
// refusal that was just done: into what is stored if the next step fails, and
// into what the steps after it lead to.
func (e *execution) stampRules() {
	e.record.RulesDigest = e.snap.rules.digest
	for i := range e.steps {
		e.steps[i].Then.RulesDigest = e.snap.rules.digest
	}
}

// noteForeignRules warns, once for each digest, of a replica that decides by
// other rules than this one. Rules that were replaced since are no reason: only
// a decision that must have been made while those here were in use counts, on a
// request, or by a status change, that is younger than they are.
func (r *Reconciler) noteForeignRules(s snapshot) {
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
	if !young || !r.foreign.First(digest) {
		return
	}
	r.metrics.foreignRules.Inc()
	r.log.Warn("another replica decides by other rules",
		"request_id", s.ID, "issue_key", s.Record.IssueKey, "digest", s.rules.digest, "other_digest", digest,
		"fix", "give all replicas the same configuration, and reload those that have an older one")
}

// rulesCollector shows the digest of the rules in use.
type rulesCollector struct {
	r    *Reconciler
	info *prometheus.Desc
	held *prometheus.Desc
}

func newRulesCollector(r *Reconciler) *rulesCollector {
	return &rulesCollector{
		r: r,
		info: prometheus.NewDesc(namespace+"_rules_info",
			"The digest of the rules for deciding that are in use; always 1. All replicas must have the same.", []string{"digest"}, nil),
		held: prometheus.NewDesc(namespace+"_decisions_held",
			"Whether decisions wait for a changed configuration to be up.", nil, nil),
	}
}

// Describe implements prometheus.Collector.
func (c *rulesCollector) Describe(ch chan<- *prometheus.Desc) { ch <- c.info; ch <- c.held }

// Collect implements prometheus.Collector.
func (c *rulesCollector) Collect(ch chan<- prometheus.Metric) {
	rules, held := c.r.rules.Load(), 0.0
	if rules.held {
		held = 1
	}
	ch <- prometheus.MustNewConstMetric(c.info, prometheus.GaugeValue, 1, rules.digest)
	ch <- prometheus.MustNewConstMetric(c.held, prometheus.GaugeValue, held)
}
