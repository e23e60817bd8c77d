package e2e

import (
	"encoding/json"
	"strings"
	"syscall"
	"testing"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
)

// Who may decide, in which mode, and what everybody sees of it.

func TestSecurityAutoSaysOnceWhichModeAndWhy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		role string
		mode string
	}{
		"review where the role may review": {faketeleport.RoleAccessPluginWithReview, "review"},
		"state where it may not":           {faketeleport.RoleAccessPluginWithUpdate, "state"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(o *options) { o.roles = []string{c.role} })
			w.start()
			id, issue := w.pending()
			w.drag(issue, "Approved", fakejira.BobID)
			w.inState(id, types.RequestState_APPROVED)
			w.quiet()
			require.Equal(t, 1, w.logCount("review mode chosen", "mode="+c.mode, "why="))
		})
	}
}

func TestSecurityRoleThatCanDoNeitherIsExplainedOnTheIssue(t *testing.T) {
	w := newWorld(t, func(o *options) { o.roles = []string{faketeleport.RoleAccessPlugin} })
	w.start()
	id, issue := w.pending()
	w.drag(issue, "Approved", fakejira.BobID)
	w.said(issue, "decided nothing", botUser, "allow.review_requests", "allow.rules: [{resources: [access_request], verbs: [update]}]")
	w.inStatus(issue, "Pending")
	w.inState(id, types.RequestState_PENDING)
	require.Equal(t, 1, w.logCount("decision refused", "refusal=not_allowed_in_teleport"))
	require.Equal(t, 1, w.logCount("level=WARN", "no decision made in jira can be submitted"), "said at the start")

	w.cluster.PutUser(faketeleport.User{Name: botUser, Roles: []string{faketeleport.RoleAccessPluginWithReview}})
	w.stop()
	w.start()
	w.drag(issue, "Approved", fakejira.BobID)
	w.inState(id, types.RequestState_APPROVED)
}

func TestSecurityOnBehalfNeverFallsBackToAnotherAuthor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		knows bool   // the server knows reviews on behalf of others
		role  string // of the daemon
		user  string // that Bob is mapped to
	}{
		"older server":                 {false, faketeleport.RoleAccessPluginWithReview, bob},
		"role without the right to it": {true, faketeleport.RoleAccessPluginWithUpdate, bob},
		"person without rights":        {true, faketeleport.RoleAccessPluginWithReview, "powerless"},
		"person who is the requester":  {true, faketeleport.RoleAccessPluginWithReview, alice},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(o *options) { o.cluster.OnBehalf, o.roles = c.knows, []string{c.role} })
			w.cluster.PutUser(faketeleport.User{Name: "powerless", Roles: []string{faketeleport.RoleRequester}})
			w.set("review", "mode", "on_behalf")
			w.set("review", "allow_self_approval", true) // the server's own ban has to hold
			w.set("review.users", fakejira.BobID, c.user)
			w.start()
			id, issue := w.pending()
			w.drag(issue, "Approved", fakejira.BobID)
			w.said(issue, "decided nothing")
			w.inStatus(issue, "Pending")
			w.inState(id, types.RequestState_PENDING)
			require.Empty(t, w.reviews(id))
			for _, e := range w.cluster.Audit() {
				require.NotEqual(t, faketeleport.AuditUpdate, e.Type, "no state was set instead")
			}
		})
	}
}

func TestSecuritySecondReviewByTheSameTeleportUserIsTerminal(t *testing.T) {
	w := newWorld(t)
	w.start()
	id := w.request(faketeleport.RequestOptions{Thresholds: []types.AccessReviewThreshold{{Approve: 2, Deny: 2}}})
	issue := w.issue(id)
	w.drag(issue, "Approved", fakejira.BobID)
	w.said(issue, "1 of 2 approvals")
	w.inStatus(issue, "Pending")
	w.drag(issue, "Approved", fakejira.CarolID)
	w.said(issue, "Carol", "has a review by this reviewer already")
	w.inStatus(issue, "Pending")
	w.inState(id, types.RequestState_PENDING)
	require.Len(t, w.reviews(id), 1)
}

// TestSecurityUnmappedPersonIsNamed: in reason and delegator, as name
// <account id> where Jira hides the e-mail.
func TestSecurityUnmappedPersonIsNamed(t *testing.T) {
	t.Parallel()
	for name, role := range map[string]string{
		"review": faketeleport.RoleAccessPluginWithReview, "state": faketeleport.RoleAccessPluginWithUpdate,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(o *options) { o.roles, o.jira.HideEmails = []string{role}, true })
			w.set("review", "mode", name)
			w.start()
			id, issue := w.pending()
			w.drag(issue, "Approved", fakejira.BobID)
			req := w.inState(id, types.RequestState_APPROVED)
			require.Contains(t, req.GetResolveReason(), "Bob Brown <"+fakejira.BobID+">")
			if name == "state" {
				require.Equal(t, "jira:"+fakejira.BobID, w.audited(faketeleport.AuditUpdate).Delegator)
			}
		})
	}
}

// audited is the one audit event of its type.
func (w *world) audited(kind faketeleport.AuditType) faketeleport.AuditEvent {
	w.t.Helper()
	var found []faketeleport.AuditEvent
	for _, e := range w.cluster.Audit() {
		if e.Type == kind {
			found = append(found, e)
		}
	}
	require.Len(w.t, found, 1)
	return found[0]
}

func TestSecurityPersonIsFoundByTrait(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		holders []string // Teleport users whose trait names Bob's account
		reads   bool     // the daemon may read users
		says    string   // why it decided nothing; "": it decided
	}{
		"one":                        {[]string{carol}, true, ""},
		"several":                    {[]string{carol, bob}, true, "no Teleport user is known"},
		"several with the requester": {[]string{carol, alice}, true, "nobody may decide their own request"},
		"none may be read":           {[]string{carol}, false, "users"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(o *options) { o.cluster.OnBehalf = true })
			role := faketeleport.Role{Name: "reads-users", ReadUsers: c.reads}
			w.cluster.PutRole(role)
			w.cluster.PutUser(faketeleport.User{Name: botUser, Roles: []string{faketeleport.RoleAccessPluginWithReview, role.Name}})
			for _, user := range c.holders {
				w.cluster.PutUser(faketeleport.User{
					Name: user, Roles: []string{faketeleport.RoleReviewer, faketeleport.RoleRequester},
					Traits: map[string][]string{"jira": {fakejira.BobID}},
				})
			}
			w.set("review", "mode", "on_behalf")
			w.set("review.identity", "user_trait", "jira")
			w.set("review.identity", "match_email", true) // the trait goes before it
			if name == "several" {
				w.set("review.identity", "match_email", false)
			}
			w.start()
			id, issue := w.pending()
			w.drag(issue, "Approved", fakejira.BobID)
			if c.says == "" {
				w.inState(id, types.RequestState_APPROVED)
				require.Equal(t, carol, w.reviews(id)[0].Author)
				return
			}
			w.said(issue, "decided nothing", c.says)
			w.inState(id, types.RequestState_PENDING)
		})
	}
}

// TestSecurityBanHoldsWhereNobodyMayBeLookedUp: without a visible e-mail and
// the right to search, the requester can't be told from others.
func TestSecurityBanHoldsWhereNobodyMayBeLookedUp(t *testing.T) {
	w := newWorld(t, func(o *options) {
		o.jira.HideEmails = true
		o.jira.GlobalPermissions = map[fakejira.Permission][]string{fakejira.BrowseUsers: {}}
	})
	w.start()
	id, issue := w.pending()
	w.drag(issue, "Approved", fakejira.AliceID)
	w.said(issue, "could not be found out whether", "browse users")
	w.inStatus(issue, "Pending")
	w.inState(id, types.RequestState_PENDING)
}

// TestSecurityChangeIsRefusedOnceOverRestarts: the card can't go back, so that
// every start sees the refused change again.
func TestSecurityChangeIsRefusedOnceOverRestarts(t *testing.T) {
	w := newWorld(t, func(o *options) {
		reopen := &o.jira.Projects[0].Workflow.Transitions[0]
		reopen.Allowed = []string{fakejira.CarolID}
	})
	w.set("review", "approvers", []string{fakejira.BobID})
	w.start()
	id, issue := w.pending()
	w.drag(issue, "Approved", fakejira.CarolID)
	w.said(issue, "not one of the configured approvers")
	for range 2 {
		w.kill()
		w.start()
		w.quiet()
	}
	w.signal(syscall.SIGHUP)
	w.logged("configuration reloaded")
	for _, d := range w.jira.Deliveries() {
		w.jira.Redeliver(d)
	}
	w.quiet()
	w.said(issue, "not one of the configured approvers")
	require.Equal(t, 1, w.logCount("decision refused", "refusal=not_approver", "request_id="+id, "Carol"))
	require.Equal(t, "Approved", w.read(issue.ID).Status.Name)
	w.inState(id, types.RequestState_PENDING)
}

// TestSecurityEveryDecisionHasOneAuditLine: with all that is needed to answer,
// later, who decided what and why; Teleport's own trail has the same facts.
func TestSecurityEveryDecisionHasOneAuditLine(t *testing.T) {
	w := newWorld(t, func(o *options) { o.cluster.OnBehalf = true })
	w.set("review", "mode", "on_behalf")
	w.set("review.users", fakejira.BobID, bob)
	w.set("log", "format", "json")
	w.start()
	id, issue := w.pending()
	w.says(issue, fakejira.BobID, "reason: the disk *is* full")
	w.drag(issue, "Denied", fakejira.BobID)
	w.inState(id, types.RequestState_DENIED)
	w.quiet()

	lines := w.lines("decision submitted")
	require.Len(t, lines, 1)
	for key, want := range map[string]any{
		"request_id": id, "issue_key": issue.Key, "person": "Bob Brown <bob@example.com>", "account": fakejira.BobID,
		"teleport_user": bob, "mode": "on_behalf", "decision": "denied", "reason": "the disk *is* full",
		"answer": "submitted", "state": "denied", "reviewer": bob,
	} {
		require.Equal(t, want, lines[0][key], key)
	}
	require.NotEmpty(t, lines[0]["change"])
	event := w.audited(faketeleport.AuditReview)
	require.Equal(t, bob, event.User)
	require.Equal(t, botUser, event.SubmittedBy)
	for _, fact := range []string{"the disk *is* full", "Bob Brown <bob@example.com>", issue.Key} {
		require.Contains(t, event.Reason, fact)
	}
}

// lines are the structured log lines with the message.
func (w *world) lines(message string) []map[string]any {
	w.t.Helper()
	var found []map[string]any
	for line := range strings.Lines(w.log.String()) {
		var fields map[string]any
		require.NoError(w.t, json.Unmarshal([]byte(line), &fields), line)
		if fields["msg"] == message {
			found = append(found, fields)
		}
	}
	return found
}

func TestSecurityRefusalsAreCountedByReason(t *testing.T) {
	w := newWorld(t)
	w.start()
	_, issue := w.pending()
	w.drag(issue, "Approved", fakejira.AliceID)
	w.said(issue, "nobody may decide their own request")
	require.Equal(t, "1", w.metric(`teleport_jira_refusals_total{reason="requester"}`))
	require.Equal(t, "0", w.metric(`teleport_jira_refusals_total{reason="not_approver"}`))
}

func TestSecurityDisplayNameCanNotStandForAnother(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.jira.ChangeAccount(fakejira.CarolID, func(a *fakejira.Account) {
		a.DisplayName = "Bob Brown <bob@example.com> <x@y.z>"
	}))
	w.start()
	id, issue := w.pending()
	w.drag(issue, "Approved", fakejira.CarolID)
	w.inState(id, types.RequestState_APPROVED)
	require.NotContains(t, w.reviews(id)[0].Reason, "<bob@example.com>")
	require.Contains(t, w.reviews(id)[0].Reason, "<carol@example.com>")
}

// TestSecurityCommentThatCanNotBeInternalIsWrittenOnceAndTold: the issue was
// moved to where Jira makes every comment public.
func TestSecurityCommentThatCanNotBeInternalIsWrittenOnceAndTold(t *testing.T) {
	w := newWorld(t, func(o *options) {
		o.jira.Projects[0].Type = "service_desk"
		other := o.jira.Projects[0]
		other.ID, other.Key, other.Name, other.Type = "10010", "OPS", "Operations", "software"
		o.jira.Projects = append(o.jira.Projects, other)
	})
	w.set("jira.issue", "comment_visibility", "internal")
	w.start()
	id, issue := w.pending()
	require.NoError(t, w.jira.MoveToProject(issue.ID, fakejira.BobID, "OPS", "Pending"))
	w.review(id, bob, types.RequestState_DENIED, "no")
	w.inStatus(issue, "Denied")
	w.said(issue, "has been denied")
	w.said(issue, "reviewed this request")
	require.NotZero(t, w.logCount("level=ERROR", "the comment is not internal", "request_id="+id))
}
