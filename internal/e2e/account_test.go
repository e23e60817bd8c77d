package e2e

import (
	"testing"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
)

// TestIssuesOfAnEarlierAccountAreFoundByPolling: the daemon's Jira account is
// replaced while requests are open.
func TestIssuesOfAnEarlierAccountAreFoundByPolling(t *testing.T) {
	w := newWorld(t, func(o *options) { o.polling = true })
	w.start()
	id, issue := w.pending()
	w.stop()
	require.NoError(t, w.jira.AddAccount(fakejira.Account{ID: "bot2", DisplayName: "New Bot", Email: "bot2@example.com", Token: "token2"}))
	w.changeBot(func(a *fakejira.Account) { a.Inactive = true })
	w.set("jira", "username", "bot2@example.com")
	w.set("jira", "api_token", "token2")
	w.set("jira", "earlier_accounts", []string{fakejira.BotID})
	w.start()
	w.quiet()
	w.drag(issue, "Approved", fakejira.BobID)
	w.inState(id, types.RequestState_APPROVED)
}
