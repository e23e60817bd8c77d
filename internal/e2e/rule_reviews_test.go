package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
)

// Access monitoring rules with automatic_review that name the daemon.

// reviewRule is a rule by which requests for a role are approved or denied.
func reviewRule(name, role, decision string) faketeleport.MonitoringRule {
	return faketeleport.MonitoringRule{
		Name: name, Condition: fmt.Sprintf("contains_all(set(%q), access_request.spec.roles)", role),
		Integration: "jira", Decision: decision, DesiredState: "reviewed",
	}
}

// reviewed is the issue of a request that a rule has reviewed, in whatever status.
func (w *world) reviewed(id string) (issue fakejira.Issue) {
	w.t.Helper()
	eventually(w.t, func(c *assert.CollectT) {
		found := w.issues(id)
		require.Len(c, found, 1)
		issue = found[0]
		require.Equal(c, issue.ID, w.record(id)["issue_id"])
	})
	return issue
}

// staysPending makes a request, and sees that nothing but people decide it.
func (w *world) staysPending(roles ...string) (id string, issue fakejira.Issue) {
	w.t.Helper()
	id = w.request(faketeleport.RequestOptions{}, roles...)
	issue = w.issue(id)
	w.quiet()
	w.inState(id, types.RequestState_PENDING)
	require.Empty(w.t, w.reviews(id))
	return id, issue
}

func TestRuleReviewsARequest(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		decision string
		state    types.RequestState
		status   string
	}{
		{"APPROVED", types.RequestState_APPROVED, "Approved"},
		{"DENIED", types.RequestState_DENIED, "Denied"},
	} {
		t.Run(c.decision, func(t *testing.T) {
			onEach(t, func(t *testing.T, kind func(*options)) {
				w := newWorld(t, kind, withMonitoring)
				w.cluster.PutMonitoringRule(reviewRule("viewers", "viewer", c.decision))
				w.start()
				id := w.request(faketeleport.RequestOptions{}, "viewer")
				w.inState(id, c.state)
				issue := w.reviewed(id)
				w.inStatus(issue, c.status)
				w.said(issue, "by access monitoring rule viewers", "viewer")
				w.quiet()
				reviews := w.reviews(id)
				require.Len(t, reviews, 1)
				require.Equal(t, botUser, reviews[0].Author)
				require.Contains(t, reviews[0].Reason, "access monitoring rule viewers")
				require.Equal(t, "rule", w.record(id)["automatic"])
				require.Len(t, w.comments(issue), 1)
				w.logged("automatic decision submitted", "access monitoring rule viewers", "answer=submitted")
				require.InDelta(t, 1, w.counted(`teleport_jira_automatic_decisions_total{answer="submitted",source="rule"}`), 0)

				// What the rule does not hold for is people's.
				w.staysPending("viewer", "prod")
			})
		})
	}
}

func TestRuleReviewsAsTheDaemonsOwnUserInEveryMode(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"auto", "review", "on_behalf", "state"} {
		t.Run(mode, func(t *testing.T) {
			w := newWorld(t, withMonitoring, func(o *options) {
				o.roles = append(o.roles, faketeleport.RoleAccessPluginWithUpdate)
				o.cluster.OnBehalf = true
			})
			w.set("review", "mode", mode)
			w.set("review.identity", "match_email", true)
			w.cluster.PutMonitoringRule(reviewRule("viewers", "viewer", "APPROVED"))
			w.start()
			id := w.request(faketeleport.RequestOptions{}, "viewer")
			w.inState(id, types.RequestState_APPROVED)
			w.quiet()
			require.Len(t, w.reviews(id), 1)
			require.Equal(t, botUser, w.reviews(id)[0].Author)
		})
	}
}

func TestRuleIsOneReviewOfTwo(t *testing.T) {
	w := newWorld(t, withMonitoring)
	w.cluster.PutMonitoringRule(reviewRule("viewers", "viewer", "APPROVED"))
	w.start()
	id := w.request(faketeleport.RequestOptions{Thresholds: []types.AccessReviewThreshold{{Approve: 2, Deny: 1}}}, "viewer")
	issue := w.issue(id)
	w.said(issue, "access monitoring rule viewers reviewed this request")
	w.inState(id, types.RequestState_PENDING)
	w.inStatus(issue, "Pending")
	w.review(id, bob, types.RequestState_APPROVED, "fine")
	w.inState(id, types.RequestState_APPROVED)
	w.inStatus(issue, "Approved")
	w.quiet()
	require.Len(t, w.reviews(id), 2)
	require.Equal(t, 1, w.sayings(issue, "access monitoring rule viewers"))
}

func TestRuleThatAppearsWhileARequestWaits(t *testing.T) {
	w := newWorld(t, withMonitoring)
	w.start()
	id, issue := w.staysPending("viewer")
	w.cluster.PutMonitoringRule(reviewRule("viewers", "viewer", "APPROVED"))
	w.inState(id, types.RequestState_APPROVED)
	w.said(issue, "by access monitoring rule viewers")
	w.cluster.RemoveMonitoringRule("viewers")
	w.staysPending("viewer")
}

func TestSecurityRuleWithUnknownFieldsNeverReviews(t *testing.T) {
	w := newWorld(t, withMonitoring)
	nights := reviewRule("nights", "viewer", "APPROVED")
	nights.Schedules = true
	w.cluster.PutMonitoringRule(nights)
	w.start()
	id, _ := w.staysPending("viewer")
	w.logged("level=WARN", "rule=nights", "schedules")
	w.stop()
	w.start()
	w.quiet()
	w.inState(id, types.RequestState_PENDING)
	nights.Schedules = false // the honest counterpart
	w.cluster.PutMonitoringRule(nights)
	w.inState(id, types.RequestState_APPROVED)
}

func TestSecurityRulesThatDisagreeReviewNothing(t *testing.T) {
	w := newWorld(t, withMonitoring)
	w.cluster.PutMonitoringRule(reviewRule("friends", "viewer", "APPROVED"))
	w.cluster.PutMonitoringRule(reviewRule("strict", "viewer", "DENIED"))
	w.start()
	id, issue := w.staysPending("viewer")
	w.said(issue, "disagree", "friends", "strict", "Somebody has to decide")
	w.restart()
	require.Equal(t, 1, w.sayings(issue, "disagree"), "once")
	w.cluster.RemoveMonitoringRule("strict")
	w.inState(id, types.RequestState_APPROVED)
	w.said(issue, "by access monitoring rule friends")
}

func TestSecurityRuleThatMightDenyKeepsOthersFromApproving(t *testing.T) {
	w := newWorld(t, withMonitoring)
	w.cluster.PutMonitoringRule(reviewRule("friends", "viewer", "APPROVED"))
	broken := reviewRule("broken", "viewer", "DENIED")
	broken.Condition = `access_request.spec.resource_labels_union["env"].contains("prod")`
	w.cluster.PutMonitoringRule(broken)
	w.start()
	id, issue := w.staysPending("viewer")
	w.said(issue, "friends", "broken", "can't be told")
	broken.Condition = "false"
	w.cluster.PutMonitoringRule(broken)
	w.inState(id, types.RequestState_APPROVED)
}

func TestRulesThatDoNotAskTheDaemonToReview(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*faketeleport.MonitoringRule){
		"teleport itself reviews": func(r *faketeleport.MonitoringRule) { r.Integration = "builtin" },
		"another plugin":          func(r *faketeleport.MonitoringRule) { r.Integration = "pagerduty" },
		"another desired state":   func(r *faketeleport.MonitoringRule) { r.DesiredState = "observed" },
		"no such decision":        func(r *faketeleport.MonitoringRule) { r.Decision = "MAYBE" },
		"only a notification":     func(r *faketeleport.MonitoringRule) { r.Integration, r.Notification = "", "jira" },
		"about something else":    func(r *faketeleport.MonitoringRule) { r.Subjects = []string{"session"} },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, withMonitoring)
			rule := reviewRule("viewers", "viewer", "APPROVED")
			change(&rule)
			w.cluster.PutMonitoringRule(rule)
			w.start()
			id, _ := w.staysPending("viewer")
			w.cluster.PutMonitoringRule(reviewRule("viewers", "viewer", "APPROVED")) // the honest counterpart
			w.inState(id, types.RequestState_APPROVED)
		})
	}
}

func TestRuleReviewsByTraitsOfNow(t *testing.T) {
	w := newWorld(t, withMonitoring)
	reads := faketeleport.Role{Name: "reads-users", ReadUsers: true}
	w.cluster.PutRole(reads)
	sre := reviewRule("sre", "viewer", "APPROVED")
	sre.Condition = `contains_any(user.traits["team"], set("sre"))`
	w.cluster.PutMonitoringRule(sre)
	people := []string{faketeleport.RoleRequester, faketeleport.RoleReviewer}
	w.cluster.PutUser(faketeleport.User{Name: alice, Roles: people, Traits: map[string][]string{"team": {"sre"}}})
	w.start()
	w.staysPending("viewer")
	w.cluster.PutUser(faketeleport.User{Name: botUser, Roles: []string{faketeleport.RolePluginReviewer, faketeleport.RoleMonitoringRules, reads.Name}})
	w.restart()
	w.inState(w.request(faketeleport.RequestOptions{}, "viewer"), types.RequestState_APPROVED)

	// The traits that were kept say yes; those of now do not.
	w.cluster.PutUser(faketeleport.User{Name: alice, Roles: people})
	w.staysPending("viewer")
}

// TestSecurityNoReviewWithoutTheRightToReadRules: the right is taken away while the
// daemon watches, and nothing tells it.
func TestSecurityNoReviewWithoutTheRightToReadRules(t *testing.T) {
	w := newWorld(t, withMonitoring)
	w.cluster.PutMonitoringRule(reviewRule("viewers", "viewer", "APPROVED"))
	w.start()
	w.inState(w.request(faketeleport.RequestOptions{}, "viewer"), types.RequestState_APPROVED)
	w.cluster.PutUser(faketeleport.User{Name: botUser, Roles: []string{faketeleport.RolePluginReviewer}})
	id, issue := w.staysPending("viewer")
	w.drag(issue, "Approved", fakejira.BobID)
	w.inState(id, types.RequestState_APPROVED)
}

// TestSecurityRuleRemovedBeforeTheReviewReviewsNothing: events come late, so that
// the daemon believes in a rule that is gone.
func TestSecurityRuleRemovedBeforeTheReviewReviewsNothing(t *testing.T) {
	w := newWorld(t, withMonitoring)
	w.cluster.PutMonitoringRule(reviewRule("viewers", "viewer", "APPROVED"))
	w.start()
	w.quiet()
	w.cluster.ForgetMonitoringRule("viewers")
	id := w.request(faketeleport.RequestOptions{}, "viewer")
	issue := w.issue(id)
	w.logged("asks no longer, or not yet")
	w.inState(id, types.RequestState_PENDING)
	require.Empty(t, w.reviews(id))
	w.cluster.CloseWatchers() // it lists them anew
	w.quiet()
	w.inState(id, types.RequestState_PENDING)
	w.drag(issue, "Denied", fakejira.BobID)
	w.inState(id, types.RequestState_DENIED)
}

func TestReviewThatTeleportDoesNotTakeIsExplainedOnce(t *testing.T) {
	w := newWorld(t, withMonitoring, func(o *options) {
		o.roles = []string{faketeleport.RoleAccessPluginWithUpdate, faketeleport.RoleMonitoringRules}
	})
	w.cluster.PutMonitoringRule(reviewRule("viewers", "viewer", "APPROVED"))
	w.start()
	id, issue := w.staysPending("viewer")
	w.said(issue, "access monitoring rule viewers", "did not accept", "allow.review_requests")
	w.logged("level=WARN", "automatic decision submitted", "answer=not_allowed")
	w.restart()
	require.Equal(t, 1, w.sayings(issue, "did not accept"))
	w.drag(issue, "Approved", fakejira.BobID)
	w.inState(id, types.RequestState_APPROVED)
}

func TestRequestWithoutAnIssueIsNotReviewed(t *testing.T) {
	w := newWorld(t, withMonitoring)
	quiet := reviewRule("viewers", "viewer", "APPROVED")
	quiet.Notification, quiet.Recipients = "jira", []string{"none"}
	w.cluster.PutMonitoringRule(quiet)
	w.start()
	id := w.request(faketeleport.RequestOptions{}, "viewer")
	w.quiet()
	require.Empty(t, w.issues(id))
	w.inState(id, types.RequestState_PENDING)
	quiet.Recipients = []string{"OPS"}
	w.cluster.PutMonitoringRule(quiet)
	w.inState(id, types.RequestState_APPROVED)
	require.Equal(t, "OPS", w.reviewed(id).Project)
}

func TestRuleReviewsOnceOverLostAnswersAndKills(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault faketeleport.Fault
		kill  bool
	}{
		"answer lost":  {fault: faketeleport.LoseAnswer("SubmitAccessReview", 1)},
		"never sent":   {fault: faketeleport.Unavailable("SubmitAccessReview", 1)},
		"killed after": {fault: faketeleport.Fault{Method: "SubmitAccessReview", At: faketeleport.AfterEffect, Times: 1, Hang: true}, kill: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, withMonitoring)
			w.cluster.PutMonitoringRule(reviewRule("viewers", "viewer", "APPROVED"))
			w.start()
			w.cluster.Inject(c.fault)
			id := w.request(faketeleport.RequestOptions{}, "viewer")
			if c.kill {
				w.inState(id, types.RequestState_APPROVED)
				w.kill()
				w.cluster.RemoveMonitoringRule("viewers") // it has reviewed, whatever becomes of it
				w.start()
				// The dead daemon's claim has to end first.
				require.Eventually(t, func() bool { return w.record(id)["resolution"] != "" }, 2*time.Minute, tick)
			}
			w.inState(id, types.RequestState_APPROVED)
			issue := w.reviewed(id)
			w.inStatus(issue, "Approved")
			w.said(issue, "by access monitoring rule viewers")
			w.quiet()
			require.Len(t, w.reviews(id), 1)
			require.Len(t, w.comments(issue), 1)
		})
	}
}

func TestTwoReplicasReviewOnce(t *testing.T) {
	w := newWorld(t, withMonitoring)
	other := w.replica()
	w.cluster.PutMonitoringRule(reviewRule("viewers", "viewer", "APPROVED"))
	w.start()
	other.start()
	ids := make([]string, 10)
	for i := range ids {
		ids[i] = w.request(faketeleport.RequestOptions{}, "viewer")
	}
	for _, id := range ids {
		w.inState(id, types.RequestState_APPROVED)
		issue := w.reviewed(id)
		w.inStatus(issue, "Approved")
		eventually(t, func(c *assert.CollectT) { require.Len(c, w.comments(issue), 1) })
		require.Len(t, w.reviews(id), 1)
	}
	submitted := func(w *world) float64 {
		return w.counted(`teleport_jira_automatic_decisions_total{answer="submitted",source="rule"}`)
	}
	require.InDelta(t, len(ids), submitted(w)+submitted(other), 0)
	require.Zero(t, w.logCount("another replica decides by other rules"))
}
