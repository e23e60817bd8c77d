package e2e

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
)

// Creates of which nobody knows whether they happened. The daemon waits until
// Jira's search would show them, 65 s, so that these tests come first.

func TestCreateAnswered503(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]fakejira.Fault{
		"503":                  {Effect: fakejira.Respond, Status: http.StatusServiceUnavailable},
		"503 with Retry-After": {Effect: fakejira.Respond, Status: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {"1"}}},
		"429 with Retry-After": {Effect: fakejira.Respond, Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"1"}}},
		"a page of a proxy":    {Effect: fakejira.Respond, Status: http.StatusBadGateway, Body: fakejira.ProxyPage},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.start()
			fault.Method, fault.Route, fault.Times = http.MethodPost, fakejira.RouteIssues, 1
			w.jira.Inject(fault)
			id := w.request(faketeleport.RequestOptions{})
			within(t, 100*time.Second, func(c *assert.CollectT) { require.Len(c, w.issues(id), 1) })
			w.issue(id)
		})
	}
}

func TestCreateWhoseAnswerIsLostMakesOneIssue(t *testing.T) {
	w := newWorld(t, func(o *options) { o.jira.SearchLag = 2 * time.Second })
	w.start()
	w.jira.Inject(fakejira.Fault{Method: http.MethodPost, Route: fakejira.RouteIssues, Times: 1, Effect: fakejira.LoseAnswer})
	id := w.request(faketeleport.RequestOptions{})
	within(t, 100*time.Second, func(c *assert.CollectT) { require.NotEmpty(c, w.record(id)["issue_id"]) })
	w.issue(id)
	w.quiet()
	require.Len(t, w.jira.Issues(), 1)
}

func TestRecordWithAUserAndNoIssueEndsWithExactlyOneIssue(t *testing.T) {
	t.Parallel()
	for name, made := range map[string]bool{"the create failed": false, "the answer was lost": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			id := w.request(faketeleport.RequestOptions{})
			req, err := w.cluster.Request(id)
			require.NoError(t, err)
			require.NoError(t, w.cluster.PutPluginData("jira", id, map[string]string{
				"user": alice, "roles": "dba,editor", "request_reason": "the disk is full",
				"created": strconv.FormatInt(req.GetCreationTime().Unix(), 10),
			}))
			if made {
				_, err := w.jira.CreateIssue(fakejira.BotID, fakejira.NewIssue{
					Project: "TAR", Summary: "alice@example.com requested dba, editor",
					Properties: named(id),
				})
				require.NoError(t, err)
			}
			w.start()
			within(t, 100*time.Second, func(c *assert.CollectT) { require.NotEmpty(c, w.record(id)["issue_id"]) })
			w.issue(id)
			w.quiet()
			require.Len(t, w.jira.Issues(), 1)
		})
	}
}

func TestKilledBetweenCommentAndNoteCommentsOnce(t *testing.T) {
	w := newWorld(t)
	w.start()
	id, issue := w.pending()
	w.jira.Inject(fakejira.Fault{Method: http.MethodPost, Route: fakejira.RouteComments, Times: 1, Effect: fakejira.HangAfter})
	w.review(id, bob, types.RequestState_DENIED, "no")
	eventually(t, func(c *assert.CollectT) { require.Len(c, w.comments(issue), 1) })
	w.kill()
	w.start()
	within(t, 90*time.Second, func(c *assert.CollectT) { require.Equal(c, "denied", w.record(id)["resolution"]) })
	w.inStatus(issue, "Denied")
	require.Len(t, w.comments(issue), 1, "one for one decision")
}
