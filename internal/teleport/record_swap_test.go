package teleport_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/faketeleport"
	"teleport-jira/internal/plan"
)

func TestRecordIsSwappedByComparison(t *testing.T) {
	w := newWorld(t, faketeleport.Config{})
	clt := w.connect()
	id := w.request("alice", faketeleport.RequestOptions{})

	empty, err := clt.Record(t.Context(), id)
	require.NoError(t, err)
	require.True(t, empty.IsZero())

	first := access.Record{User: "alice", Roles: "editor", Created: 1700000000, Claim: "a/1"}
	require.NoError(t, clt.SwapRecord(t.Context(), id, access.Record{}, first))
	require.ErrorIs(t, clt.SwapRecord(t.Context(), id, access.Record{}, first), access.ErrConflict)

	next := first
	next.Claim, next.IssueID, next.IssueKey = "", "10001", "TAR-1"
	require.NoError(t, clt.SwapRecord(t.Context(), id, first, next))
	got, err := clt.Record(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, next, got)
	require.ErrorIs(t, clt.SwapRecord(t.Context(), id, first, next), access.ErrConflict)
}

func TestForeignKeysAndMalformedValuesDoNotStopASwap(t *testing.T) {
	for name, stored := range map[string]map[string]string{
		"foreign key":           {"colour": "blue", "user": "alice"},
		"malformed time":        {"created": "yesterday", "user": "alice"},
		"count with zeros":      {"reviews_count": "007"},
		"unknown resolution":    {"resolution": "maybe", "issue_id": "10001"},
		"several of them":       {"created": "x", "reviews_count": "-1", "expires": "1e9", "colour": "blue"},
		"left by a lost create": {"user": "alice", "roles": "editor,dba", "created": "1700000000"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, faketeleport.Config{})
			clt := w.connect()
			id := w.request("alice", faketeleport.RequestOptions{})
			require.NoError(t, w.cluster.PutPluginData("jira", string(id), stored))

			old, err := clt.Record(t.Context(), id)
			require.NoError(t, err)
			next := old
			next.Claim, next.ReviewsCount = "a/1", old.ReviewsCount+1
			require.NoError(t, clt.SwapRecord(t.Context(), id, old, next))
			got, err := clt.Record(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, next, got)
			require.Equal(t, stored["colour"], w.cluster.PluginData(string(id))["jira"]["colour"])
			require.ErrorIs(t, clt.SwapRecord(t.Context(), id, old, next), access.ErrConflict)
		})
	}
}

func TestNoRecordCanBeCreatedForADeletedRequest(t *testing.T) {
	w := newWorld(t, faketeleport.Config{})
	clt := w.connect()
	err := clt.SwapRecord(t.Context(), "0190f9e2-0000-7000-8000-000000000009", access.Record{}, access.Record{User: "alice"})
	require.ErrorIs(t, err, access.ErrNotFound)
}

func TestLostAnswerOfASwapIsAmbiguous(t *testing.T) {
	w := newWorld(t, faketeleport.Config{})
	clt := w.connect()
	id := w.request("alice", faketeleport.RequestOptions{})
	w.cluster.Inject(faketeleport.LoseAnswer("UpdatePluginData", 1))
	err := clt.SwapRecord(t.Context(), id, access.Record{}, access.Record{User: "alice"})
	require.True(t, access.IsAmbiguous(err), "%v", err)
	got, err := clt.Record(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, "alice", got.User)
}

// TestRecordOfManyRolesIsStoredAndSwapped: the server limits the size of plugin
// data, and a request of very many roles must get its issue all the same.
func TestRecordOfManyRolesIsStoredAndSwapped(t *testing.T) {
	roles := make([]string, 5000)
	for i := range roles {
		roles[i] = fmt.Sprintf("%s-%04d", strings.Repeat("production", 25), i)
	}
	w := newWorld(t, faketeleport.Config{})
	clt := w.connect()
	id := w.request("alice", faketeleport.RequestOptions{})
	first := plan.Describe(access.Record{Claim: "a/1"}, &access.Request{
		User: "alice", Roles: roles, Reason: strings.Repeat("あ", 5000),
	})
	require.NoError(t, clt.SwapRecord(t.Context(), id, access.Record{}, first))
	next := first
	next.IssueID, next.Claim = "10001", ""
	require.NoError(t, clt.SwapRecord(t.Context(), id, first, next), "what was cut compares equal")
	require.ErrorIs(t, clt.SwapRecord(t.Context(), id, first, next), access.ErrConflict)

	got, err := clt.Record(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, "10001", got.IssueID)
	stored := strings.Split(w.cluster.PluginData(string(id))["jira"]["roles"], ",")
	require.Greater(t, len(stored), 200)
	require.Equal(t, roles[:len(stored)], stored, "whole names")
	last := got
	last.ReviewsCount = 1
	require.NoError(t, clt.SwapRecord(t.Context(), id, got, last), "what was read compares equal")
}
