package jira_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/jira"
	"teleport-jira/internal/preflight"
)

// sparse leaves fields out of the authors of changelog entries.
type sparse struct {
	next http.RoundTripper
	drop []string
}

func (s *sparse) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := s.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var doc map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&doc); err != nil {
		return nil, err
	}
	if log, ok := doc["changelog"].(map[string]any); ok {
		for _, entry := range log["histories"].([]any) {
			author := entry.(map[string]any)["author"].(map[string]any)
			for _, field := range s.drop {
				delete(author, field)
			}
		}
	}
	body, err := json.Marshal(doc)
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return resp, err
}

// TestAuthorOfAMoveIsLookedUpWhereTheChangelogIsSparse: nothing is assumed of
// an account that the changelog does not describe.
func TestAuthorOfAMoveIsLookedUpWhereTheChangelogIsSparse(t *testing.T) {
	for name, c := range map[string]struct {
		who    string
		hidden bool // the daemon may not browse users
		want   access.AccountType
		active bool
	}{
		"a person":                  {fakejira.BobID, false, access.AccountPerson, true},
		"an app":                    {fakejira.RobotID, false, access.AccountApp, true},
		"one who can't be asked of": {fakejira.BobID, true, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			b := start(t, fakejira.Cloud, faulty, func(s *settings) {
				p := &s.double.Projects[0]
				p.Permissions = map[fakejira.Permission][]string{fakejira.TransitionIssues: {fakejira.BotID, fakejira.BobID, fakejira.RobotID}}
				if c.hidden {
					s.double.GlobalPermissions = map[fakejira.Permission][]string{fakejira.BrowseUsers: {}}
				}
			})
			ref, made := b.issue(t)
			require.NoError(t, b.Drag(made.ID, "Approved", c.who))
			clt, err := jira.New(jira.Config{
				URL: "https://jira.example.com", Username: fakejira.BotEmail,
				Token: func() string { return fakejira.BotToken }, Projects: []string{"TAR"},
			}, jira.Deps{Transport: &sparse{b.RoundTripper(), []string{"accountType", "active", "emailAddress"}}})
			require.NoError(t, err)
			issue, err := clt.Issue(t.Context(), ref.ID)
			require.NoError(t, err)
			require.Equal(t, c.who, issue.LastChange.By.ID)
			require.Equal(t, c.want, issue.LastChange.By.Type)
			require.Equal(t, c.active, issue.LastChange.By.Active)
		})
	}
}

// TestBanIsNotOpenedByASearchThatShowsNobody: without the right to browse
// users Jira answers searches with an empty list.
func TestBanIsNotOpenedByASearchThatShowsNobody(t *testing.T) {
	for _, flavour := range flavours {
		t.Run(flavour.String(), func(t *testing.T) {
			b := start(t, flavour, func(s *settings) {
				s.double.GlobalPermissions = map[fakejira.Permission][]string{fakejira.BrowseUsers: {}}
			})
			alice := access.Actor{ID: fakejira.AliceID, DisplayName: "Alice"}
			is, err := b.c.IsUser(t.Context(), alice, "alice@example.com")
			require.False(t, is)
			require.Equal(t, access.Permanent, access.ClassOf(err))
			require.ErrorContains(t, err, "browse users")
		})
	}
}

func TestGroupsAreRememberedForAShortWhileAndFailuresNever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, fakejira.Cloud, faulty)
		bob, groups := access.Actor{ID: fakejira.BobID}, []string{"approvers"}
		b.Inject(fakejira.Fault{Route: fakejira.RouteUserGroups, Times: 1, Effect: fakejira.Respond, Status: http.StatusForbidden})
		in, err := b.c.InGroups(t.Context(), bob, groups)
		require.False(t, in, "closed on error")
		require.Equal(t, access.Permanent, access.ClassOf(err))

		for range 5 {
			in, err = b.c.InGroups(t.Context(), bob, groups)
			require.NoError(t, err)
			require.True(t, in)
		}
		require.Equal(t, 2, b.Count(http.MethodGet, fakejira.RouteUserGroups))

		require.NoError(t, b.ChangeAccount(fakejira.BobID, func(a *fakejira.Account) { a.Groups = nil }))
		<-time.After(31 * time.Second)
		in, err = b.c.InGroups(t.Context(), bob, groups)
		require.NoError(t, err)
		require.False(t, in)
	})
}

// TestCommentThatIsNotInternalIsFoundAgain: it stands already, so that it must
// not be written again.
func TestCommentThatIsNotInternalIsFoundAgain(t *testing.T) {
	b := start(t, fakejira.Cloud, faulty, func(s *settings) { s.config.CommentVisibility = jira.Internal })
	require.NoError(t, b.c.Connect(t.Context()))
	ref, _ := b.issue(t)
	err := b.c.Comment(t.Context(), ref, access.CommentDraft{DedupKey: "move/1", Text: "secret"})
	wantError(t, err, access.Permanent, true)
	require.ErrorContains(t, err, "not internal")
	marks, err := b.c.CommentKeys(t.Context(), ref)
	require.NoError(t, err)
	require.True(t, marks["move/1"])
}

func TestThoroughPreflightWarnsWhereRequestersCanNotBeRecognised(t *testing.T) {
	for _, flavour := range flavours {
		t.Run(flavour.String(), func(t *testing.T) {
			b := start(t, flavour, func(s *settings) {
				s.double.GlobalPermissions = map[fakejira.Permission][]string{fakejira.BrowseUsers: {}}
			})
			findings, err := b.c.Preflight(t.Context(), jira.Expect{Thorough: true, Recognise: true})
			require.NoError(t, err)
			for _, f := range findings {
				if f.Name == "permission USER_PICKER" {
					require.Equal(t, preflight.Warning, f.Level)
					return
				}
			}
			require.Fail(t, "the permission is not looked at")
		})
	}
}
