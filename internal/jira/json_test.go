package jira

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"teleport-jira/internal/access"
)

func TestTypesThatDifferBetweenDeploymentsAreRead(t *testing.T) {
	var issue issueJSON
	require.NoError(t, decode([]byte(`{
		"id": 10000, "key": "TAR-1",
		"fields": {"status": {"id": 3, "name": "Pending"}, "labels": null, "project": {"key": "TAR"}, "updated": 5, "summary": {"odd": 1}},
		"properties": {"teleportAccessRequestId": "r1"},
		"changelog": {"total": 1, "histories": [{"id": 77, "created": "2026-03-04T05:06:07.008+0100",
			"author": {"key": "k", "name": "n", "active": "true", "emailAddress": null},
			"items": [{"field": "status", "fieldtype": "custom", "to": "9"}, {"field": "status", "fieldtype": "jira", "from": 1, "to": 3, "toString": "Pending"}]}]}
	}`), &issue))
	require.Equal(t, access.IssueRef{ID: "10000", Key: "TAR-1"}, issue.ref())
	require.Equal(t, access.RequestID("r1"), issue.requestID())
	require.True(t, issue.Fields.Updated.IsZero())
	changes := statusChanges(issue.Changelog.all(), "TAR")
	require.Len(t, changes, 1)
	move := changes[0]
	require.Equal(t, "77", move.ID)
	require.Equal(t, access.Status{ID: "3", Name: "Pending"}, move.To)
	require.Equal(t, access.Actor{ID: "k", Name: "n", Type: access.AccountPerson, Active: true}, move.By)
	require.True(t, time.Date(2026, 3, 4, 4, 6, 7, 8e6, time.UTC).Equal(move.At))
}

func TestMalformedRequestPropertyIsNone(t *testing.T) {
	for _, value := range []string{`"../x"`, `{"a":1}`, `null`, `""`} {
		var issue issueJSON
		require.NoError(t, decode([]byte(`{"properties":{"teleportAccessRequestId":`+value+`}}`), &issue))
		require.Empty(t, issue.requestID(), value)
	}
}

func TestNewestStatusChangeIsFoundInAnyOrder(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	entries := []history{
		{ID: "9", Created: timestamp{at}, Items: []changeItem{{FieldID: "status", To: "1"}}},
		{ID: "10", Created: timestamp{at}, Items: []changeItem{{FieldID: "status", To: "2"}}},
		{ID: "8", Created: timestamp{at.Add(-time.Hour)}, Items: []changeItem{{FieldID: "status", To: "3"}}},
		{ID: "11", Created: timestamp{at.Add(time.Hour)}, Items: []changeItem{{FieldID: "customfield_1", Field: "status", To: "4"}}},
	}
	rapid.Check(t, func(t *rapid.T) {
		shuffled := rapid.Permutation(entries).Draw(t, "order")
		entries := slices.Clone(shuffled)
		sortNewestFirst(entries)
		changes := statusChanges(entries, "TAR")
		require.Len(t, changes, 3)
		require.Equal(t, "10", changes[0].ID)
	})
	require.Empty(t, statusChanges(nil, "TAR"))
}

// TestStatusChangeKnowsTheProjectThatItWasMadeIn: issues may be taken to where other
// people may move them, and back.
func TestStatusChangeKnowsTheProjectThatItWasMadeIn(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	status := changeItem{Field: "status", FieldType: "jira", To: "2"}
	project := changeItem{Field: "project", FieldType: "jira", From: "10000", To: "10001"}
	key := func(from string) changeItem {
		return changeItem{Field: "Key", FieldType: "jira", FromString: text(from)}
	}
	custom := changeItem{Field: "Key", FieldType: "custom", FromString: "EVIL-1"}
	for name, c := range map[string]struct {
		changes [][]changeItem // oldest first
		want    string
	}{
		"at home":                          {[][]changeItem{{status}}, "TAR"},
		"at home, and the key is a field":  {[][]changeItem{{status}, {custom}}, "TAR"},
		"at home, before it came here":     {[][]changeItem{{project, key("OLD-1")}, {status}}, "TAR"},
		"elsewhere":                        {[][]changeItem{{status}, {project, key("EVIL-7")}}, "EVIL"},
		"elsewhere, and home by a detour":  {[][]changeItem{{status}, {project, key("EVIL-7")}, {key("MORE-8")}}, "EVIL"},
		"elsewhere, which is not named":    {[][]changeItem{{status}, {project}}, ""},
		"elsewhere, which is not readable": {[][]changeItem{{status}, {project, key("nonsense")}}, ""},
		"on the way":                       {[][]changeItem{{project, key("EVIL-7"), status}}, ""},
		"by another workflow":              {[][]changeItem{{{Field: "issuetype", FieldType: "jira"}, {Field: "Workflow", FieldType: "jira"}, status}}, ""},
		"before another workflow":          {[][]changeItem{{status}, {{Field: "Workflow", FieldType: "jira"}}}, "TAR"},
		"on the way, without a key":        {[][]changeItem{{status, project}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var entries []history
			for i, items := range c.changes {
				entries = append(entries, history{ID: text(strconv.Itoa(i)), Created: timestamp{at.Add(time.Duration(i) * time.Hour)}, Items: items})
			}
			sortNewestFirst(entries)
			changes := statusChanges(entries, "TAR")
			require.NotEmpty(t, changes)
			require.Equal(t, c.want, changes[0].Project)
		})
	}
}

func TestChangelogThatLagsTheStatusShowsNoChange(t *testing.T) {
	var c Client
	var raw issueJSON
	require.NoError(t, decode([]byte(`{"id":"1","fields":{"status":{"id":"2"}},"changelog":{"total":2,"histories":[
		{"id":"1","created":"2026-01-01T00:00:00.000+0000","items":[{"field":"status","to":"2"}]},
		{"id":"2","created":"2026-01-01T01:00:00.000+0000","items":[{"field":"status","to":"1"}]}]}}`), &raw))
	issue := &access.Issue{Status: access.Status{ID: "2"}}
	require.NoError(t, c.readHistory(t.Context(), call{}, "", raw, issue))
	require.Nil(t, issue.LastChange)
	require.Len(t, issue.Changes, 2)
}

func TestQuotedTextCanNotLeaveItsString(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		quoted := quoteJQL(rapid.String().Draw(t, "text"))
		inner := strings.NewReplacer(`\\`, "", `\"`, "").Replace(quoted[1 : len(quoted)-1])
		require.NotContains(t, inner, `"`)
		require.False(t, strings.HasSuffix(inner, `\`))
	})
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"id":1,"key":"TAR-1","fields":{"labels":["a"],"comment":{"total":1,"comments":[{"id":"1","properties":[{"key":"teleport-jira","value":{"mark":"m"}}]}]}}}`))
	f.Add([]byte(`{"changelog":{"histories":[{"id":"1","items":[{"field":"status"}]}]},"transitions":[{"id":"1","to":{"id":"2"},"fields":{"resolution":{"required":true}}}]}`))
	f.Add([]byte(`{"issues":[{"id":"1"}],"isLast":true}`))
	f.Fuzz(func(_ *testing.T, body []byte) {
		var issue issueJSON
		if decode(body, &issue) != nil {
			return
		}
		_, _, _ = issue.summary(), issue.ref(), issue.requestID()
		if issue.Changelog != nil {
			_, _ = statusChanges(issue.Changelog.all(), "TAR"), textEdits(issue.Changelog.all())
		}
		if issue.Fields.Comment != nil {
			for _, c := range issue.Fields.Comment.Comments {
				_, _ = c.comment(), c.dedupKey()
			}
		}
		if issue.Transitions != nil {
			for _, tr := range *issue.Transitions {
				_, _, _ = tr.fill(), tr.rank(), tr.missing()
			}
		}
	})
}

func FuzzRefusal(f *testing.F) {
	f.Add([]byte(`{"errorMessages":["no"],"errors":{"labels":"not on screen"}}`))
	f.Add([]byte("<html>"))
	f.Add([]byte(`{"message":"null for uri"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		text := parseRefusal(body).text(strings.TrimSpace)
		require.LessOrEqual(t, len([]rune(text)), maxErrorText)
		require.False(t, strings.ContainsFunc(text, unicode.IsControl))
	})
}

func BenchmarkDecode(b *testing.B) {
	body := []byte(`{"id":"10000","key":"TAR-1","fields":{"status":{"id":"3","name":"Pending"},"labels":["teleport-x"],"project":{"key":"TAR"},
		"updated":"2026-03-04T05:06:07.008+0100","comment":{"total":1,"comments":[{"id":"1","body":"reason: x","author":{"accountId":"a","active":true}}]}},
		"properties":{"teleportAccessRequestId":"x"},"changelog":{"total":1,"histories":[{"id":"77","created":"2026-03-04T05:06:07.008+0100",
		"author":{"accountId":"a","active":true},"items":[{"field":"status","fieldId":"status","from":"1","to":"3","toString":"Pending"}]}]}}`)
	b.ReportAllocs()
	for b.Loop() {
		var issue issueJSON
		if err := decode(body, &issue); err != nil {
			b.Fatal(err)
		}
	}
}
