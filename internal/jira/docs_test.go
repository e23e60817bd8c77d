package jira_test

import (
	"os"
	"reflect"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/wikitext/templates"
)

func TestDocumentedTemplatesAreComplete(t *testing.T) {
	doc, err := os.ReadFile("../../docs/issue-templates.md")
	require.NoError(t, err)
	for _, field := range reflect.VisibleFields(reflect.TypeFor[templates.Data]()) {
		require.Contains(t, string(doc), "`."+field.Name+"`")
	}
}

func TestDocumentedTemplatesWork(t *testing.T) {
	doc, err := os.ReadFile("../../docs/issue-templates.md")
	require.NoError(t, err)
	description := regexp.MustCompile(`(?s)description = """\n(.*?)"""`).FindSubmatch(doc)
	require.NotNil(t, description)
	team := regexp.MustCompile(`value = "(.*)" \}`).FindSubmatch(doc)
	require.NotNil(t, team)
	b := start(t, fakejira.Cloud, func(s *settings) {
		s.double.Projects[0].Fields = []fakejira.Field{{ID: "customfield_10051", Name: "Team"}}
		s.config.Issue.Description = string(description[1])
		s.config.Issue.Fields = map[string]any{"Team": string(team[1])}
	})
	_, issue := b.issue(t)
	require.Equal(t, "h3. alice@example.com asks for editor, dba\n{quote}fix \\*prod\\*{quote}\n* node web-1\n"+
		"[Open in Teleport|https://teleport.example.com/web/requests/0192-aaaa]\n", issue.Description)
	require.Equal(t, "platform", issue.Fields["customfield_10051"])
}
