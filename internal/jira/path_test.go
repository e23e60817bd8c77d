package jira_test

import (
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/fakejira"
)

// workflow replaces the board's: statuses by name, the first being initial;
// steps are "From>To".
func workflow(initial string, statuses []string, steps ...[2]string) func(*settings) {
	return func(s *settings) {
		w := fakejira.Workflow{Initial: initial}
		for i, name := range statuses {
			w.Statuses = append(w.Statuses, fakejira.Status{ID: string(rune('1'+i)) + "00", Name: name, Category: fakejira.InProgress})
		}
		for i, step := range steps {
			tr := fakejira.Transition{ID: string(rune('1'+i)) + "1", Name: step[0] + " to " + step[1], To: step[1]}
			if step[0] != "" {
				tr.From = []string{step[0]}
			}
			w.Transitions = append(w.Transitions, tr)
		}
		s.double.Projects[0].Workflow = w
	}
}

// moves names the statuses that an issue went through.
func (b *bench) moves(t *testing.T, id string) []string {
	t.Helper()
	issue, err := b.Issue(id)
	require.NoError(t, err)
	names := []string{}
	for _, change := range issue.Changelog {
		for _, item := range change.Items {
			if item.Field == "status" {
				names = append(names, *item.ToString)
			}
		}
	}
	return names
}

// The status is read before the step and after it.
func TestMoveTakesThreeCalls(t *testing.T) {
	for _, flavour := range flavours {
		t.Run(flavour.String(), func(t *testing.T) {
			b := start(t, flavour)
			ref, _ := b.issue(t)
			b.ResetCalls()
			moved, err := b.c.Transition(t.Context(), ref, []string{"nowhere", "approved"})
			require.NoError(t, err)
			require.True(t, moved)
			require.Equal(t, []string{"Approved"}, b.moves(t, ref.ID))
			require.Len(t, b.Calls(), 3)

			moved, err = b.c.Transition(t.Context(), ref, []string{"Approved"})
			require.NoError(t, err)
			require.False(t, moved, "there already")
			require.Len(t, b.Calls(), 4)
		})
	}
}

func TestMoveWalksAWorkflow(t *testing.T) {
	all := []string{"Backlog", "Review", "Dead end", "Approved", "Denied", "Pending"}
	for name, tc := range map[string]struct {
		steps  [][2]string
		target string
		want   []string
		moved  bool
	}{
		"one step between":            {[][2]string{{"Backlog", "Review"}, {"Review", "Pending"}}, "Pending", []string{"Review", "Pending"}, true},
		"leaves a blind alley":        {[][2]string{{"Backlog", "Dead end"}, {"Dead end", "Backlog"}, {"Backlog", "Review"}, {"Review", "Denied"}}, "Denied", []string{"Dead end", "Backlog", "Review", "Denied"}, true},
		"never through a decision":    {[][2]string{{"Backlog", "Approved"}, {"Approved", "Pending"}}, "Pending", []string{}, false},
		"not even around it":          {[][2]string{{"Backlog", "Review"}, {"Review", "Denied"}, {"Denied", "Approved"}, {"Review", "Backlog"}}, "Approved", []string{"Review", "Backlog"}, false},
		"no transition at all":        {nil, "Pending", []string{}, false},
		"a circle ends":               {[][2]string{{"Backlog", "Review"}, {"Review", "Dead end"}, {"Dead end", "Backlog"}}, "Pending", []string{"Review", "Dead end"}, false},
		"global transition preferred": {[][2]string{{"Backlog", "Review"}, {"", "Pending"}}, "Pending", []string{"Pending"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			b := start(t, fakejira.Cloud, workflow("Backlog", all, tc.steps...))
			ref, _ := b.issue(t)
			moved, err := b.c.Transition(t.Context(), ref, []string{tc.target})
			require.Equal(t, tc.want, b.moves(t, ref.ID))
			require.Equal(t, tc.moved, moved)
			if tc.moved {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, access.ErrUnreachable)
			wantError(t, err, access.Permanent, false)
		})
	}
}

func TestMoveRemembersTheWorkflow(t *testing.T) {
	b := start(t, fakejira.Cloud, workflow("Backlog", []string{"Backlog", "Dead end", "Review", "Pending"},
		[2]string{"Backlog", "Dead end"}, [2]string{"Dead end", "Backlog"}, [2]string{"Backlog", "Review"}, [2]string{"Review", "Pending"}))
	for _, want := range [][]string{{"Dead end", "Backlog", "Review", "Pending"}, {"Review", "Pending"}} {
		ref, _ := b.issue(t)
		_, err := b.c.Transition(t.Context(), ref, []string{"Pending"})
		require.NoError(t, err)
		require.Equal(t, want, b.moves(t, ref.ID))
	}
}

// Each step of a walk comes back as a webhook that asks for the walk again.
func TestMoveThatFoundNoWayIsNotWalkedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, fakejira.Cloud, workflow("Backlog", []string{"Backlog", "Review", "Pending"},
			[2]string{"Backlog", "Review"}, [2]string{"Review", "Backlog"}))
		ref, _ := b.issue(t)
		there := []string{"Review", "Backlog"}
		for range 3 {
			_, err := b.c.Transition(t.Context(), ref, []string{"Pending"})
			require.ErrorIs(t, err, access.ErrUnreachable)
			require.Equal(t, there, b.moves(t, ref.ID))
		}
		<-time.After(time.Hour)
		_, err := b.c.Transition(t.Context(), ref, []string{"Pending"})
		require.ErrorIs(t, err, access.ErrUnreachable)
		require.Equal(t, slices.Concat(there, there), b.moves(t, ref.ID), "an hour later the workflow may be another")
	})
}

func TestMoveFillsARequiredResolutionOnly(t *testing.T) {
	for name, required := range map[string]bool{"required": true, "on the screen": false} {
		t.Run(name, func(t *testing.T) {
			b := start(t, fakejira.Cloud, func(s *settings) {
				for i := range s.double.Projects[0].Workflow.Transitions {
					tr := &s.double.Projects[0].Workflow.Transitions[i]
					tr.Resolution = true
					if required {
						tr.Required = []string{"resolution"}
					}
				}
			})
			ref, _ := b.issue(t)
			moved, err := b.c.Transition(t.Context(), ref, []string{"Denied"})
			require.NoError(t, err)
			require.True(t, moved)
			issue, err := b.Issue(ref.ID)
			require.NoError(t, err)
			require.Equal(t, required, issue.Resolution != "")
		})
	}
}

// racing lets another account move the issue just before the bot does.
type racing struct {
	next http.RoundTripper
	act  func()
}

func (r *racing) RoundTrip(req *http.Request) (*http.Response, error) {
	if act := r.act; req.Method == http.MethodPost && act != nil {
		r.act = nil
		act()
	}
	return r.next.RoundTrip(req)
}

// TestMoveThatJiraOnlyClaims: the answer says that it was made, and the issue is
// where it was.
func TestMoveThatJiraOnlyClaims(t *testing.T) {
	for _, flavour := range flavours {
		t.Run(flavour.String(), func(t *testing.T) {
			b := start(t, flavour, faulty)
			ref, _ := b.issue(t)
			b.Inject(fakejira.Fault{
				Method: http.MethodPost, Route: fakejira.RouteTransitions, Times: 1, Effect: fakejira.Respond, Status: http.StatusNoContent,
			})
			moved, err := b.c.Transition(t.Context(), ref, []string{"Approved"})
			wantError(t, err, access.Temporary, false)
			require.ErrorContains(t, err, "and it was not")
			require.False(t, moved)
			moved, err = b.c.Transition(t.Context(), ref, []string{"Approved"})
			require.NoError(t, err)
			require.True(t, moved)
		})
	}
}

func TestMoveThatSomebodyElseMadeIsSuccess(t *testing.T) {
	for _, tc := range []struct {
		flavour fakejira.Flavour
		status  int
	}{{fakejira.Cloud, 400}, {fakejira.Cloud, 409}, {fakejira.DataCenter, 400}, {fakejira.DataCenter, 500}} {
		for target, want := range map[string]bool{"Approved": true, "Denied": false} {
			race := &racing{}
			b := start(t, tc.flavour, workflow("Pending", []string{"Pending", "Approved", "Denied"},
				[2]string{"Pending", "Approved"}, [2]string{"Pending", "Denied"}), func(s *settings) {
				s.double.BadTransition = tc.status
				s.socket = race
			})
			race.next = b.RoundTripper()
			ref, _ := b.issue(t)
			race.act = func() { require.NoError(t, b.Drag(ref.ID, target, fakejira.BobID)) }
			moved, err := b.c.Transition(t.Context(), ref, []string{"Approved"})
			require.False(t, moved)
			require.Equal(t, want, err == nil, "%s %d %s: %v", tc.flavour, tc.status, target, err)
			require.Equal(t, []string{target}, b.moves(t, ref.ID))
			if err != nil {
				wantError(t, err, access.Temporary, false)
			}
		}
	}
}

func TestMoveWhoseAnswerIsLostIsAmbiguous(t *testing.T) {
	b := start(t, fakejira.Cloud)
	ref, _ := b.issue(t)
	b.Inject(fakejira.Fault{Method: http.MethodPost, Route: fakejira.RouteTransitions, Effect: fakejira.LoseAnswer, Times: 1})
	_, err := b.c.Transition(t.Context(), ref, []string{"Approved"})
	wantError(t, err, access.Temporary, true)
	moved, err := b.c.Transition(t.Context(), ref, []string{"Approved"})
	require.NoError(t, err)
	require.False(t, moved)
}
