package e2e

import (
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
)

// Tests of what an issue's history has to show before a status change decides.

// leftover makes an issue of the existing plugin, without a label, that Bob
// approved an hour ago, and names it as the request's to whoever searches.
func (w *world) leftover(id string) fakejira.Issue {
	w.t.Helper()
	issue, err := w.jira.CreateIssue(fakejira.BotID, fakejira.NewIssue{
		Project: "TAR", Summary: "alice@example.com requested dba, editor", Properties: named("earlier-request"),
	})
	require.NoError(w.t, err)
	w.drag(issue, "Approved", fakejira.BobID)
	require.NoError(w.t, w.jira.Age(issue.ID, time.Hour))
	require.NoError(w.t, w.jira.SetProperty(issue.ID, fakejira.AliceID, property, json.RawMessage(strconv.Quote(id))))
	return issue
}

// TestSecurityIssueOlderThanTheRequestIsNotAdopted: the create of a new request
// was lost, and the requester prepared an approved issue that looks like what
// the daemon then searches for.
func TestSecurityIssueOlderThanTheRequestIsNotAdopted(t *testing.T) {
	w := newWorld(t)
	id := w.request(faketeleport.RequestOptions{})
	require.NoError(t, w.cluster.PutPluginData("jira", id, map[string]string{
		"user": alice, "roles": "dba,editor", "created": strconv.FormatInt(time.Now().Add(-time.Hour).Unix(), 10),
	}))
	trap := w.leftover(id)
	w.start()
	eventually(t, func(c *assert.CollectT) { require.NotEmpty(c, w.record(id)["issue_id"]) })
	require.NotEqual(t, trap.ID, w.record(id)["issue_id"])
	w.quiet()
	w.inState(id, types.RequestState_PENDING)
	require.Empty(t, w.reviews(id))

	own, err := w.jira.Issue(w.record(id)["issue_id"])
	require.NoError(t, err)
	w.drag(own, "Approved", fakejira.BobID)
	w.inState(id, types.RequestState_APPROVED)
}

// TestSecurityMoveOlderThanTheRequestDecidesNothing: the record names an issue
// that was approved before the request was made.
func TestSecurityMoveOlderThanTheRequestDecidesNothing(t *testing.T) {
	w := newWorld(t)
	id := w.request(faketeleport.RequestOptions{})
	issue := w.leftover(id)
	require.NoError(t, w.cluster.PutPluginData("jira", id, map[string]string{
		"issue_id": issue.ID, "issue_key": issue.Key, "user": alice, "roles": "dba,editor",
	}))
	w.start()
	w.said(issue, "decided nothing", "before this request was made")
	w.inStatus(issue, "Pending")
	w.inState(id, types.RequestState_PENDING)
	require.Empty(t, w.reviews(id))

	w.drag(issue, "Approved", fakejira.BobID)
	w.inState(id, types.RequestState_APPROVED)
	w.quiet()
	require.Equal(t, 1, w.sayings(issue, "before this request was made"))
}

// TestSecurityIssueThatNamesAnotherRequestDecidesNothing: Jira was restored from
// a backup, or another plugin wrote the record, so that it names an issue which
// was approved for something else.
func TestSecurityIssueThatNamesAnotherRequestDecidesNothing(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{"another": `"another-request"`, "none": `{"id": 1}`} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.start()
			id, issue := w.pending()
			require.NoError(t, w.jira.SetProperty(issue.ID, fakejira.AliceID, property, json.RawMessage(value)))
			w.drag(issue, "Approved", fakejira.BobID)
			w.said(issue, "decided nothing", "does not name the request")
			w.quiet()
			w.inState(id, types.RequestState_PENDING)
			require.Empty(t, w.reviews(id))
			want := map[string]string{"another": "Approved", "none": "Pending"}[name]
			require.Equal(t, want, w.read(issue.ID).Status.Name, "another request's issue is not moved")

			require.NoError(t, w.jira.SetProperty(issue.ID, fakejira.AliceID, property, json.RawMessage(strconv.Quote(id))))
			w.drag(issue, "Pending", fakejira.BobID)
			w.drag(issue, "Approved", fakejira.BobID)
			w.inState(id, types.RequestState_APPROVED)
		})
	}
}
