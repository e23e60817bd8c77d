package e2e

import (
	"encoding/json"
	"html"
	"strconv"
	"strings"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
	"teleport-jira/internal/testworld"
)

// property is where an issue names its request.
const property = "teleportAccessRequestId"

// request makes an Access Request of Alice's and returns its id.
func (w *world) request(o faketeleport.RequestOptions, roles ...string) string {
	w.t.Helper()
	if len(roles) == 0 {
		roles = []string{"editor", "dba"}
	}
	req, err := w.cluster.CreateRequest(alice, roles, "the disk is full", o)
	require.NoError(w.t, err)
	return req.GetName()
}

// pending makes a request and waits for its issue.
func (w *world) pending() (id string, issue fakejira.Issue) {
	w.t.Helper()
	id = w.request(faketeleport.RequestOptions{})
	return id, w.issue(id)
}

// halfApproved makes a request that needs two approvals and has Bob's.
func (w *world) halfApproved() (id string, issue fakejira.Issue) {
	w.t.Helper()
	id = w.request(faketeleport.RequestOptions{Thresholds: []types.AccessReviewThreshold{{Approve: 2, Deny: 1}}})
	issue = w.issue(id)
	w.drag(issue, "Approved", fakejira.BobID)
	w.said(issue, "1 of 2 approvals")
	w.inStatus(issue, "Pending")
	return id, issue
}

// issues are the issues that name the request.
func (w *world) issues(id string) []fakejira.Issue {
	want, err := json.Marshal(id)
	require.NoError(w.t, err)
	var out []fakejira.Issue
	for _, issue := range w.jira.Issues() {
		if string(issue.Properties[property]) == string(want) {
			out = append(out, issue)
		}
	}
	return out
}

// issue waits until the request has an issue and the record names it, in the
// status Pending, and returns it. Two issues are a failure.
func (w *world) issue(id string) fakejira.Issue {
	w.t.Helper()
	var issue fakejira.Issue
	eventually(w.t, func(c *assert.CollectT) {
		all := w.issues(id)
		require.Len(c, all, 1)
		issue = all[0]
		require.Equal(c, issue.ID, w.record(id)["issue_id"])
		require.Equal(c, "Pending", issue.Status.Name)
		require.Empty(c, w.record(id)["claim"])
	})
	return issue
}

// record is what the daemon keeps of the request in Teleport.
func (w *world) record(id string) map[string]string { return w.cluster.PluginData(id)["jira"] }

// read is the issue as it is now.
func (w *world) read(key string) fakejira.Issue {
	w.t.Helper()
	issue, err := w.jira.Issue(key)
	require.NoError(w.t, err)
	return issue
}

// drag moves a card as a person does.
func (w *world) drag(issue fakejira.Issue, status, person string) {
	w.t.Helper()
	require.NoError(w.t, w.jira.Drag(issue.ID, status, person))
}

// says writes a comment as a person does.
func (w *world) says(issue fakejira.Issue, person, text string) {
	w.t.Helper()
	_, err := w.jira.AddComment(issue.ID, person, text)
	require.NoError(w.t, err)
}

// review reviews a request in Teleport.
func (w *world) review(id, author string, state types.RequestState, reason string) {
	w.t.Helper()
	_, err := w.cluster.Review(author, id, state, reason)
	require.NoError(w.t, err)
}

// inStatus waits until the issue is in the status.
func (w *world) inStatus(issue fakejira.Issue, status string) {
	w.t.Helper()
	eventually(w.t, func(c *assert.CollectT) {
		require.Equal(c, status, w.read(issue.ID).Status.Name)
	})
}

// inState waits until the request is in the state and returns it.
func (w *world) inState(id string, state types.RequestState) *types.AccessRequestV3 {
	w.t.Helper()
	var req *types.AccessRequestV3
	eventually(w.t, func(c *assert.CollectT) {
		var err error
		req, err = w.cluster.Request(id)
		require.NoError(c, err)
		require.Equal(c, state.String(), req.GetState().String())
	})
	return req
}

// said waits until the daemon has commented on the issue with all of the
// parts in one comment, lets everything come to rest, and shows that it was
// said once.
func (w *world) said(issue fakejira.Issue, parts ...string) {
	w.t.Helper()
	eventually(w.t, func(c *assert.CollectT) {
		require.NotZero(c, w.sayings(issue, parts...), "no comment with %q among %q", parts, w.comments(issue))
	})
	w.quiet()
	require.Equal(w.t, 1, w.sayings(issue, parts...), "comments with %q among %q", parts, w.comments(issue))
}

// sayings is how many of the daemon's comments hold all of the parts.
func (w *world) sayings(issue fakejira.Issue, parts ...string) int {
	n := 0
	for _, text := range w.comments(issue) {
		if testworld.Contains(text, parts) {
			n++
		}
	}
	return n
}

// comments are the daemon's comments on the issue, oldest first, without the
// marks that keep what people typed from being markup.
func (w *world) comments(issue fakejira.Issue) []string {
	var out []string
	for _, c := range w.read(issue.ID).Comments {
		if c.Author == fakejira.BotID {
			out = append(out, plain(c.Body))
		}
	}
	return out
}

// plain is wiki markup without escapes.
func plain(markup string) string { return html.UnescapeString(strings.ReplaceAll(markup, `\`, "")) }

// reviews are the request's reviews.
func (w *world) reviews(id string) []types.AccessReview {
	w.t.Helper()
	req, err := w.cluster.Request(id)
	require.NoError(w.t, err)
	return req.GetReviews()
}

// named are the properties of an issue that names the request.
func named(id string) map[string]json.RawMessage {
	return map[string]json.RawMessage{property: json.RawMessage(strconv.Quote(id))}
}
