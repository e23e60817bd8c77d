package jira_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/fakejira"
)

func TestTextOfAnEditedIssueIsRestored(t *testing.T) {
	for _, flavour := range flavours {
		t.Run(flavour.String(), func(t *testing.T) {
			b := start(t, flavour)
			ref, made := b.issue(t)
			require.NoError(t, b.EditText(ref.ID, fakejira.AliceID, "harmless", ""))
			read, err := b.c.Issue(t.Context(), ref.ID)
			require.NoError(t, err)
			require.Equal(t, "harmless", read.Summary)
			require.Len(t, read.TextEdits, 1)
			require.Equal(t, fakejira.AliceID, read.TextEdits[0].By.ID)

			require.NoError(t, b.c.RestoreText(t.Context(), ref, draft()))
			read, err = b.c.Issue(t.Context(), ref.ID)
			require.NoError(t, err)
			require.Equal(t, made.Summary, read.Summary)
			require.Equal(t, made.Description, read.Description)
			require.Equal(t, fakejira.BotID, read.TextEdits[0].By.ID, "the newest edit is the daemon's own")
		})
	}
}

func TestTextIsRestoredAsFarAsTheEditScreenAllows(t *testing.T) {
	b := start(t, fakejira.Cloud, func(s *settings) { s.double.Projects[0].OffEditScreen = []string{"description"} })
	ref, made := b.issue(t)
	require.NoError(t, b.EditText(ref.ID, fakejira.AliceID, "harmless", "nothing"))
	wantError(t, b.c.RestoreText(t.Context(), ref, draft()), access.Permanent, false)
	issue, err := b.Issue(ref.ID)
	require.NoError(t, err)
	require.Equal(t, made.Summary, issue.Summary)
	require.Equal(t, "nothing", issue.Description)
}

func TestTextThatMayNotBeEditedIsAPermanentError(t *testing.T) {
	b := start(t, fakejira.Cloud, func(s *settings) {
		s.double.Projects[0].Permissions = map[fakejira.Permission][]string{fakejira.EditIssues: {fakejira.AliceID}}
	})
	ref, _ := b.issue(t)
	wantError(t, b.c.RestoreText(t.Context(), ref, draft()), access.Permanent, false)
}
