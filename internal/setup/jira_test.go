package setup_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/fakejira/openapi"
	"teleport-jira/internal/setup"
)

// loggedIn adds an account's credentials.
type loggedIn struct {
	user, token string
	next        http.RoundTripper
}

func (l loggedIn) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.SetBasicAuth(l.user, l.token)
	return l.next.RoundTrip(req)
}

func want() setup.Want {
	return setup.Want{
		Project: "ACC", IssueType: "Access Request", Daemon: fakejira.BotID, People: []string{fakejira.BobID},
		Statuses: setup.Statuses{
			Pending: "Pending", Approved: "Approved", Denied: "Denied", Expired: "Expired", Promoted: "Approved",
			Ended: "Access ended", Revoked: "Revoked",
		},
	}
}

// site is a double with Alice for an administrator.
func site(t *testing.T) (*fakejira.Server, *http.Client) {
	t.Helper()
	o := fakejira.Board(fakejira.Cloud)
	o.GlobalPermissions = map[fakejira.Permission][]string{fakejira.Administer: {fakejira.AliceID}}
	s, err := fakejira.New(o)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s, as(openapi.Validate(t, fakejira.Cloud, s), "alice@example.com", "alice-token")
}

func as(h http.Handler, user, token string) *http.Client {
	return &http.Client{Transport: loggedIn{user, token, fakejira.Direct(h)}}
}

const address = "https://jira.example.com"

// run makes all that is not there, and returns how many steps that were.
func run(t *testing.T, login *http.Client, w setup.Want) int {
	t.Helper()
	j, err := setup.Inspect(t.Context(), login, address, w)
	require.NoError(t, err)
	steps, err := j.Plan()
	require.NoError(t, err)
	made := 0
	for _, s := range steps {
		if !s.Done {
			require.NoError(t, j.Make(t.Context(), s), s.Text)
			made++
		}
	}
	require.Regexp(t, `/projects/ACC/boards/\d+$`, j.BoardURL(address))
	return made
}

func TestProjectIsMadeOnceAndHasOnlyTheWantedMoves(t *testing.T) {
	s, login := site(t)
	require.Equal(t, 8, run(t, login, want()))
	require.Zero(t, run(t, login, want()), "all is there")

	issue := create(t, s)
	require.Equal(t, "Pending", issue.Status.Name)
	require.Error(t, s.Drag(issue.ID, "Approved", fakejira.CarolID), "she is not named")
	require.Error(t, s.Drag(issue.ID, "Expired", fakejira.BobID), "this is the daemon's")
	require.NoError(t, s.Drag(issue.ID, "Approved", fakejira.BobID))
	require.Error(t, s.Drag(issue.ID, "Denied", fakejira.BobID), "there is no such move")
	require.NoError(t, s.Drag(issue.ID, "Revoked", fakejira.CarolID), "the daemon says whether that counts")
	require.NoError(t, s.Drag(issue.ID, "Access ended", fakejira.BotID))
}

// create makes an issue as the daemon does.
func create(t *testing.T, s *fakejira.Server) fakejira.Issue {
	t.Helper()
	body := `{"fields":{"project":{"key":"ACC"},"issuetype":{"name":"Access Request"},"summary":"x"}}`
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address+"/rest/api/2/issue", strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	resp, err := as(s, fakejira.BotEmail, fakejira.BotToken).Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusCreated, resp.StatusCode)
	all := s.Issues()
	require.Len(t, all, 1)
	return all[0]
}

func TestOtherPeoplesProjectIsLeftAlone(t *testing.T) {
	s, login := site(t)
	w := want()
	w.Project = "TAR"
	j, err := setup.Inspect(t.Context(), login, address, w)
	require.NoError(t, err)
	_, err = j.Plan()
	require.ErrorIs(t, err, setup.ErrUnrelated)
	for _, c := range s.Calls() {
		require.Equal(t, http.MethodGet, c.Method)
	}
}

func TestWhoeverIsNoAdministratorIsToldSo(t *testing.T) {
	s, _ := site(t)
	_, err := setup.Inspect(t.Context(), as(s, "bob@example.com", "bob-token"), address, want())
	require.ErrorIs(t, err, setup.ErrNoAdministrator)
}

// TestInterruptedRunIsCompletedByTheNext cuts the answer, or the call, of each step.
func TestInterruptedRunIsCompletedByTheNext(t *testing.T) {
	t.Parallel()
	for name, lost := range map[string]fakejira.Effect{"request": fakejira.LoseRequest, "answer": fakejira.LoseAnswer} {
		for _, route := range []string{
			fakejira.RouteIssueTypes, fakejira.RouteWorkflowCheck, fakejira.RouteWorkflowCreate, fakejira.RouteWorkflowSchemes,
			fakejira.RouteIssueTypeSchemes, fakejira.RoutePermSchemes, fakejira.RouteProjects, fakejira.RouteFilters, fakejira.RouteBoards,
		} {
			t.Run(name+" "+route, func(t *testing.T) {
				t.Parallel()
				s, _ := site(t)
				login := as(s, "alice@example.com", "alice-token")
				s.Inject(fakejira.Fault{Method: http.MethodPost, Route: route, Effect: lost, Times: 1})
				require.Error(t, attempt(t.Context(), login, want()))
				run(t, login, want())
				require.Zero(t, run(t, login, want()))
			})
		}
	}
}

// attempt makes what it can, up to the first failure.
func attempt(ctx context.Context, login *http.Client, w setup.Want) error {
	j, err := setup.Inspect(ctx, login, address, w)
	if err != nil {
		return err
	}
	steps, err := j.Plan()
	for _, s := range steps {
		if err == nil && !s.Done {
			err = j.Make(ctx, s)
		}
	}
	return err
}
