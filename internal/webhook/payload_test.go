package webhook

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
)

func TestDecode(t *testing.T) {
	issue := func(event, changelog string) string {
		return `{"webhookEvent":"` + event + `","issue":{"id":"7","key":"A_1-2"}` + changelog + `}`
	}
	hint := access.IssueHint{ID: "7", Key: "A_1-2"}
	for name, tc := range map[string]struct {
		body    string
		matters bool
		hint    access.IssueHint
	}{
		"created":               {issue("jira:issue_created", ""), true, hint},
		"deleted":               {issue("jira:issue_deleted", ""), true, hint},
		"updated, no changelog": {issue("jira:issue_updated", ""), true, hint},
		"updated, no items":     {issue("jira:issue_updated", `,"changelog":{"items":[]}`), true, hint},
		"updated, status":       {issue("jira:issue_updated", `,"changelog":{"items":[{"field":"labels"},{"field":"status"}]}`), true, hint},
		"updated, project":      {issue("jira:issue_updated", `,"changelog":{"items":[{"field":"project"}]}`), true, hint},
		"updated, key":          {issue("jira:issue_updated", `,"changelog":{"items":[{"field":"Key"}]}`), true, hint},
		"updated, summary":      {issue("jira:issue_updated", `,"changelog":{"items":[{"field":"summary"}]}`), false, access.IssueHint{}},
		"old server's event":    {issue("", ""), true, hint},
		"comment":               {issue("comment_created", ""), false, access.IssueHint{}},
		"worklog":               {issue("jira:worklog_updated", ""), false, access.IssueHint{}},
		"no issue":              {`{"webhookEvent":"jira:issue_updated"}`, false, access.IssueHint{}},
		"null issue":            {`{"webhookEvent":"jira:issue_updated","issue":null}`, false, access.IssueHint{}},
		"empty object":          {`{}`, false, access.IssueHint{}},
		"id as a number":        {`{"issue":{"id":7}}`, true, access.IssueHint{ID: "7"}},
		"status":                {`{"issue":{"id":"7","fields":{"status":{"id":3,"name":"Denied"}}}}`, true, access.IssueHint{ID: "7", Status: access.Status{ID: "3", Name: "Denied"}}},
		"status when deleted":   {`{"webhookEvent":"jira:issue_deleted","issue":{"id":"7","fields":{"status":{"id":"3"}}}}`, true, access.IssueHint{ID: "7"}},
		"key that is a path":    {`{"issue":{"id":"7","key":"../x-1"}}`, true, access.IssueHint{ID: "7"}},
		"mistyped fields": {
			`{"webhookEvent":1,"issue":{"id":"7","key":["a"],"fields":"none"},"changelog":[1],"user":5}`,
			true,
			access.IssueHint{ID: "7"},
		},
		"mistyped labels": {
			`{"issue":{"id":"7","fields":{"labels":[{},null,5,"teleport-a"]}}}`,
			true,
			access.IssueHint{ID: "7", RequestID: "a"},
		},
		"label that is a path": {
			`{"issue":{"id":"7","fields":{"labels":["teleport-../x","teleport-","teleport-b"]}}}`,
			true,
			access.IssueHint{ID: "7", RequestID: "b"},
		},
		"labels of two requests": {
			`{"issue":{"id":"7","fields":{"labels":["teleport-b","teleport-c"]}}}`,
			true,
			access.IssueHint{ID: "7"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, matters, err := decode([]byte(tc.body))
			require.NoError(t, err)
			require.Equal(t, tc.matters, matters)
			require.Equal(t, tc.hint, got)
		})
	}
}

// TestDecodeTakesEveryWrapping: Jira Automation sends the issue itself, or what
// its author typed.
func TestDecodeTakesEveryWrapping(t *testing.T) {
	status := access.Status{ID: "3", Name: "Approved"}
	for name, tc := range map[string]struct {
		body string
		want access.IssueHint
	}{
		"issue data":     {`{"self":"x","id":10040,"key":"TAR-1","changelog":{"histories":[]},"fields":{"status":{"id":"3","name":"Approved"}}}`, access.IssueHint{ID: "10040", Key: "TAR-1", Status: status}},
		"key alone":      {`{"issue":{"key":"TAR-1"}}`, access.IssueHint{Key: "TAR-1"}},
		"id is null":     {`{"issue":{"id":null,"key":"TAR-1"}}`, access.IssueHint{Key: "TAR-1"}},
		"key, unwrapped": {`{"key":"TAR-1"}`, access.IssueHint{Key: "TAR-1"}},
	} {
		t.Run(name, func(t *testing.T) {
			hint, matters, err := decode([]byte(tc.body))
			require.NoError(t, err)
			require.True(t, matters)
			require.Equal(t, tc.want, hint)
		})
	}
	_, matters, err := decode([]byte(`{"webhookEvent":"sprint_closed","id":"7","key":"TAR-1"}`))
	require.NoError(t, err)
	require.False(t, matters, "another event is about no issue, whatever it is made of")
}

func TestDecodeRefuses(t *testing.T) {
	for name, body := range map[string]string{
		"nothing":        ``,
		"spaces":         `   `,
		"null":           `null`,
		"string":         `"{}"`,
		"array":          `[{}]`,
		"cut off":        `{"issue":{"id":"7"`,
		"no id, no key":  `{"issue":{"fields":{}}}`,
		"key is a path":  `{"issue":{"key":"../user"}}`,
		"id not a text":  `{"issue":{"id":{"a":1},"key":"A-1"}}`,
		"issue a string": `{"issue":"7"}`,
		"negative id":    `{"issue":{"id":-7}}`,
		"fraction":       `{"issue":{"id":7.5}}`,
		"long id":        `{"issue":{"id":"123456789012345678901"}}`,
		"id with a line": "{\"issue\":{\"id\":\"7\\n\"}}",
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := decode([]byte(body))
			require.ErrorIs(t, err, errMalformed)
		})
	}
}

// TestDecodeRecorded decodes real payloads of Jira Cloud, Server and Data
// Center, and the one in Atlassian's documentation.
func TestDecodeRecorded(t *testing.T) {
	dir := shared(t)
	// What is not named here can't matter.
	matters := map[string]access.IssueHint{
		"webhook-cloud-issue-created-many-fields.json":      {ID: "10509", Key: "KT-22", Status: access.Status{ID: "10004", Name: "To Do"}},
		"webhook-issue-assigned-empty-changelog.json":       {ID: "10001", Key: "TEST-123", Status: access.Status{ID: "10000", Name: "To Do"}},
		"webhook-issue-created.json":                        {ID: "10040", Key: "TES-41", Status: access.Status{ID: "10001", Name: "To Do"}},
		"webhook-issue-deleted.json":                        {ID: "10303", Key: "IDT-19"},
		"webhook-issue-updated-resolved.json":               {ID: "10040", Key: "TES-41", Status: access.Status{ID: "10002", Name: "Done"}},
		"webhook-issue-updated-started-working.json":        {ID: "10040", Key: "TES-41", Status: access.Status{ID: "3", Name: "In Progress"}},
		"webhook-server-issue-updated-closed.json":          {ID: "10300", Key: "TES-4", Status: access.Status{ID: "6", Name: "Closed"}},
		"webhook-server-issue-updated-comment-deleted.json": {ID: "10013", Key: "PRJX-14", Status: access.Status{ID: "10000", Name: "To Do"}},
		"webhook-server-issue-updated-commented-1.json":     {ID: "10013", Key: "PRJX-14", Status: access.Status{ID: "10000", Name: "To Do"}},
		"webhook-server-issue-updated-in-progress.json":     {ID: "10300", Key: "TES-4", Status: access.Status{ID: "3", Name: "In Progress"}},
		"webhook-server-issue-updated-reopened.json":        {ID: "10300", Key: "TES-4", Status: access.Status{ID: "4", Name: "Reopened"}},
		"webhook-server-issue-updated-resolved.json":        {ID: "10300", Key: "TES-4", Status: access.Status{ID: "5", Name: "Resolved"}},
	}
	files, err := filepath.Glob(filepath.Join(dir, "recorded", "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	files = append(files, filepath.Join(dir, "vectors", "webhook_issue_updated_documented_example.json"))
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			body, err := os.ReadFile(file)
			require.NoError(t, err)
			hint, ok, err := decode(body)
			require.NoError(t, err)
			want := matters[filepath.Base(file)]
			require.Equal(t, want, hint)
			require.Equal(t, want.ID != "", ok)
		})
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		moved, `{}`, `null`, `[]`, `{"issue":{"id":7}}`, `{"webhookEvent":"comment_created","comment":{}}`,
		`{"webhookEvent":"jira:issue_updated","issue":{"id":"../1","key":"A-1"},"changelog":{"id":1,"items":[{"field":"Key"}]}}`,
		`{"issue":{"id":"7","fields":{"labels":["teleport-a","teleport-../b"]}},"user":{"active":"true"}}`,
		`{"issue":{"key":"A-1"}}`, `{"key":"A-1","fields":{}}`, `{"a":[[[[[[[[`, "{\"issue\":\"\xff\"}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		hint, matters, err := decode(body)
		if err != nil || !matters {
			require.Zero(t, hint)
			return
		}
		require.True(t, json.Valid(body))
		require.True(t, hint.ID != "" || hint.Key != "", "it names an issue")
		if hint.ID != "" {
			require.Regexp(t, `^[0-9]+$`, hint.ID)
		}
		if hint.Key != "" {
			require.Regexp(t, `^[A-Z][A-Z0-9_]*-[0-9]+$`, hint.Key)
		}
		if hint.RequestID != "" {
			_, err := access.ParseRequestID(string(hint.RequestID))
			require.NoError(t, err)
		}
	})
}
