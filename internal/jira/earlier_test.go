package jira_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/jira"
)

// successor is a client that works as another account than the bench's.
func successor(t *testing.T, b *bench, earlier ...string) *jira.Client {
	t.Helper()
	require.NoError(t, b.AddAccount(fakejira.Account{ID: "bot2", Email: "bot2@example.com", Token: "token2"}))
	c, err := jira.New(jira.Config{
		URL: "https://jira.example.com", Username: "bot2@example.com", Token: func() string { return "token2" },
		Projects: []string{"TAR"}, EarlierAccounts: earlier,
	}, jira.Deps{Transport: b.RoundTripper()})
	require.NoError(t, err)
	require.NoError(t, c.Connect(t.Context()))
	return c
}

func listed(t *testing.T, c *jira.Client) int {
	t.Helper()
	n := 0
	for _, err := range c.Search(t.Context(), access.IssueQuery{NotStatuses: []string{"Denied"}}) {
		require.NoError(t, err)
		n++
	}
	return n
}

func TestIssuesOfAnEarlierAccountAreTheDaemonsOwn(t *testing.T) {
	b := start(t, fakejira.Cloud, faulty)
	ref, _ := b.issue(t)
	require.NoError(t, b.c.Comment(t.Context(), ref, access.CommentDraft{DedupKey: "m", Text: "t"}))
	c := successor(t, b, fakejira.BotID)
	require.Equal(t, 1, listed(t, c))
	found, err := c.FindIssues(t.Context(), requestID)
	require.NoError(t, err)
	require.Len(t, found, 1)
	own, err := c.CreatedFor(t.Context(), ref, draft())
	require.NoError(t, err)
	require.True(t, own)
	keys, err := c.CommentKeys(t.Context(), ref)
	require.NoError(t, err)
	require.True(t, keys["m"])
}

func TestIssuesOfAnotherAccountAreNotTheDaemonsOwn(t *testing.T) {
	b := start(t, fakejira.Cloud, faulty)
	ref, _ := b.issue(t)
	c := successor(t, b)
	require.Zero(t, listed(t, c))
	own, err := c.CreatedFor(t.Context(), ref, draft())
	require.NoError(t, err)
	require.False(t, own)
}

// TestAnEarlierAccountThatIsGoneEndsNoSearch: Jira refuses a query with it.
func TestAnEarlierAccountThatIsGoneEndsNoSearch(t *testing.T) {
	b := start(t, fakejira.Cloud, faulty)
	c := successor(t, b, "nobody")
	_, err := c.CreateIssue(t.Context(), draft())
	require.NoError(t, err)
	require.Equal(t, 1, listed(t, c))
	found, err := c.FindIssues(t.Context(), requestID)
	require.NoError(t, err)
	require.Len(t, found, 1)
}
