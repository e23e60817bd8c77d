package e2e

import (
	"fmt"
	"testing"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
)

// The ban on deciding one's own request, where whose account it is can't be
// seen at a glance. Each case ends with somebody else deciding the request.

// refusedThenApproved shows that a person decides nothing, and that Bob does.
func (w *world) refusedThenApproved(id string, issue fakejira.Issue, person string, says ...string) {
	w.t.Helper()
	w.drag(issue, "Approved", person)
	w.said(issue, append([]string{"decided nothing"}, says...)...)
	w.inStatus(issue, "Pending")
	w.inState(id, types.RequestState_PENDING)
	w.drag(issue, "Approved", fakejira.BobID)
	w.inState(id, types.RequestState_APPROVED)
}

func TestSecurityRequesterStaysTheRequesterUnderAnotherAddress(t *testing.T) {
	t.Parallel()
	for _, flavour := range []fakejira.Flavour{fakejira.Cloud, fakejira.DataCenter} {
		t.Run(flavour.String(), func(t *testing.T) {
			w := newWorld(t, func(o *options) { o.jira = fakejira.Board(flavour) })
			w.start()
			id, issue := w.pending()
			require.Equal(t, fakejira.AliceID, w.record(id)["requester_account"])
			require.NoError(t, w.jira.ChangeAccount(fakejira.AliceID, func(a *fakejira.Account) { a.Email = "zoe@example.com" }))
			w.refusedThenApproved(id, issue, fakejira.AliceID, "nobody may decide their own request")
		})
	}
}

func TestSecurityAccountLikeTheRequestersIsUnclear(t *testing.T) {
	t.Parallel()
	for name, email := range map[string]string{
		"sub-address": "alice+board@example.com",
		"dots":        "a.lice@example.com",
		"domain":      "alice@example.org",
		"masked":      "alice at example dot com",
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(o *options) {
				for i := range o.jira.Accounts {
					if o.jira.Accounts[i].ID == fakejira.AliceID {
						o.jira.Accounts[i].Email = email
					}
				}
			})
			w.start()
			id, issue := w.pending()
			w.refusedThenApproved(id, issue, fakejira.AliceID, "could not be found out whether", "[review.users]")
		})
	}
}

func TestSecurityFullPageOfPeopleIsUnclear(t *testing.T) {
	w := newWorld(t, func(o *options) {
		o.jira.HideEmails = true
		var crowd []fakejira.Account
		for i := range 50 {
			crowd = append(crowd, fakejira.Account{ID: fmt.Sprintf("crowd-%d", i), DisplayName: fmt.Sprintf("%s %d", alice, i)})
		}
		o.jira.Accounts = append(crowd, o.jira.Accounts...)
	})
	w.set("review.users", fakejira.BobID, bob)
	w.start()
	id, issue := w.pending()
	require.Empty(t, w.record(id)["requester_account"])
	w.refusedThenApproved(id, issue, fakejira.AliceID, "could not be found out whether", "than Jira shows at once")
}
