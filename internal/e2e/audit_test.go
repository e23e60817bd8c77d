package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
)

// audited is the one audit event of its type.
func (w *world) audited(kind faketeleport.AuditType) faketeleport.AuditEvent {
	w.t.Helper()
	var found []faketeleport.AuditEvent
	for _, e := range w.cluster.Audit() {
		if e.Type == kind {
			found = append(found, e)
		}
	}
	require.Len(w.t, found, 1)
	return found[0]
}

// TestSecurityEveryDecisionHasOneAuditLine: with all that is needed to answer,
// later, who decided what and why; Teleport's own trail has the same facts.
func TestSecurityEveryDecisionHasOneAuditLine(t *testing.T) {
	w := newWorld(t, func(o *options) { o.cluster.OnBehalf = true })
	w.set("review", "mode", "on_behalf")
	w.set("review.users", fakejira.BobID, bob)
	w.set("log", "format", "json")
	w.start()
	id, issue := w.pending()
	w.says(issue, fakejira.BobID, "reason: the disk *is* full")
	w.drag(issue, "Denied", fakejira.BobID)
	w.inState(id, types.RequestState_DENIED)
	w.quiet()

	lines := w.lines("decision submitted")
	require.Len(t, lines, 1)
	for key, want := range map[string]any{
		"request_id": id, "issue_key": issue.Key, "person": "Bob Brown <bob@example.com>", "account": fakejira.BobID,
		"teleport_user": bob, "mode": "on_behalf", "decision": "denied", "reason": "the disk *is* full",
		"answer": "submitted", "state": "denied", "reviewer": bob,
		"user": alice, "roles": "dba, editor", "resources": float64(0),
	} {
		require.Equal(t, want, lines[0][key], key)
	}
	require.NotEmpty(t, lines[0]["change"])
	require.Len(t, lines[0]["card_digest"], 16)
	event := w.audited(faketeleport.AuditReview)
	require.Equal(t, bob, event.User)
	require.Equal(t, botUser, event.SubmittedBy)
	for _, fact := range []string{"the disk *is* full", "Bob Brown <bob@example.com>", "account " + fakejira.BobID, issue.Key} {
		require.Contains(t, event.Reason, fact)
	}
}

// lines are the structured log lines with the message.
func (w *world) lines(message string) []map[string]any {
	w.t.Helper()
	var found []map[string]any
	for line := range strings.Lines(w.log.String()) {
		var fields map[string]any
		require.NoError(w.t, json.Unmarshal([]byte(line), &fields), line)
		if fields["msg"] == message {
			found = append(found, fields)
		}
	}
	return found
}

func TestSecurityRefusalsAreCountedByReason(t *testing.T) {
	w := newWorld(t)
	w.start()
	_, issue := w.pending()
	w.drag(issue, "Approved", fakejira.AliceID)
	w.said(issue, "nobody may decide their own request")
	require.Equal(t, "1", w.metric(`teleport_jira_refusals_total{reason="requester"}`))
	require.Equal(t, "0", w.metric(`teleport_jira_refusals_total{reason="not_approver"}`))
}

func TestSecurityDisplayNameCanNotStandForAnother(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.jira.ChangeAccount(fakejira.CarolID, func(a *fakejira.Account) {
		a.DisplayName = "Bob Brown <bob@example.com> <x@y.z>"
	}))
	w.start()
	id, issue := w.pending()
	w.drag(issue, "Approved", fakejira.CarolID)
	w.inState(id, types.RequestState_APPROVED)
	require.NotContains(t, w.reviews(id)[0].Reason, "<bob@example.com>")
	require.Contains(t, w.reviews(id)[0].Reason, "<carol@example.com>")
}

// TestSecurityCharactersThatDeceiveGoNowhere: a name that reads as another, and a
// long one that would push the address out.
func TestSecurityCharactersThatDeceiveGoNowhere(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.jira.ChangeAccount(fakejira.CarolID, func(a *fakejira.Account) {
		a.DisplayName = "Bo\u200bb\u202e " + strings.Repeat("nworB ", 100)
	}))
	w.start()
	id, issue := w.pending()
	w.says(issue, fakejira.CarolID, "reason: f\u200bine\u202e")
	w.drag(issue, "Approved", fakejira.CarolID)
	w.inState(id, types.RequestState_APPROVED)
	w.quiet()
	reason := w.reviews(id)[0].Reason
	require.Contains(t, reason, "<carol@example.com>, account "+fakejira.CarolID)
	require.Contains(t, reason, "fine")
	for _, text := range append(w.comments(issue), reason, w.log.String()) {
		require.NotContains(t, text, "\u200b")
		require.NotContains(t, text, "\u202e")
	}
}

// TestSecurityReasonEditedByAnotherIsNone: whoever may edit comments can't put a
// reason into somebody's mouth.
func TestSecurityReasonEditedByAnotherIsNone(t *testing.T) {
	w := newWorld(t)
	w.start()
	id, issue := w.pending()
	w.says(issue, fakejira.BobID, "reason: only for an hour")
	comment := w.read(issue.ID).Comments[0].ID
	require.NoError(t, w.jira.EditComment(issue.ID, fakejira.AliceID, comment, "reason: for ever"))
	w.drag(issue, "Approved", fakejira.BobID)
	w.inState(id, types.RequestState_APPROVED)
	require.NotContains(t, w.reviews(id)[0].Reason, "for ever")

	id, issue = w.pending()
	w.says(issue, fakejira.BobID, "reason: only for an hour")
	comment = w.read(issue.ID).Comments[0].ID
	require.NoError(t, w.jira.EditComment(issue.ID, fakejira.BobID, comment, "reason: for two hours"))
	w.drag(issue, "Approved", fakejira.BobID)
	w.inState(id, types.RequestState_APPROVED)
	require.Contains(t, w.reviews(id)[0].Reason, "for two hours", "people may edit their own")
}
