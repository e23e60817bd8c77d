package jira_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/preflight"
)

// thorough runs a thorough preflight and gives its findings by name.
func thorough(t *testing.T, b *bench, groups ...string) map[string]preflight.Finding {
	t.Helper()
	want := expected()
	want.Thorough, want.Groups = true, groups
	before := b.Writes()
	findings, _ := b.c.Preflight(t.Context(), want)
	require.Equal(t, before, b.Writes())
	byName := map[string]preflight.Finding{}
	for _, f := range findings {
		require.Equal(t, f.Level == preflight.OK, f.Fix == "", f.Name)
		require.NotEmpty(t, f.Detail, f.Name)
		byName[f.Name] = f
	}
	return byName
}

// walked makes an issue and drags it through the statuses.
func walked(t *testing.T, b *bench, statuses ...string) {
	t.Helper()
	_, issue := b.issue(t)
	for _, status := range statuses {
		require.NoError(t, b.Drag(issue.Key, status, fakejira.BotID))
	}
}

func TestThoroughPreflightSaysWhatCannotBeProven(t *testing.T) {
	for _, flavour := range flavours {
		t.Run(flavour.String(), func(t *testing.T) {
			found := thorough(t, start(t, flavour))
			require.Equal(t, preflight.OK, found["token"].Level)
			require.Equal(t, preflight.Warning, found["workflow of task in TAR"].Level)
			require.Contains(t, found["workflow of task in TAR"].Detail, "not provable")
		})
	}
}

func TestThoroughPreflightProvesTheWaysThatIssuesShow(t *testing.T) {
	for _, flavour := range flavours {
		t.Run(flavour.String(), func(t *testing.T) {
			b := start(t, flavour, func(s *settings) { s.double.Projects[0].Workflow = fakejira.ServiceDeskWorkflow() })
			walked(t, b)
			found := thorough(t, b)
			require.Equal(t, preflight.OK, found[`way from "Backlog" to pending in TAR`].Level)
			require.Equal(t, preflight.Warning, found[`way from "Pending" to approved in TAR`].Level)
			require.Contains(t, found[`way from "Pending" to approved in TAR`].Detail, `there is no task in ["Pending"]`)

			walked(t, b, "Pending")
			found = thorough(t, b)
			for _, state := range []string{"approved", "denied", "expired", "promoted"} {
				require.Equal(t, preflight.OK, found[`way from "Pending" to `+state+` in TAR`].Level, state)
			}
		})
	}
}

func TestThoroughPreflightFindsAWorkflowWithoutAWay(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*fakejira.Workflow)
		want   string
	}{
		"not for this account": {
			func(w *fakejira.Workflow) { w.Transitions[2].Allowed = []string{fakejira.BobID} },
			`way from "Pending" to denied in TAR`,
		},
		"only over a decision": {
			func(w *fakejira.Workflow) { w.Transitions[2].From = []string{"Approved"} },
			`way from "Pending" to denied in TAR`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := start(t, fakejira.Cloud, func(s *settings) { tc.change(&s.double.Projects[0].Workflow) })
			walked(t, b, "Expired")
			walked(t, b)
			found := thorough(t, b)
			require.Equal(t, preflight.Failure, found[tc.want].Level, "%v", found[tc.want])
			require.Equal(t, preflight.OK, found[`way from "Pending" to approved in TAR`].Level)
		})
	}
}

func TestThoroughPreflightLooksUpGroups(t *testing.T) {
	for _, flavour := range flavours {
		t.Run(flavour.String(), func(t *testing.T) {
			found := thorough(t, start(t, flavour), "Approvers", "nobody", "276f955c-63d7-42c8-9520-92d01dca0625")
			require.Equal(t, preflight.OK, found["permission USER_PICKER"].Level)
			require.Equal(t, preflight.OK, found["group Approvers"].Level)
			require.Equal(t, preflight.Failure, found["group nobody"].Level)
			require.Equal(t, preflight.Warning, found["group 276f955c-63d7-42c8-9520-92d01dca0625"].Level)
			require.NotContains(t, thorough(t, start(t, flavour)), "permission USER_PICKER")

			hidden := start(t, flavour, func(s *settings) {
				s.double.GlobalPermissions = map[fakejira.Permission][]string{fakejira.BrowseUsers: {fakejira.BobID}}
			})
			require.Equal(t, preflight.Failure, thorough(t, hidden, "approvers")["permission USER_PICKER"].Level)
		})
	}
}

func TestThoroughPreflightLooksUpPeople(t *testing.T) {
	for _, flavour := range flavours {
		t.Run(flavour.String(), func(t *testing.T) {
			b := start(t, flavour)
			require.NoError(t, b.ChangeAccount(fakejira.CarolID, func(a *fakejira.Account) { a.Inactive = true }))
			want := expected()
			want.Thorough, want.People = true, []string{"alice@example.com", fakejira.BobID, "carol@example.com", "nobody@example.com"}
			findings, err := b.c.Preflight(t.Context(), want)
			require.NoError(t, err)
			got := map[string]preflight.Level{}
			for _, f := range findings {
				got[f.Name] = f.Level
			}
			require.Equal(t, preflight.OK, got["account alice@example.com"])
			require.Equal(t, preflight.OK, got["account bob"])
			require.Equal(t, preflight.Warning, got["account carol@example.com"])
			require.Equal(t, preflight.Warning, got["account nobody@example.com"])
		})
	}
}
