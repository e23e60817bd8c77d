package fakejira_test

import (
	"encoding/json"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"teleport-jira/internal/fakejira"
)

func TestMovesTellWhoDidWhat(t *testing.T) {
	j := start(t, fakejira.Board(fakejira.Cloud))
	key := j.create()
	require.NoError(t, j.Drag(key, "Approved", fakejira.AliceID))
	require.NoError(t, j.Drag(key, "Approved", fakejira.BobID), "dropping it where it was")
	require.NoError(t, j.Reassign(key, fakejira.BobID, fakejira.CarolID))
	require.NoError(t, j.Drag(key, "10102", fakejira.BobID))
	iss, err := j.Issue(key)
	require.NoError(t, err)
	moves := iss.Moves()
	require.Len(t, moves, 2)
	require.Equal(t, "Pending", moves[0].From)
	require.Equal(t, "Approved", moves[0].To)
	require.Equal(t, fakejira.AliceID, moves[0].Author)
	require.Equal(t, "Denied", moves[1].To)
	require.Equal(t, iss.Changelog[2].ID, moves[1].ChangeID)
}

func TestTransitionToTheSameStatusLeavesNoChange(t *testing.T) {
	j := start(t, fakejira.Board(fakejira.Cloud))
	key := j.create()
	path := issuesPath + "/" + key + "/transitions"
	j.call(http.StatusNoContent, "POST", path, move("21", nil))
	j.call(http.StatusNoContent, "POST", path, move("21", nil))
	iss, err := j.Issue(key)
	require.NoError(t, err)
	require.Len(t, iss.Changelog, 1)
}

func TestActionsAreRefused(t *testing.T) {
	j := start(t, twoProjects(fakejira.Cloud))
	key := j.create()
	require.NoError(t, j.SetPermission("TAR", fakejira.AddComments, fakejira.AliceID))
	_, err := j.AddComment(key, fakejira.BobID, "b")
	require.ErrorContains(t, err, `account "bob" lacks ADD_COMMENTS on TAR-1`)
	_, err = j.AddComment("TAR-9", fakejira.AliceID, "b")
	require.Error(t, err)
	_, err = j.Issue("TAR-9")
	require.Error(t, err)
	_, err = j.DragTargets(key, "nobody")
	require.Error(t, err)
	for name, err := range map[string]error{
		"drag by a customer":       j.Drag(key, "Approved", fakejira.ClientID),
		"drag to nowhere":          j.Drag(key, "None", fakejira.AliceID),
		"drag by nobody":           j.Drag(key, "Approved", "nobody"),
		"move to nowhere":          j.MoveToProject(key, fakejira.AliceID, "NONE", ""),
		"move to where it is":      j.MoveToProject(key, fakejira.AliceID, "TAR", ""),
		"move to unknown status":   j.MoveToProject(key, fakejira.AliceID, "DBA", "None"),
		"labels with spaces":       j.SetLabels(key, fakejira.AliceID, []string{"a b"}),
		"property that is no JSON": j.SetProperty(key, fakejira.AliceID, "k", json.RawMessage("{")),
		"assign to nobody":         j.Reassign(key, fakejira.AliceID, "nobody"),
	} {
		require.Error(t, err, name)
	}
	_, err = j.CreateIssue(fakejira.AliceID, fakejira.NewIssue{Project: "NONE"})
	require.Error(t, err)
	_, err = j.CreateIssue(fakejira.AliceID, fakejira.NewIssue{Project: "TAR", Type: "Epic"})
	require.Error(t, err)
}

func TestSnapshotsDoNotChange(t *testing.T) {
	j := start(t, fakejira.Board(fakejira.Cloud))
	made, err := j.CreateIssue(fakejira.CarolID, fakejira.NewIssue{
		Project: "TAR", Type: "Task", Summary: "forged", Labels: []string{"teleport-abc"},
		Properties: map[string]json.RawMessage{"teleportAccessRequestId": json.RawMessage(`"abc"`)},
	})
	require.NoError(t, err)
	_, err = j.AddComment(made.Key, fakejira.CarolID, "one")
	require.NoError(t, err)
	seen, err := j.Issue(made.Key)
	require.NoError(t, err)
	seen.Labels[0], seen.Properties["x"], seen.Comments[0].Body = "changed", nil, "changed"
	again, err := j.Issue(made.Key)
	require.NoError(t, err)
	require.Equal(t, []string{"teleport-abc"}, again.Labels)
	require.NotContains(t, again.Properties, "x")
	require.Equal(t, "one", again.Comments[0].Body)
}

func TestWritesAreNotLostUnderConcurrency(t *testing.T) {
	const writers, each = 8, 5
	j := start(t, fakejira.Board(fakejira.Cloud)).raw()
	j.RegisterWebhook(fakejira.Webhook{URL: "http://127.0.0.1:1/", Lose: func(fakejira.Delivery) bool { return true }})
	key := j.create()
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range each {
				j.call(http.StatusCreated, "POST", issuesPath+"/"+key+"/comment", obj{"body": "b"})
				j.create("l")
				j.find("labels = l")
				assert.NoError(t, j.ChangeAccount(fakejira.BotID, func(a *fakejira.Account) { a.DisplayName += "." }))
				assert.NoError(t, j.SetPermission("TAR", fakejira.AddComments, fakejira.BotID))
			}
		})
	}
	wg.Wait()
	iss, err := j.Issue(key)
	require.NoError(t, err)
	require.Len(t, iss.Comments, writers*each)
	require.Len(t, j.Issues(), writers*each+1)
}

// TestRandomActionsKeepTheHistoryConsistent: whatever people do, the changelog
// leads from the initial status to the current one, ids ascend, and the search
// without lag agrees with the issues.
func TestRandomActionsKeepTheHistoryConsistent(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s, err := fakejira.New(twoProjects(fakejira.Cloud))
		require.NoError(rt, err)
		defer s.Close()
		people := rapid.SampledFrom([]string{fakejira.AliceID, fakejira.BobID, fakejira.CarolID})
		made, err := s.CreateIssue(fakejira.AliceID, fakejira.NewIssue{Project: "TAR", Summary: "s"})
		require.NoError(rt, err)
		for range rapid.IntRange(1, 20).Draw(rt, "actions") {
			who := people.Draw(rt, "who")
			switch rapid.IntRange(0, 2).Draw(rt, "action") {
			case 0:
				require.NoError(rt, s.Drag(made.ID, rapid.SampledFrom([]string{"Pending", "Approved", "Denied", "Expired"}).Draw(rt, "to"), who))
			case 1:
				now, err := s.Issue(made.ID)
				require.NoError(rt, err)
				other := map[string]string{"TAR": "DBA", "DBA": "TAR"}[now.Project]
				require.NoError(rt, s.MoveToProject(made.ID, who, other, ""))
			case 2:
				require.NoError(rt, s.SetLabels(made.ID, who, []string{rapid.StringMatching(`[a-z]{1,3}`).Draw(rt, "label")}))
			}
		}
		iss, err := s.Issue(made.ID)
		require.NoError(rt, err)
		at, last := "Pending", ""
		for _, m := range iss.Moves() {
			require.Equal(rt, at, m.From)
			require.Greater(rt, m.ChangeID, last)
			at, last = m.To, m.ChangeID
		}
		require.Equal(rt, iss.Status.Name, at)
		for _, old := range iss.OldKeys {
			same, err := s.Issue(old)
			require.NoError(rt, err)
			require.Equal(rt, iss.ID, same.ID)
		}
	})
}
