package jira_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/jira"
)

func TestIssueIsReadInOneCall(t *testing.T) {
	for _, flavour := range flavours {
		t.Run(flavour.String(), func(t *testing.T) {
			b := start(t, flavour)
			ref, _ := b.issue(t)
			require.NoError(t, b.Drag(ref.ID, "Denied", fakejira.BobID))
			require.NoError(t, b.Drag(ref.ID, "Approved", fakejira.AliceID))
			_, err := b.AddComment(ref.ID, fakejira.AliceID, "reason: fine")
			require.NoError(t, err)
			require.NoError(t, b.c.Connect(t.Context()))
			b.ResetCalls()

			for _, name := range []string{ref.ID, ref.Key} {
				issue, err := b.c.Issue(t.Context(), name)
				require.NoError(t, err)
				require.Equal(t, ref, issue.Ref)
				require.Equal(t, "TAR", issue.Project)
				require.Equal(t, "Approved", issue.Status.Name)
				require.Equal(t, requestID, issue.RequestID)
				require.Equal(t, []string{requestID.Label()}, issue.Labels)
				require.NotNil(t, issue.LastChange)
				require.Equal(t, fakejira.AliceID, issue.LastChange.By.ID)
				require.True(t, issue.LastChange.By.Active)
				require.Equal(t, access.AccountPerson, issue.LastChange.By.Type)
				require.Equal(t, "Denied", issue.LastChange.From.Name)
				require.Equal(t, issue.Status, issue.LastChange.To)
				require.NotEmpty(t, issue.LastChange.ID)
				require.False(t, issue.LastChange.At.IsZero())
				require.Len(t, issue.Comments, 1)
				require.Equal(t, "reason: fine", issue.Comments[0].Body)
				require.Equal(t, fakejira.AliceID, issue.Comments[0].Author.ID)
			}
			require.Len(t, b.Calls(), 2)
		})
	}
}

func TestNewIssueHasNoLastMove(t *testing.T) {
	for _, flavour := range flavours {
		t.Run(flavour.String(), func(t *testing.T) {
			b := start(t, flavour)
			ref, _ := b.issue(t)
			require.NoError(t, b.SetLabels(ref.ID, fakejira.BobID, []string{"x"}))
			issue, err := b.c.Issue(t.Context(), ref.ID)
			require.NoError(t, err)
			require.Nil(t, issue.LastChange)
			require.Empty(t, issue.Comments)
		})
	}
}

func TestLongChangelogAndCommentsArePaged(t *testing.T) {
	for _, flavour := range flavours {
		t.Run(flavour.String(), func(t *testing.T) {
			b := start(t, flavour, func(s *settings) { s.double.ChangelogCap, s.double.PageCap = 3, 4 })
			ref, _ := b.issue(t)
			require.NoError(t, b.Drag(ref.ID, "Approved", fakejira.AliceID))
			for i := range 11 {
				require.NoError(t, b.SetLabels(ref.ID, fakejira.BobID, []string{fmt.Sprint("l", i)}))
				_, err := b.AddComment(ref.ID, fakejira.BobID, fmt.Sprint(i))
				require.NoError(t, err)
			}
			issue, err := b.c.Issue(t.Context(), ref.ID)
			require.NoError(t, err)
			require.NotNil(t, issue.LastChange)
			require.Equal(t, fakejira.AliceID, issue.LastChange.By.ID)
			require.Len(t, issue.Comments, 11)
			require.Equal(t, "10", issue.Comments[10].Body)
		})
	}
}

func TestIdsThatLeadElsewhereNeverReachJira(t *testing.T) {
	b := start(t, fakejira.Cloud)
	for _, id := range []string{"", "../10000", "10000/../../myself", "1%2f2", "TAR-1?x", "TAR-1/comment", "-1", "tar 1", "1e3"} {
		_, err := b.c.Issue(t.Context(), id)
		wantError(t, err, access.Permanent, false)
		ref := access.IssueRef{ID: id, Key: "TAR-1"}
		if id == "" {
			ref.Key = "../x"
		}
		err = b.c.Comment(t.Context(), ref, access.CommentDraft{DedupKey: "m", Text: "t"})
		wantError(t, err, access.Permanent, false)
		_, err = b.c.Transition(t.Context(), ref, []string{"Approved"})
		wantError(t, err, access.Permanent, false)
		_, err = b.c.CommentKeys(t.Context(), ref)
		wantError(t, err, access.Permanent, false)
	}
	_, err := b.c.FindIssues(t.Context(), `x" OR project = Y`)
	wantError(t, err, access.Permanent, false)
	require.Empty(t, b.Calls())
}

func TestDeletedIssueIsNotFoundAndExpiredTokenIsToldFromIt(t *testing.T) {
	for _, flavour := range flavours {
		t.Run(flavour.String(), func(t *testing.T) {
			token := fakejira.BotToken
			b := start(t, flavour, func(s *settings) { s.config.Token = func() string { return token } })
			ref, _ := b.issue(t)
			require.NoError(t, b.Delete(ref.ID, fakejira.BobID))
			_, err := b.c.Issue(t.Context(), ref.ID)
			require.ErrorIs(t, err, access.ErrNotFound)
			wantError(t, err, access.Permanent, false)

			b.Inject(fakejira.Fault{Route: fakejira.RouteIssue, Effect: fakejira.Respond, Status: http.StatusNotFound})
			token = "expired"
			_, err = b.c.Issue(t.Context(), ref.ID)
			require.NotErrorIs(t, err, access.ErrNotFound)
			wantError(t, err, access.Unauth, false)
			require.NotContains(t, err.Error(), "expired")
		})
	}
}

func TestNoticeIsEscapedMarkedAndFoundAgain(t *testing.T) {
	for _, flavour := range flavours {
		t.Run(flavour.String(), func(t *testing.T) {
			b := start(t, flavour)
			ref, _ := b.issue(t)
			require.NoError(t, b.c.Connect(t.Context()))
			b.ResetCalls()
			require.NoError(t, b.c.Comment(t.Context(), ref, access.CommentDraft{DedupKey: "review/0", Text: "said *no* to [~bob]"}))
			require.Len(t, b.Calls(), 1)
			issue, err := b.Issue(ref.ID)
			require.NoError(t, err)
			require.Len(t, issue.Comments, 1)
			require.Equal(t, `said \*no\* to \[&#126;bob\]`, issue.Comments[0].Body)
			require.False(t, issue.Comments[0].Internal)

			_, err = b.AddComment(ref.ID, fakejira.BobID, "no mark")
			require.NoError(t, err)
			marks, err := b.c.CommentKeys(t.Context(), ref)
			require.NoError(t, err)
			require.Equal(t, map[string]bool{"review/0": true}, marks)
		})
	}
}

func TestInternalNotesAreConfirmed(t *testing.T) {
	desk := func(s *settings) {
		s.double.Projects[0].Type = "service_desk"
		s.config.CommentVisibility = jira.Internal
	}
	for _, flavour := range flavours {
		t.Run(flavour.String(), func(t *testing.T) {
			b := start(t, flavour, desk)
			ref, _ := b.issue(t)
			err := b.c.Comment(t.Context(), ref, access.CommentDraft{DedupKey: "m", Text: "secret"})
			issue, readErr := b.Issue(ref.ID)
			require.NoError(t, readErr)
			require.True(t, issue.Comments[0].Internal)
			require.NoError(t, err)
		})
	}
	t.Run("elsewhere than on a service desk", func(t *testing.T) {
		b := start(t, fakejira.Cloud, func(s *settings) { s.config.CommentVisibility = jira.Internal })
		ref, _ := b.issue(t)
		err := b.c.Comment(t.Context(), ref, access.CommentDraft{DedupKey: "m", Text: "secret"})
		wantError(t, err, access.Permanent, true)
	})
}

// TestSearchFollowsTheTokenBesideIsLast: Cloud has been seen to send both.
func TestSearchFollowsTheTokenBesideIsLast(t *testing.T) {
	b := start(t, fakejira.Cloud, func(s *settings) { s.double.PageCap, s.double.LastBesideToken = 2, true })
	for i := range 5 {
		d := draft()
		d.Request.ID = access.RequestID(fmt.Sprint("r", i))
		_, err := b.c.CreateIssue(t.Context(), d)
		require.NoError(t, err)
	}
	found := 0
	for _, err := range b.c.Search(t.Context(), access.IssueQuery{}) {
		require.NoError(t, err)
		found++
	}
	require.Equal(t, 5, found)
}

func TestSearchPagesThroughOwnIssues(t *testing.T) {
	for _, flavour := range flavours {
		t.Run(flavour.String(), func(t *testing.T) {
			b := start(t, flavour, func(s *settings) { s.double.PageCap = 2 })
			var keys []string
			for i := range 5 {
				d := draft()
				d.Request.ID = access.RequestID(fmt.Sprint("r", i))
				ref, err := b.c.CreateIssue(t.Context(), d)
				require.NoError(t, err)
				keys = append(keys, ref.Key)
			}
			_, err := b.CreateIssue(fakejira.BobID, fakejira.NewIssue{
				Project: "TAR", Labels: []string{"teleport-r0"}, Properties: map[string]json.RawMessage{},
			})
			require.NoError(t, err)
			require.NoError(t, b.Drag(keys[1], "Approved", fakejira.AliceID))

			list := func(q access.IssueQuery) []string {
				var got []string
				for issue, err := range b.c.Search(t.Context(), q) {
					require.NoError(t, err)
					require.False(t, issue.Updated.IsZero())
					require.Len(t, issue.Labels, 1)
					if flavour == fakejira.Cloud {
						require.NotEmpty(t, issue.RequestID)
					}
					got = append(got, issue.Ref.Key)
				}
				return got
			}
			require.Equal(t, keys, list(access.IssueQuery{}))
			require.Equal(t, keys[1:2], list(access.IssueQuery{Statuses: []string{"approved", "Denied"}}))
			others := []string{keys[0], keys[2], keys[3], keys[4]}
			require.Equal(t, others, list(access.IssueQuery{NotStatuses: []string{"Approved"}, UpdatedSince: 1}))
			require.Equal(t, others, list(access.IssueQuery{NotStatuses: []string{"Approved", "No \"such\""}}), "unknown status")

			found, err := b.c.FindIssues(t.Context(), "r0")
			require.NoError(t, err)
			require.Len(t, found, 1, "an issue that somebody else made is no candidate")
		})
	}
}

// TestSearchByGetWhereAGatewayLetsNoPostThrough: page by page, like by POST.
func TestSearchByGetWhereAGatewayLetsNoPostThrough(t *testing.T) {
	for _, flavour := range flavours {
		t.Run(flavour.String(), func(t *testing.T) {
			b := start(t, flavour, func(s *settings) { s.double.PageCap = 1 })
			var want, got []string
			for range 3 {
				ref, _ := b.issue(t)
				want = append(want, ref.Key)
			}
			for _, route := range []string{fakejira.RouteSearch, fakejira.RouteSearchJQL} {
				b.Inject(fakejira.Fault{Method: http.MethodPost, Route: route, Effect: fakejira.Respond, Status: http.StatusMethodNotAllowed})
			}
			for issue, err := range b.c.Search(t.Context(), access.IssueQuery{Statuses: []string{"Pending"}}) {
				require.NoError(t, err)
				got = append(got, issue.Ref.Key)
			}
			require.Equal(t, want, got)
		})
	}
}

func TestSearchEndsAfterAnError(t *testing.T) {
	b := start(t, fakejira.Cloud)
	b.issue(t)
	b.Inject(fakejira.Fault{Route: fakejira.RouteSearchJQL, Effect: fakejira.Respond, Status: http.StatusForbidden})
	yields := 0
	for _, err := range b.c.Search(t.Context(), access.IssueQuery{}) {
		yields++
		wantError(t, err, access.Permanent, false)
	}
	require.Equal(t, 1, yields)
}

func TestPeople(t *testing.T) {
	for _, flavour := range flavours {
		t.Run(flavour.String(), func(t *testing.T) {
			b := start(t, flavour, func(s *settings) {
				s.double.HideEmails = flavour == fakejira.Cloud
				s.double.GlobalPermissions = map[fakejira.Permission][]string{fakejira.Administer: {fakejira.BotID}}
			})
			alice, err := b.c.User(t.Context(), "alice@example.com")
			require.NoError(t, err)
			require.Equal(t, fakejira.AliceID, alice.ID)
			again, err := b.c.User(t.Context(), alice.ID)
			require.NoError(t, err)
			require.Equal(t, alice.ID, again.ID)
			_, err = b.c.User(t.Context(), "nobody@example.com")
			require.ErrorIs(t, err, access.ErrNotFound)

			for handle, want := range map[string]bool{"alice@example.com": true, "bob@example.com": false, "": false, "nobody": false} {
				is, err := b.c.IsUser(t.Context(), alice, handle)
				require.NoError(t, err)
				require.Equal(t, want, is, handle)
			}
			in := func(id string, groups ...string) bool {
				member, err := b.c.InGroups(t.Context(), access.Actor{ID: id}, groups)
				require.NoError(t, err)
				return member
			}
			require.True(t, in(fakejira.AliceID, "others", "Approvers"))
			require.False(t, in(fakejira.CarolID, "approvers"))
			require.False(t, in(fakejira.AliceID))
			_, err = b.c.InGroups(t.Context(), access.Actor{}, []string{"approvers"})
			require.Error(t, err)
		})
	}
}

func TestConnectLearnsWhoAndWhere(t *testing.T) {
	for _, flavour := range flavours {
		t.Run(flavour.String(), func(t *testing.T) {
			b := start(t, flavour, faulty, func(s *settings) {
				s.double.BaseURL = "https://public.example.com/jira"
				s.double.PathPrefix = "/ex/jira/123"
				s.config.URL = "https://api.example.com/ex/jira/123/"
			})
			require.Equal(t, "https://api.example.com/ex/jira/123/browse/TAR-1", b.c.BrowseURL("TAR-1"))
			require.Zero(t, b.c.Self())
			require.NoError(t, b.c.Connect(t.Context()))
			require.Equal(t, fakejira.BotID, b.c.Self().ID)
			require.Equal(t, "https://public.example.com/jira/browse/TAR-1", b.c.BrowseURL("TAR-1"))
			require.Empty(t, b.c.BrowseURL("../x"))
		})
	}
}

func TestWrongTokenIsUnauthenticated(t *testing.T) {
	for _, flavour := range flavours {
		t.Run(flavour.String(), func(t *testing.T) {
			b := start(t, flavour, func(s *settings) { s.config.Token = func() string { return "hunter2" } })
			err := b.c.Connect(t.Context())
			wantError(t, err, access.Unauth, false)
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
}

func TestPersonalAccessTokenIsSentAsBearer(t *testing.T) {
	b := start(t, fakejira.DataCenter, func(s *settings) {
		s.double.NoBasicAuth = true
		s.config.Username, s.config.Token = "", func() string { return fakejira.BotPAT }
	})
	require.NoError(t, b.c.Connect(context.Background()))
	require.Equal(t, fakejira.BotID, b.c.Self().ID)
}
