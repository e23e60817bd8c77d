package jira_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/fakejira"
)

// TestMadeForGoesByWhatNobodyCanEdit: an issue's origin is what it was made
// with and by whom, whatever label and property say now.
func TestMadeForGoesByWhatNobodyCanEdit(t *testing.T) {
	const other = access.RequestID("0f0f0f0f-0000-0000-0000-000000000000")
	property := func(id access.RequestID) json.RawMessage { return json.RawMessage(`"` + string(id) + `"`) }
	for _, flavour := range flavours {
		t.Run(flavour.String(), func(t *testing.T) {
			b := start(t, flavour)
			require.NoError(t, b.c.Connect(t.Context()))
			made := func(ref access.IssueRef, id access.RequestID) bool {
				d := draft()
				d.Request.ID = id
				ok, err := b.c.CreatedFor(t.Context(), ref, d)
				require.NoError(t, err)
				return ok
			}
			ref, _ := b.issue(t)
			require.True(t, made(ref, requestID))
			require.NoError(t, b.SetLabels(ref.ID, fakejira.CarolID, []string{other.Label()}))
			require.NoError(t, b.SetProperty(ref.ID, fakejira.CarolID, "teleportAccessRequestId", property(other)))
			require.True(t, made(ref, requestID), "it was born with this label")
			require.False(t, made(ref, other), "the label was put on later")

			byHand := func(actor, summary string, id access.RequestID, labels ...string) access.IssueRef {
				issue, err := b.CreateIssue(actor, fakejira.NewIssue{
					Project: "TAR", Summary: summary, Labels: labels,
					Properties: map[string]json.RawMessage{"teleportAccessRequestId": property(id)},
				})
				require.NoError(t, err)
				return access.IssueRef{ID: issue.ID, Key: issue.Key}
			}
			summary := draft().Request.User + " requested " + "editor, dba"
			require.True(t, made(byHand(fakejira.BotID, summary, requestID), requestID), "the existing plugin's, without a label")
			require.False(t, made(byHand(fakejira.BotID, summary, other), requestID), "of another request")
			require.False(t, made(byHand(fakejira.BotID, "something else", requestID), requestID), "of other roles")
			require.False(t, made(byHand(fakejira.CarolID, summary, requestID, requestID.Label()), requestID), "by somebody else")
		})
	}
}

// TestPageInsteadOfAnAnswerProvesNothing: what is not there must not be taken
// for an answer that says no.
func TestPageInsteadOfAnAnswerProvesNothing(t *testing.T) {
	for _, flavour := range flavours {
		t.Run(flavour.String(), func(t *testing.T) {
			b := start(t, flavour, faulty)
			require.NoError(t, b.c.Connect(t.Context()))
			ref, _ := b.issue(t)
			b.Inject(fakejira.Fault{Effect: fakejira.Respond, Status: http.StatusOK, Body: fakejira.MaintenancePage})
			_, err := b.c.CreatedFor(t.Context(), ref, draft())
			wantError(t, err, access.Temporary, false)
			if flavour == fakejira.DataCenter { // Cloud's is a list, which the page is not
				_, err = b.c.InGroups(t.Context(), access.Actor{ID: "JIRAUSER10201"}, []string{"approvers"})
				wantError(t, err, access.Temporary, false)
			}
		})
	}
}
