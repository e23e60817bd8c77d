package reconcile

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
)

// outcome is what is certain about an execution.
type outcome int

const (
	none      outcome = iota // no issue was to be made, or it is not known yet whether there is one
	created                  // the issue was made
	adopted                  // the issue of an earlier attempt was found
	failed                   // neither this attempt nor an earlier one made an issue
	ambiguous                // an effect may have happened that is not noted
)

// maxLoggedRoles bounds the roles in a log line, in bytes.
const maxLoggedRoles = 4000

// execution is one worker's work on one request: a plan, applied under a claim.
type execution struct {
	r       *Reconciler
	claim   *claim
	snap    snapshot // as read; what steps and their answers change is kept up to date
	issue   access.IssueRef
	steps   []plan.Step   // still to do
	record  access.Record // with what has been done so far
	outcome outcome       // none, created, adopted or failed
	reread  bool          // the issue's status is not known
	// failures are what failed without keeping the steps after it from being done.
	failures failures
	unmoved  string // why the issue could not be moved, for the comments that follow
	// commented are the dedup keys of the comments on the issue; nil: not read.
	commented map[string]bool
}

// execute does the steps in order, effects first, while the claim is good. What
// it returns has to be committed also when a step failed: after is what was
// read, with what has been done and the hint for the next snapshot.
func (r *Reconciler) execute(ctx context.Context, c *claim, s snapshot, steps []plan.Step) (after snapshot, out outcome, err error) {
	e := &execution{r: r, claim: c, snap: s, issue: s.Record.Issue(), steps: steps, record: s.Record}
	if s.Record.IssueID == "" {
		e.record = steps[0].Then // as acquire has stored it
	}
	if c.reserved {
		e.issue = s.Issue.Ref
	}
	held := c.keepAlive(ctx)
	err = e.run(held)
	if cause := context.Cause(held); cause != nil && errors.Is(err, context.Canceled) {
		err = &access.Error{Op: "reconcile request", Key: string(s.ID), Err: cause, Ambiguous: access.IsAmbiguous(err)}
	}
	out = e.result(err)
	after = e.snap
	after.Record, after.abandoned = e.record, false
	after.Record.Claim, after.Record.ClaimUntil = "", 0
	after.Record.Ambiguous = out.attempt(e.record, s.Record.Ambiguous)
	after.hint = hint{Hint: plan.Hint{Always: e.reread}}
	return after, out, err
}

// result is the outcome, given the error of the step that failed.
func (e *execution) result(err error) outcome {
	switch {
	case access.IsAmbiguous(err), e.failures.ambiguous:
		return ambiguous
	case err != nil && e.claim.ambiguous && e.record.IssueID != "":
		return ambiguous // of the earlier attempt: not all of it has been cleared up
	}
	return e.outcome
}

// attempt is what the record says about an execution that ended so; earlier is
// what it said before.
func (o outcome) attempt(rec access.Record, earlier access.Attempt) access.Attempt {
	switch {
	case o == ambiguous:
		return newAttempt()
	case rec.IssueID != "":
		return ""
	case o == failed:
		return access.AttemptFailed
	}
	return earlier
}

func (e *execution) run(ctx context.Context) error {
	for len(e.steps) > 0 {
		e.r.workers.Progress()
		step := e.steps[0]
		e.steps = e.steps[1:]
		if err := e.claim.valid(ctx); err != nil {
			return err
		}
		if err := e.do(ctx, step); err != nil {
			return e.failures.join(err)
		}
	}
	return e.failures.postponed()
}

func (e *execution) do(ctx context.Context, step plan.Step) error {
	var err error
	switch do := step.Do.(type) {
	case plan.CreateIssue:
		return e.create(ctx, do, step.Then)
	case plan.Decide:
		return e.decide(ctx, do, step.Apply(e.record))
	case plan.Refuse:
		if err = e.rulesUnchanged(); err != nil {
			return err
		}
		err = e.explain(ctx, do)
	case plan.Comment:
		err = e.notify(ctx, do.Draft)
	case plan.Lock:
		err = e.lock(ctx, do)
	case plan.EndAccess:
		err = e.endAccess(ctx, do)
	case plan.Transition:
		err = e.transition(ctx, do)
	case plan.RestoreText:
		err = e.restoreText(ctx, do)
	case plan.SaveRecord:
	}
	switch {
	case errors.Is(err, errSetAside):
		return nil
	case errors.Is(err, access.ErrNotFound):
		e.r.noteMissing(e.snap.Snapshot) // It was deleted meanwhile.
		return err
	case err != nil:
		return err
	}
	e.record = step.Apply(e.record)
	if _, refused := step.Do.(plan.Refuse); refused {
		e.stampRules()
	}
	return nil
}

// create makes the issue, or adopts the one that an earlier attempt made.
func (e *execution) create(ctx context.Context, do plan.CreateIssue, then access.Record) error {
	ref, err := e.r.findEarlier(ctx, e.snap, do.Draft)
	if err != nil {
		return err
	}
	if !ref.IsZero() {
		e.outcome, e.reread = adopted, true
		e.r.log.Info("issue of an earlier attempt found, adopted", "request_id", e.snap.ID, "issue_key", ref.Key)
	} else {
		e.outcome = failed
		if ref, err = e.r.tracker.CreateIssue(ctx, do.Draft); err != nil {
			return err
		}
		e.outcome, e.reread = created, !e.r.cache.startsPending(do.Draft.Project, do.Draft.IssueType)
		e.r.metrics.created.Inc()
		e.r.log.Info("issue created", "request_id", e.snap.ID, "issue_key", ref.Key, "user", do.Draft.Request.User)
	}
	then.IssueID, then.IssueKey = ref.ID, ref.Key
	e.record = then // before anything else: the issue stands
	e.record.RequesterAccount = e.r.requesterAccount(ctx, e.snap.ID, do.Draft.Request.User)
	e.r.cache.setRequestOf(ref.ID, e.snap.ID)
	return nil
}

// comment writes a comment once: where an earlier attempt may have written it,
// it is looked for first.
func (e *execution) comment(ctx context.Context, d access.CommentDraft) error {
	if e.claim.ambiguous && e.commented == nil {
		keys, err := e.r.tracker.CommentKeys(ctx, e.issue)
		if err != nil {
			return err
		}
		e.commented = keys
	}
	if e.commented[d.DedupKey] {
		return nil
	}
	if e.unmoved != "" {
		d.Text += "\n" + e.unmoved
	}
	d.Own = plan.OwnWords(d.DedupKey, e.snap.URL)
	if err := e.r.tracker.Comment(ctx, e.issue, d); err != nil {
		return err
	}
	e.r.metrics.comments.Inc()
	e.r.log.Info("comment added", "request_id", e.snap.ID, "issue_key", e.issue.Key, "about", d.DedupKey)
	return nil
}

// decide submits a decision and replaces what was left to do by what follows
// from the answer.
func (e *execution) decide(ctx context.Context, do plan.Decide, then access.Record) error {
	out := access.Outcome{
		Result: access.Submitted, Mode: e.snap.rules.policy.Review.Mode, Reviewer: e.snap.Reviewer, Request: e.snap.Request,
	}
	if !do.Found {
		if changed, err := e.issueChanged(ctx); changed || err != nil {
			return err
		}
		err := e.rulesUnchanged()
		if err != nil {
			return err
		}
		if do.Decision.Automatic != "" {
			if err := e.r.prove(ctx, e.snap, do.Decision); err != nil {
				return err
			}
		}
		if out, err = e.r.cluster.Decide(ctx, do.Decision); err != nil {
			return err
		}
	}
	e.noteDecision(do.Decision, out)
	e.record, e.snap.Record = then, then
	if out.Request != nil {
		e.snap.Request = out.Request
		if out.Request.State == do.Decision.State && do.Decision.Automatic == "" {
			e.record.HandledChange = do.Decision.ChangeID // The request's state says the rest, whatever fails of what follows.
		}
	}
	e.steps = e.snap.rules.policy.AfterDecision(e.snap.Snapshot, do.Decision, out)
	if !do.Found { // else it was made by rules that nobody knows any more
		e.stampRules()
	}
	return nil
}

// noteDecision writes the one line that answers, later, who decided what and why.
func (e *execution) noteDecision(d access.Decision, out access.Outcome) {
	if d.Automatic != "" {
		e.noteAutomatic(d, out)
		return
	}
	e.r.metrics.decisions.WithLabelValues(string(out.Mode), string(out.Result)).Inc()
	state := access.State("")
	if out.Request != nil {
		state = out.Request.State
	}
	e.r.log.With(e.snap.subject()...).Info("decision submitted",
		"request_id", d.RequestID, "issue_key", d.Issue.Key, "change", d.ChangeID,
		"person", d.By.String(), "account", d.By.ID, "teleport_user", d.Author, "mode", out.Mode, "reviewer", out.Reviewer,
		"decision", d.State, "reason", d.Reason, "answer", out.Result, "state", state, "detail", out.Detail,
		"rules_digest", e.snap.rules.digest)
}

// noteRefusal counts and logs a status change that decided nothing.
func (e *execution) noteRefusal(do plan.Refuse) {
	d := do.Decision
	e.r.metrics.refusals.WithLabelValues(string(do.Why)).Inc()
	if do.Why == plan.RefusedOwnAccount {
		e.r.log.Error("issue was moved with the daemon's own account and not by the daemon, put back",
			"request_id", d.RequestID, "issue_key", d.Issue.Key, "change", d.ChangeID, "account", d.By.ID, "decision", d.State,
			"fix", "find out who uses the account or its token, and replace the token")
		return
	}
	e.r.log.With(e.snap.subject()...).Warn("decision refused",
		"request_id", d.RequestID, "issue_key", d.Issue.Key, "change", d.ChangeID,
		"person", d.By.String(), "account", d.By.ID, "teleport_user", d.Author,
		"mode", e.snap.rules.policy.Review.Mode, "decision", d.State, "reason", d.Reason, "refusal", do.Why,
		"rules_digest", e.snap.rules.digest)
}

// subject is what a decision was about, for the log: user, roles and number of
// resources of the request, and the digest of the text that was read.
func (s snapshot) subject() []any {
	user, roles, resources := s.Record.User, strings.Split(s.Record.Roles, ","), 0
	if req := s.Request; req != nil {
		user, roles, resources = req.User, req.Roles, len(req.Resources)
	}
	return []any{
		"user", access.CleanLine(user), "roles", access.List(roles, maxLoggedRoles), "resources", resources,
		"card_digest", plan.CardDigest(s.Issue),
	}
}

// restoreText undoes an edit of the issue's text. That the daemon's account may
// not is warned of once and stops nothing: a comment has said what the request
// is for.
func (e *execution) restoreText(ctx context.Context, do plan.RestoreText) error {
	log := e.r.log.With("request_id", e.snap.ID, "issue_key", e.issue.Key)
	err := e.r.tracker.RestoreText(ctx, e.issue, do.Draft)
	switch {
	case err != nil && stops(ctx, err):
		return err
	case err != nil && access.ClassOf(err) != access.Permanent && e.r.notices.failed(e.snap.ID, "text") < patience:
		return err
	case err != nil:
		log.Warn("text of an edited issue stays as it is, this account may not restore it",
			"error", err, "fix", "let the daemon's jira account edit issues, with summary and description on the edit screen")
	default:
		log.Info("text of an edited issue restored")
	}
	e.r.cache.textLeft.Put(e.snap.ID, do.Edit)
	e.snap.Issue = nil // What was read is no longer true.
	return nil
}

// maxViewAge is how old what was read of an issue may be when a decision is
// submitted. Waiting for a look-up or a limit takes longer, and meanwhile people
// take cards back.
const maxViewAge = 2 * time.Second

// issueChanged reads the issue once more where it was read too long ago to decide
// by. changed reports that it is not as it was: nothing more of the plan is done
// then, and the request is planned anew.
func (e *execution) issueChanged(ctx context.Context) (changed bool, err error) {
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
