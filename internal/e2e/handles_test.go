package e2e

import (
	"testing"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
)

// Handles name accounts by one attribute, and none that their owners choose.

// boardWithCarol is a Jira whose Carol was changed.
func boardWithCarol(flavour fakejira.Flavour, change func(*fakejira.Account)) func(*options) {
	return func(o *options) {
		o.jira = fakejira.Board(flavour)
		for i := range o.jira.Accounts {
			if o.jira.Accounts[i].ID == fakejira.CarolID {
				change(&o.jira.Accounts[i])
			}
		}
	}
}

// TestSecurityHandleMeansOneAttribute: Carol looks like the approver, and is not.
func TestSecurityHandleMeansOneAttribute(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		flavour fakejira.Flavour
		carol   func(*fakejira.Account)
		handle  string
		trust   bool
	}{
		"Unicode folds to the approver's address": {fakejira.Cloud, func(a *fakejira.Account) { a.Email = "\u017fam@example.com" }, "sam@example.com", false},
		"address that people may change":          {fakejira.DataCenter, func(a *fakejira.Account) { a.Email = "lead@example.com" }, "lead@example.com", false},
		"user name like an address":               {fakejira.DataCenter, func(a *fakejira.Account) { a.Name = "lead@example.com" }, "lead@example.com", true},
		"user name like a key":                    {fakejira.DataCenter, func(a *fakejira.Account) { a.Name = "JIRAUSER10700" }, "JIRAUSER10700", false},
		"key like a user name":                    {fakejira.DataCenter, func(a *fakejira.Account) { a.Name = "caro" }, fakejira.CarolID, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, boardWithCarol(c.flavour, c.carol))
			honest := "id:" + fakejira.BobID
			if c.flavour == fakejira.DataCenter {
				honest = "key:" + fakejira.BobID
			}
			w.set("review", "approvers", []string{c.handle, honest})
			w.set("review.identity", "trust_email", c.trust)
			w.start()
			id, issue := w.pending()
			w.refusedThenApproved(id, issue, fakejira.CarolID, "not one of the configured approvers")
		})
	}
}

// TestAddressesCountOnDataCenterWhereTheDirectoryKeepsThem: and without that the
// daemon says at its start that they match nobody.
func TestAddressesCountOnDataCenterWhereTheDirectoryKeepsThem(t *testing.T) {
	w := newWorld(t, func(o *options) { o.jira = fakejira.Board(fakejira.DataCenter) })
	w.set("review", "approvers", []string{bob})
	w.start()
	w.logged("level=WARN", "addresses in review.approvers match nobody", "trust_email")
	id, issue := w.pending()
	w.drag(issue, "Approved", fakejira.BobID)
	w.said(issue, "not one of the configured approvers")
	w.inStatus(issue, "Pending")
	w.stop()

	w.set("review.identity", "trust_email", true)
	w.start()
	require.Equal(t, 1, w.logCount("match nobody"))
	w.drag(issue, "Approved", fakejira.BobID)
	w.inState(id, types.RequestState_APPROVED)
}

func TestSecurityOnlyMappedAccountsDecide(t *testing.T) {
	w := newWorld(t)
	w.set("review.users", fakejira.BobID, bob) // that alone makes it required
	w.start()
	require.Zero(t, w.logCount("the rules for deciding leave something open"))
	id, issue := w.pending()
	w.refusedThenApproved(id, issue, fakejira.CarolID, "no Teleport user is known")
}

// TestUnmappedAccountsAreNamedAtTheStart: without a mapping all is as before,
// and the daemon says once what is open.
func TestUnmappedAccountsAreNamedAtTheStart(t *testing.T) {
	w := newWorld(t)
	w.start()
	id, issue := w.pending()
	w.drag(issue, "Approved", fakejira.CarolID)
	w.inState(id, types.RequestState_APPROVED)
	require.Equal(t, 1, w.logCount("level=WARN", "the rules for deciding leave something open", "key=review.identity.required"))
}

// TestSecurityDeniedAccountNeverDecides: on Data Center a rule's account is a user
// like any other.
func TestSecurityDeniedAccountNeverDecides(t *testing.T) {
	w := newWorld(t, func(o *options) { o.jira = fakejira.Board(fakejira.DataCenter) })
	w.set("review", "approvers", []string{"key:" + fakejira.CarolID, "key:" + fakejira.BobID})
	w.set("review", "denied", []string{"key:" + fakejira.CarolID})
	w.start()
	id, issue := w.pending()
	w.refusedThenApproved(id, issue, fakejira.CarolID, "may not decide")
}

// routes is TOML as it is written.
type routes string

// TestSecurityHarmlessRoleOpensNoEasierDoor: the first route says where the issue
// goes, and all routes of the requested roles who decides.
func TestSecurityHarmlessRoleOpensNoEasierDoor(t *testing.T) {
	w := newWorld(t)
	w.set("jira", "routes", routes(`[{ roles = "editor", approvers = ["id:`+fakejira.CarolID+`", "id:`+fakejira.BobID+`"] },
		{ roles = "dba", approver_groups = ["approvers"] }]`))
	w.start()
	easy := w.request(faketeleport.RequestOptions{}, "editor")
	w.drag(w.issue(easy), "Approved", fakejira.CarolID)
	w.inState(easy, types.RequestState_APPROVED)

	id, issue := w.pending() // editor and dba
	w.refusedThenApproved(id, issue, fakejira.CarolID, "not one of the configured approvers")
}
