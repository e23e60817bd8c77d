package e2e

import (
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
