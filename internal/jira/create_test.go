package jira_test

import (
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/jira"
)

func TestCreateMakesAnIssueThatTellsAndIsFoundAgain(t *testing.T) {
	for _, flavour := range flavours {
		t.Run(flavour.String(), func(t *testing.T) {
			b := start(t, flavour)
			ref, issue := b.issue(t)
			require.Equal(t, issue.ID, ref.ID)
			require.Equal(t, issue.Key, ref.Key)
			require.Equal(t, "alice@example.com requested editor, dba: node web-1", issue.Summary)
			require.Equal(t, []string{"teleport-0192-aaaa"}, issue.Labels)
			require.JSONEq(t, `"0192-aaaa"`, string(issue.Properties["teleportAccessRequestId"]))
			require.Equal(t, 1, b.Count(http.MethodPost, fakejira.RouteIssues))
			for _, part := range []string{
				"*User:* alice@example.com", "*Roles:* editor, dba", "*Request ID:* 0192-aaaa", "*Created:* 2026-03-04 05:06:07",
				"*Max duration:* 2026-03-04 13", `fix \*prod\*`, "* node web-1", "*Suggested reviewers:* bob", "2 to approve, 1 to deny",
				"[Open the request in Teleport|https://teleport.example.com/web/requests/0192-aaaa]",
			} {
				require.Contains(t, issue.Description, part)
			}

			found, err := b.c.FindIssues(t.Context(), requestID)
			require.NoError(t, err)
			require.Len(t, found, 1)
			require.Equal(t, ref, found[0].Ref)
			require.Equal(t, "TAR", found[0].Project)
			require.Equal(t, "Pending", found[0].Status.Name)
		})
	}
}

func TestSummaryIsOneLineOf254CharactersAtMost(t *testing.T) {
	b := start(t, fakejira.Cloud)
	d := draft()
	d.Request.Roles, d.Request.Resources = []string{strings.Repeat("é", 300), "r\no\u202ele"}, nil
	ref, err := b.c.CreateIssue(t.Context(), d)
	require.NoError(t, err)
	issue, err := b.Issue(ref.ID)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(issue.Summary, "alice@example.com requested éé"), issue.Summary)
	require.True(t, strings.HasSuffix(issue.Summary, "é… and 1 more"), issue.Summary)
	require.LessOrEqual(t, utf8.RuneCountInString(issue.Summary), 254)
}

func TestDescriptionIsCutVisiblyAndKeepsTheFacts(t *testing.T) {
	b := start(t, fakejira.Cloud)
	d := draft()
	d.Request.Reason = strings.Repeat("{", 40000)
	ref, err := b.c.CreateIssue(t.Context(), d)
	require.NoError(t, err)
	issue, err := b.Issue(ref.ID)
	require.NoError(t, err)
	require.LessOrEqual(t, utf8.RuneCountInString(issue.Description), 32767)
	require.True(t, strings.HasSuffix(issue.Description, "\\{…\n{quote}"))
	require.Contains(t, issue.Description, "Open the request in Teleport")
}

func TestTemplates(t *testing.T) {
	b := start(t, fakejira.Cloud, func(s *settings) {
		s.double.Projects[0].Fields = []fakejira.Field{
			{ID: "customfield_10050", Name: "Request"},
			{ID: "customfield_10051", Name: "Team", Type: fakejira.SelectField, Choices: []string{"db"}},
		}
		s.config.Issue = jira.IssueConfig{
			Summary:     "{{.User}}: {{join .Roles \"+\"}} *now*",
			Description: "h1. {{.User}}\n{{if .Reason}}{{.Reason}}{{end}}{{range .Resources}}\n* {{.Name}}{{end}} {{.Roles}}",
			Fields:      map[string]any{"request": "{{.ID}}*", "customfield_10051": map[string]any{"value": "db"}},
			Labels:      []string{"access"},
		}
	})
	d := draft()
	d.Labels = []string{"db", "access", "not a label"}
	ref, err := b.c.CreateIssue(t.Context(), d)
	require.NoError(t, err)
	issue, err := b.Issue(ref.ID)
	require.NoError(t, err)
	require.Equal(t, "alice@example.com: editor+dba *now*", issue.Summary)
	require.Equal(t, "h1. alice@example.com\nfix \\*prod\\*\n* web-1 editor, dba", issue.Description)
	require.Equal(t, "0192-aaaa*", issue.Fields["customfield_10050"])
	require.Contains(t, issue.Fields["customfield_10051"], "value")
	require.ElementsMatch(t, []string{"teleport-0192-aaaa", "access", "db"}, issue.Labels)
}

func TestNewNamesEveryTemplateThatCanNotBeUsed(t *testing.T) {
	_, err := jira.New(jira.Config{
		URL: "https://jira.example.com", Token: func() string { return "" }, Projects: []string{"TAR"},
		Issue: jira.IssueConfig{Summary: "{{.Nobody}}", Description: "{{", Fields: map[string]any{"x": "{{.No}}"}},
	}, jira.Deps{})
	for _, want := range []string{"summary:", "description:", "fields.x:"} {
		require.ErrorContains(t, err, want)
	}
}

func TestFieldsThatAreNotOnTheScreenAreLeftOutAndWarnedOfOnce(t *testing.T) {
	for _, flavour := range flavours {
		t.Run(flavour.String(), func(t *testing.T) {
			b := start(t, flavour, func(s *settings) {
				s.double.Projects[0].OffScreen = []string{"labels", "priority"}
				s.config.Issue.Priority = "High"
			})
			for range 2 {
				_, issue := b.issue(t)
				require.Empty(t, issue.Labels)
			}
			require.Equal(t, 1, strings.Count(b.logs.String(), "field=labels"), b.logs)
			require.Equal(t, 1, strings.Count(b.logs.String(), "field=priority"))
		})
	}
}

// The issue names its cluster: reading and, on Cloud, searches show it, and no
// other cluster adopts it for a request of the same id.
func TestCreatedIssueNamesItsCluster(t *testing.T) {
	for _, flavour := range flavours {
		t.Run(flavour.String(), func(t *testing.T) {
			b := start(t, flavour)
			require.NoError(t, b.c.Connect(t.Context()))
			d := draft()
			d.Cluster = "example.com"
			ref, err := b.c.CreateIssue(t.Context(), d)
			require.NoError(t, err)
			issue, err := b.c.Issue(t.Context(), ref.ID)
			require.NoError(t, err)
			require.Equal(t, "example.com", issue.Cluster)
			for found, err := range b.c.Search(t.Context(), access.IssueQuery{}) {
				require.NoError(t, err)
				require.Equal(t, flavour == fakejira.Cloud, found.Cluster == "example.com")
			}
			for cluster, want := range map[string]bool{"example.com": true, "": true, "another.example.com": false} {
				d.Cluster = cluster
				ok, err := b.c.CreatedFor(t.Context(), ref, d)
				require.NoError(t, err)
				require.Equal(t, want, ok, cluster)
			}
		})
	}
}

func TestCreateRefusedForANeededFieldIsPermanent(t *testing.T) {
	b := start(t, fakejira.Cloud, func(s *settings) {
		s.double.Projects[0].Fields = []fakejira.Field{{ID: "customfield_1", Name: "Cost", Required: true}}
	})
	_, err := b.c.CreateIssue(t.Context(), draft())
	e := wantError(t, err, access.Permanent, false)
	require.Equal(t, http.StatusBadRequest, e.Status)
	require.Contains(t, err.Error(), "customfield_1")
	require.Equal(t, 1, b.Count(http.MethodPost, fakejira.RouteIssues))
}

func TestReporterIsTheRequesterWhereFound(t *testing.T) {
	for _, flavour := range flavours {
		t.Run(flavour.String(), func(t *testing.T) {
			b := start(t, flavour, func(s *settings) {
				s.config.Issue.Reporter = jira.Requester
				s.config.Issue.Assignee = "bob@example.com"
			})
			_, issue := b.issue(t)
			require.Equal(t, fakejira.AliceID, issue.Reporter)
			require.Equal(t, fakejira.BobID, issue.Assignee)

			d := draft()
			d.Request.User = "nobody@example.com"
			ref, err := b.c.CreateIssue(t.Context(), d)
			require.NoError(t, err)
			issue, err = b.Issue(ref.ID)
			require.NoError(t, err)
			require.Equal(t, fakejira.BotID, issue.Reporter)
		})
	}
}

func TestCreateOutsideTheConfiguredProjectsIsRefused(t *testing.T) {
	b := start(t, fakejira.Cloud)
	d := draft()
	d.Project = "DBA"
	_, err := b.c.CreateIssue(t.Context(), d)
	wantError(t, err, access.Permanent, false)
	require.Empty(t, b.Calls())
}

func TestTemplateThatFailsForARequestCostsNoIssue(t *testing.T) {
	b := start(t, fakejira.Cloud, func(s *settings) {
		s.config.Issue = jira.IssueConfig{
			Summary:     "{{index .Roles 0}}",
			Description: "{{(index .Resources 0).Name}}",
			Fields:      map[string]any{"customfield_1": "{{index .SuggestedReviewers 0}}"},
		}
	})
	d := draft()
	d.Request.Roles, d.Request.Resources, d.Request.SuggestedReviewers = nil, nil, nil
	ref, err := b.c.CreateIssue(t.Context(), d)
	require.NoError(t, err)
	issue, err := b.Issue(ref.ID)
	require.NoError(t, err)
	require.Equal(t, "alice@example.com requested access", issue.Summary)
	require.Contains(t, issue.Description, "*User:* alice@example.com")
	for _, template := range []string{"summary", "description", "fields.customfield_1"} {
		require.Contains(t, b.logs.String(), "template="+template)
	}
}

func TestCustomFieldsReplaceNothingOfTheDaemons(t *testing.T) {
	b := start(t, fakejira.Cloud, func(s *settings) {
		s.config.Issue.Fields = map[string]any{"Labels": []any{"x"}, "summary": "y"}
	})
	_, issue := b.issue(t)
	require.Equal(t, []string{requestID.Label()}, issue.Labels)
	require.Equal(t, "alice@example.com requested editor, dba: node web-1", issue.Summary)
}

func TestFieldNamesThatCanNotBeReadCostNoIssue(t *testing.T) {
	b := start(t, fakejira.Cloud, func(s *settings) { s.config.Issue.Fields = map[string]any{"Cost centre": "7"} })
	b.Inject(fakejira.Fault{Route: fakejira.RouteField, Effect: fakejira.Respond, Status: http.StatusUnauthorized, Times: 1})
	for range 3 {
		_, issue := b.issue(t)
		require.Empty(t, issue.Fields)
	}
	require.Contains(t, b.logs.String(), "Cost centre")
	reads := 0
	for _, call := range b.Calls() {
		if call.Route == fakejira.RouteField {
			reads++
		}
	}
	require.Equal(t, 2, reads, "asked again after a refusal, and not again after an answer")
}
