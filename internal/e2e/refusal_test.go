package e2e

import (
	"strings"
	"syscall"
	"testing"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
)

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

func TestRefusedDecisionsAreExplainedAndTheCardGoesBack(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		configure func(w *world)
		who       string
		says      string
	}{
		"the requester":             {nil, fakejira.AliceID, "nobody may decide their own request"},
		"an automation app":         {nil, fakejira.RobotID, "app and automation accounts may not decide"},
		"a customer":                {nil, fakejira.ClientID, "customer accounts may not decide"},
		"not one of the approvers":  {approversOnlyBob, fakejira.CarolID, "not one of the configured approvers"},
		"not in the group":          {approverGroup, fakejira.CarolID, "not one of the configured approvers"},
		"not a suggested reviewer":  {suggestedOnly, fakejira.CarolID, "only the suggested reviewers may decide"},
		"the requester, e-mail hid": {hideEmails, fakejira.AliceID, "nobody may decide their own request"},
		"the requester, e-mail hid, listed as another": {
			listedAsAnother, fakejira.AliceID, "nobody may decide their own request",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(o *options) {
				// Customers and apps may move issues where they are let.
				o.jira.Projects[0].Permissions = map[fakejira.Permission][]string{}
				for _, p := range []fakejira.Permission{fakejira.TransitionIssues, fakejira.BrowseProjects} {
					o.jira.Projects[0].Permissions[p] = everybody()
				}
				o.jira.HideEmails = strings.HasPrefix(name, "the requester, ")
			})
			if tc.configure != nil {
				tc.configure(w)
			}
			w.start()
			id := w.request(faketeleport.RequestOptions{SuggestedReviewers: []string{bob}})
			issue := w.issue(id)
			w.drag(issue, "Approved", tc.who)
			w.said(issue, "decided nothing", tc.says)
			w.inStatus(issue, "Pending")
			w.inState(id, types.RequestState_PENDING)
			require.Empty(t, w.reviews(id))
			require.Equal(t, 1, w.logCount("level=WARN", "decision refused", "request_id="+id))

			w.drag(issue, "Approved", fakejira.BobID)
			w.inState(id, types.RequestState_APPROVED)
		})
	}
}

func everybody() []string {
	return []string{
		fakejira.BotID, fakejira.AliceID, fakejira.BobID, fakejira.CarolID, fakejira.RobotID, fakejira.ClientID,
	}
}

func approversOnlyBob(w *world) { w.set("review", "approvers", []string{"BOB@example.com"}) }

func approverGroup(w *world) { w.set("review", "approver_groups", []string{"approvers"}) }

func suggestedOnly(w *world) { w.set("review", "require_suggested_reviewer", true) }

func hideEmails(w *world) { w.set("review.users", fakejira.BobID, bob) }

// listedAsAnother maps accounts, so that only mapped ones decide.
func listedAsAnother(w *world) {
	w.set("review.users", fakejira.AliceID, "alice-admin")
	w.set("review.users", fakejira.BobID, bob)
}

func TestRequesterMayDecideWhereThatIsAllowed(t *testing.T) {
	w := newWorld(t)
	w.set("review", "allow_self_approval", true)
	w.start()
	id, issue := w.pending()
	w.drag(issue, "Approved", fakejira.AliceID)
	w.inState(id, types.RequestState_APPROVED)
}

func TestAppMayDecideWhereItIsNamed(t *testing.T) {
	w := newWorld(t)
	w.set("review", "approvers", []string{fakejira.RobotID})
	w.start()
	id, issue := w.pending()
	w.drag(issue, "Approved", fakejira.RobotID)
	w.inState(id, types.RequestState_APPROVED)
}

func TestDaemonsOwnAccountDecidesNothing(t *testing.T) {
	w := newWorld(t)
	w.start()
	id, issue := w.pending()
	w.drag(issue, "Approved", fakejira.BotID)
	w.said(issue, "decided nothing", "with the daemon's own account and not by the daemon")
	w.inStatus(issue, "Pending")
	w.inState(id, types.RequestState_PENDING)
	require.Empty(t, w.reviews(id))
	const alarm = "issue was moved with the daemon's own account"
	require.Equal(t, 1, w.logCount("level=ERROR", alarm, "request_id="+id))

	other, second := w.pending()
	require.NoError(t, w.cluster.SetState("admin", other, types.RequestState_APPROVED, "go ahead"))
	w.inStatus(second, "Approved")
	w.drag(issue, "Denied", fakejira.BobID)
	w.inState(id, types.RequestState_DENIED)
	w.quiet()
	require.Equal(t, 1, w.logCount(alarm), "what the daemon does itself is no alarm")
}

func TestPersonWhoLeftDecidesNothing(t *testing.T) {
	w := newWorld(t)
	w.start()
	id, issue := w.pending()
	w.stop()
	w.drag(issue, "Approved", fakejira.BobID)
	require.NoError(t, w.jira.ChangeAccount(fakejira.BobID, func(a *fakejira.Account) { a.Inactive = true }))
	w.start()
	w.said(issue, "the account is not active")
	w.inStatus(issue, "Pending")
	w.inState(id, types.RequestState_PENDING)
}
