package plan_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/plan"
)

func TestIssueOfAnotherClusterIsLeftAlone(t *testing.T) {
	decided := "approved by " + bob.ID
	for name, c := range map[string]struct {
		own, record, issue string
		want               string
	}{
		"nobody names one":                {"", "", "", decided},
		"an older issue and record":       {"here", "", "", decided},
		"its own":                         {"here", "here", "here", decided},
		"its own, an older record":        {"here", "", "here", decided},
		"another's by property":           {"here", "", "there", ""},
		"another's by a property changed": {"here", "here", "there", ""},
		"another's by record":             {"here", "there", "", ""},
		"another's by both":               {"here", "there", "there", ""},
		"letters differ in case":          {"here", "Here", "", ""},
		"own name not known":              {"", "there", "there", decided},
	} {
		t.Run(name, func(t *testing.T) {
			v := plan.Snapshot{
				ID: "r1", Request: request(access.Pending), Record: record(), Issue: issue(approved, &bob),
				Self: self, Reviewer: "bot", Now: now, Cluster: c.own,
			}
			v.Record.Cluster, v.Issue.Cluster = c.record, c.issue
			require.Equal(t, c.want, brief(settings().Plan(v)))
		})
	}
}

func TestOrphanIsClosedByItsOwnClusterOnly(t *testing.T) {
	const closed = "comment resolution/expired, move expired"
	for name, c := range map[string]struct {
		issue  string
		shared bool
		record access.Record
		want   string
	}{
		"names this cluster":                  {issue: "here", want: closed},
		"names this one, shared project":      {issue: "here", shared: true, want: closed},
		"names another":                       {issue: "there", want: ""},
		"names another, a record without one": {issue: "there", record: access.Record{User: "alice"}, want: ""},
		"names none":                          {want: closed},
		"names none, shared project":          {shared: true, want: ""},
		"names none, known here":              {shared: true, record: access.Record{User: "alice"}, want: "note"},
	} {
		t.Run(name, func(t *testing.T) {
			v := plan.Snapshot{
				ID: "r1", Record: c.record, Issue: issue(pending, nil), Self: self, Reviewer: "bot", Now: now,
				Cluster: "here", ProjectShared: c.shared,
			}
			v.Issue.Cluster = c.issue
			require.Equal(t, c.want, brief(settings().PlanOrphan(v)))
		})
	}
}

func TestNewIssueNamesItsCluster(t *testing.T) {
	steps := settings().Plan(plan.Snapshot{ID: "r1", Request: request(access.Pending), Self: self, Now: now, Cluster: "here"})
	require.Len(t, steps, 1)
	require.Equal(t, "here", steps[0].Do.(plan.CreateIssue).Draft.Cluster)
	require.Equal(t, "here", steps[0].Then.Cluster)
}
