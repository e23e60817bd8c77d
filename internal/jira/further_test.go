package jira_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/fakejira"
)

// withMoreProjects adds OPS, and SEC, which the daemon's account can't see.
func withMoreProjects(s *settings) {
	ops := s.double.Projects[0]
	ops.ID, ops.Key, ops.Name = "10010", "OPS", "Operations"
	s.double.Projects = append(s.double.Projects, ops)
}

// calls counts the calls so far.
func (b *bench) made() int { return len(b.Calls()) }

func TestProjectBesideTheConfiguredOnes(t *testing.T) {
	for _, flavour := range flavours {
		t.Run(flavour.String(), func(t *testing.T) {
			b := start(t, flavour, withMoreProjects)
			require.NoError(t, b.c.Connect(t.Context()))
			d := draft()
			d.Project = "OPS"
			_, err := b.c.CreateIssue(t.Context(), d)
			require.ErrorContains(t, err, "not configured", "before it is known to be usable")

			for _, c := range []struct{ project, issueType, why string }{
				{"OPS", "Task", ""}, {"OPS", "Epic of Epics", "not among those"}, {"NOPE", "Task", "not found"}, {"TAR", "Task", ""},
			} {
				why, err := b.c.Usable(t.Context(), c.project, c.issueType)
				require.NoError(t, err)
				if c.why == "" {
					require.Empty(t, why, c.project)
				} else {
					require.Contains(t, why, c.why)
				}
			}
			before := b.made()
			_, err = b.c.Usable(t.Context(), "OPS", "Task")
			require.NoError(t, err)
			require.Equal(t, before, b.made(), "the answer is kept")

			ref, err := b.c.CreateIssue(t.Context(), d)
			require.NoError(t, err)
			found, err := b.c.FindIssues(t.Context(), requestID)
			require.NoError(t, err)
			require.Len(t, found, 1, "searches look there")
			require.Equal(t, ref.ID, found[0].Ref.ID)
		})
	}
}

// TestIncludedProjectThatIsGoneStopsNoSearch: Jira refuses a query that names a
// project it does not have, and a record may name any.
func TestIncludedProjectThatIsGoneStopsNoSearch(t *testing.T) {
	for _, flavour := range flavours {
		t.Run(flavour.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := start(t, flavour, withMoreProjects)
				require.NoError(t, b.c.Connect(t.Context()))
				b.c.Include("NOPE")
				b.c.Include("OPS")
				b.c.Include("TAR")
				_, err := b.CreateIssue(fakejira.BotID, fakejira.NewIssue{Project: "OPS", Summary: "x", Labels: []string{requestID.Label()}})
				require.NoError(t, err)
				search := func() (n int) {
					for _, err := range b.c.Search(t.Context(), access.IssueQuery{}) {
						require.NoError(t, err)
						n++
					}
					return n
				}
				require.Equal(t, 1, search())
				before := b.made()
				require.Equal(t, 1, search())
				require.Equal(t, before+1, b.made(), "no project is asked for again")
				<-time.After(11 * time.Minute)
				require.Equal(t, 1, search())
			})
		})
	}
}

// TestOriginGoesByWhatNobodyCanEdit: what an issue was made for and where, whatever
// label and project say now.
func TestOriginGoesByWhatNobodyCanEdit(t *testing.T) {
	const other = access.RequestID("0f0f0f0f-0000-0000-0000-000000000000")
	for _, flavour := range flavours {
		t.Run(flavour.String(), func(t *testing.T) {
			b := start(t, flavour, withMoreProjects)
			require.NoError(t, b.c.Connect(t.Context()))
			origin := func(id string) access.Origin {
				issue, err := b.c.Issue(t.Context(), id)
				require.NoError(t, err)
				return issue.Origin
			}
			ref, _ := b.issue(t)
			require.Equal(t, access.Origin{Request: requestID, Project: "TAR"}, origin(ref.ID))
			require.NoError(t, b.SetLabels(ref.ID, fakejira.CarolID, []string{other.Label()}))
			require.Equal(t, access.Origin{Request: requestID, Project: "TAR"}, origin(ref.ID))
			require.NoError(t, b.MoveToProject(ref.ID, fakejira.BobID, "OPS", "Pending"))
			require.Equal(t, access.Origin{Request: requestID}, origin(ref.ID))
			require.NoError(t, b.MoveToProject(ref.ID, fakejira.BobID, "TAR", "Pending"))
			require.Empty(t, origin(ref.ID).Project, "back again is not where it stayed")

			byHand, err := b.CreateIssue(fakejira.CarolID, fakejira.NewIssue{Project: "TAR", Summary: "x", Labels: []string{requestID.Label()}})
			require.NoError(t, err)
			require.Zero(t, origin(byHand.ID))
		})
	}
}
