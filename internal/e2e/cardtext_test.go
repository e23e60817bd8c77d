package e2e

import (
	"strings"
	"testing"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
)

// edit gives a card another text, as a person does.
func (w *world) edit(issue fakejira.Issue, person, summary string) {
	w.t.Helper()
	require.NoError(w.t, w.jira.EditText(issue.ID, person, summary, "reads one table"))
}

// TestSecurityEditedCardIsExplainedBeforeItDecides: the requester asks for root
// and edits the card to something harmless. The first move explains and brings
// the text back; a move that is made with that in sight counts.
func TestSecurityEditedCardIsExplainedBeforeItDecides(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, kind func(*options)) {
		w := newWorld(t, kind)
		w.set("log", "format", "json")
		w.start()
		id := w.request(faketeleport.RequestOptions{}, "root-prod", "dba")
		issue := w.issue(id)
		w.edit(issue, fakejira.AliceID, "alice@example.com requested viewer")
		w.drag(issue, "Approved", fakejira.BobID)
		w.said(issue, "decided nothing", "edited by", "User: alice@example.com", "Roles: dba, root-prod")
		w.inStatus(issue, "Pending")
		w.quiet()
		w.inState(id, types.RequestState_PENDING)
		require.Empty(t, w.reviews(id))
		restored := w.read(issue.ID)
		require.Equal(t, issue.Summary, restored.Summary)
		require.Equal(t, issue.Description, restored.Description)
		require.Equal(t, "1", w.metric(`teleport_jira_refusals_total{reason="text_edited"}`))

		w.drag(issue, "Approved", fakejira.BobID)
		w.inState(id, types.RequestState_APPROVED)
		w.inStatus(issue, "Approved")
		w.quiet()
		require.Equal(t, 1, w.sayings(issue, "whatever the issue says"))
		require.Len(t, w.lines("decision submitted")[0]["card_digest"], 16)
	})
}

// TestSecurityCardEditedAfterTheMoveIsTheSameCase: the daemon looks only then.
func TestSecurityCardEditedAfterTheMoveIsTheSameCase(t *testing.T) {
	w := newWorld(t)
	w.start()
	id, issue := w.pending()
	w.stop()
	w.drag(issue, "Approved", fakejira.BobID)
	w.edit(issue, fakejira.AliceID, "never mind")
	w.start()
	w.said(issue, "decided nothing", "Roles: dba, editor")
	w.inStatus(issue, "Pending")
	w.inState(id, types.RequestState_PENDING)

	w.edit(issue, fakejira.AliceID, "once more")
	w.drag(issue, "Denied", fakejira.BobID)
	w.inStatus(issue, "Pending")
	w.quiet()
	require.Equal(t, 2, w.sayings(issue, "whatever the issue says"), "each edit is explained")
	w.drag(issue, "Denied", fakejira.BobID)
	w.inState(id, types.RequestState_DENIED)
}

// TestCardThatTheDaemonMayNotEditIsExplainedAllTheSame: the text stays, is warned
// of once, and the next move counts.
func TestCardThatTheDaemonMayNotEditIsExplainedAllTheSame(t *testing.T) {
	w := newWorld(t, func(o *options) {
		o.jira.Projects[0].Permissions = map[fakejira.Permission][]string{fakejira.EditIssues: {fakejira.AliceID}}
	})
	w.start()
	id, issue := w.pending()
	w.edit(issue, fakejira.AliceID, "harmless")
	w.drag(issue, "Approved", fakejira.BobID)
	w.said(issue, "decided nothing", "Roles: dba, editor")
	w.inStatus(issue, "Pending")
	w.logged("level=WARN", "text of an edited issue stays", "request_id="+id)
	require.Equal(t, "harmless", w.read(issue.ID).Summary)
	w.drag(issue, "Approved", fakejira.BobID)
	w.inState(id, types.RequestState_APPROVED)
	w.quiet()
	require.Equal(t, 1, w.logCount("text of an edited issue stays"))
}

// TestSecurityEveryCommentSaysWhatIsDecided: user, roles and number of resources
// stand in each, before what people typed.
func TestSecurityEveryCommentSaysWhatIsDecided(t *testing.T) {
	w := newWorld(t)
	w.start()
	id := w.request(faketeleport.RequestOptions{
		Thresholds: []types.AccessReviewThreshold{{Approve: 2, Deny: 1}},
		Resources:  []types.ResourceID{{ClusterName: "example.com", Kind: types.KindNode, Name: "node-1"}},
	}, "root-prod", "dba")
	issue := w.issue(id)
	w.drag(issue, "Approved", fakejira.AliceID)
	w.said(issue, "nobody may decide their own request")
	w.drag(issue, "Approved", fakejira.BobID)
	w.said(issue, "1 of 2 approvals")
	w.review(id, carol, types.RequestState_APPROVED, "fine\nRequest: mallory, roles viewer.")
	w.said(issue, "has been approved")
	comments := w.comments(issue)
	require.Greater(t, len(comments), 2)
	for _, text := range comments {
		require.Contains(t, text, "\nRequest: alice@example.com, roles dba, root-prod, 1 resource.")
		require.NotContains(t, text, "\nRequest: mallory", "what people typed makes no line of the daemon's")
	}
}

// TestSecurityReasonStaysInItsFrame: a requester can't push the roles out of the
// description, nor add lines that look like the daemon's.
func TestSecurityReasonStaysInItsFrame(t *testing.T) {
	w := newWorld(t)
	w.start()
	reason := strings.Repeat("{quote}\n*Roles:* viewer\n", 2000)
	req, err := w.cluster.CreateRequest(alice, []string{"root-prod"}, reason[:3900], faketeleport.RequestOptions{})
	require.NoError(t, err)
	text := w.issue(req.GetName()).Description
	require.Equal(t, 1, strings.Count(text, "\n*Roles:* "))
	require.Contains(t, text, "*Roles:* root-prod\n")
	require.True(t, strings.HasSuffix(text, "\n{quote}"))
	require.Equal(t, 2, strings.Count(text, "\n{quote}"), "the frame opens and closes once")
}
