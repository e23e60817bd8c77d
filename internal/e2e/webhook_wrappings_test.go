package e2e

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
)

// TestWebhooksOfAutomationCountInAnyWrapping: a rule of Jira Automation sends
// the issue itself, or an issue of which it knows the key only.
func TestWebhooksOfAutomationCountInAnyWrapping(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]func(fakejira.Issue) string{
		"issue data": func(i fakejira.Issue) string {
			return fmt.Sprintf(`{"self":"https://example.com/%s","id":%s,"key":%q,"fields":{"summary":"x"}}`, i.ID, i.ID, i.Key)
		},
		"key alone": func(i fakejira.Issue) string { return fmt.Sprintf(`{"issue":{"key":%q}}`, i.Key) },
	} {
		t.Run(name, func(t *testing.T) {
			// Nothing but the rule tells the daemon.
			w := newWorld(t, func(o *options) { o.secret = "of-another-webhook" })
			w.set("http", "webhook_secret", secret)
			w.start()
			id, issue := w.pending()
			w.drag(issue, "Approved", fakejira.BobID)
			resp, _ := w.deliver(call{body: body(issue), secret: secret})
			require.Equal(t, http.StatusOK, resp.StatusCode)
			w.inState(id, types.RequestState_APPROVED)
		})
	}
}
