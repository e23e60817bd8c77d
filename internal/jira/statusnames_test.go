package jira_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
)

// TestStatusNameIsKnownSinceItWasFirstSeen: what an issue's status was called
// when a change was made is told by what was seen before, from searches too.
func TestStatusNameIsKnownSinceItWasFirstSeen(t *testing.T) {
	for _, flavour := range flavours {
		t.Run(flavour.String(), func(t *testing.T) {
			b := start(t, flavour)
			require.NoError(t, b.c.Connect(t.Context()))
			ref, _ := b.issue(t)
			require.NoError(t, b.Drag(ref.ID, "Approved", fakejira.BobID))
			since := func() time.Time {
				issue, err := b.c.Issue(t.Context(), ref.ID)
				require.NoError(t, err)
				return issue.StatusNameSince
			}
			first := since()
			require.False(t, first.IsZero())
			require.Equal(t, first, since(), "it has had no other name")

			require.NoError(t, b.RenameStatus("Approved", "Granted"))
			again := since()
			require.True(t, again.After(first), "a new name is new")

			require.NoError(t, b.RenameStatus("Denied", "Approved"))
			require.NoError(t, b.Drag(ref.ID, "Approved", fakejira.BobID))
			_ = since()
			require.NoError(t, b.Drag(ref.ID, "Granted", fakejira.BobID))
			require.NoError(t, b.EditHistory(ref.ID, func(all []fakejira.Change) []fakejira.Change { return all[:1] }))
			require.Zero(t, since(), "the name of that time is another status's now")
		})
	}
}
