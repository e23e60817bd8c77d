package e2e

import (
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
		"review where the role may review": {faketeleport.RolePluginReviewer, "review"},
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

	w.cluster.PutUser(faketeleport.User{Name: botUser, Roles: []string{faketeleport.RolePluginReviewer}})
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
		"older server":                 {false, faketeleport.RolePluginReviewer, bob},
		"role without the right to it": {true, faketeleport.RoleAccessPluginWithUpdate, bob},
		"person without rights":        {true, faketeleport.RolePluginReviewer, "powerless"},
		"person who is the requester":  {true, faketeleport.RolePluginReviewer, alice},
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
		"review": faketeleport.RolePluginReviewer, "state": faketeleport.RoleAccessPluginWithUpdate,
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
			w.cluster.PutUser(faketeleport.User{Name: botUser, Roles: []string{faketeleport.RolePluginReviewer, role.Name}})
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
