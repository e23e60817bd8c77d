package jira_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/fakejira"
)

// crowd are as many accounts as a search shows, all of whose names begin so.
func crowd(name string) []fakejira.Account {
	var all []fakejira.Account
	for i := range 50 {
		all = append(all, fakejira.Account{ID: fmt.Sprintf("crowd-%d", i), Name: fmt.Sprintf("crowd%d", i), DisplayName: name + fmt.Sprint(i)})
	}
	return all
}

func TestRequesterAccount(t *testing.T) {
	const address = "alice@example.com"
	first := func(o *fakejira.Options, accounts ...fakejira.Account) { o.Accounts = append(accounts, o.Accounts...) }
	for name, c := range map[string]struct {
		user  string
		setUp func(o *fakejira.Options)
		want  string
		fault string // of the error, which is permanent
	}{
		"by address":      {address, nil, fakejira.AliceID, ""},
		"in another case": {"Alice@Example.com", nil, fakejira.AliceID, ""},
		"that Jira hides": {address, func(o *fakejira.Options) { o.HideEmails = true }, fakejira.AliceID, ""},
		"nobody's":        {"nobody@example.com", nil, "", ""},
		"begins so":       {"alice@example", nil, "", ""},
		"no name":         {"", nil, "", ""},
		"among too many":  {address, func(o *fakejira.Options) { first(o, crowd(address)...) }, "", "than Jira shows"},
		"of two accounts": {address, func(o *fakejira.Options) { first(o, fakejira.Account{ID: "twin", Name: "twin", Email: address}) }, "", "more than one"},
		"people can't be searched": {address, func(o *fakejira.Options) {
			o.GlobalPermissions = map[fakejira.Permission][]string{fakejira.BrowseUsers: {}}
		}, "", "browse users"},
	} {
		for _, flavour := range flavours {
			t.Run(name+"/"+flavour.String(), func(t *testing.T) {
				b := start(t, flavour, func(s *settings) {
					if c.setUp != nil {
						c.setUp(&s.double)
					}
				})
				var all sync.WaitGroup
				for range 10 {
					all.Go(func() {
						_, _ = b.c.RequesterAccount(t.Context(), c.user) // the answer is looked at below
					})
				}
				all.Wait()
				id, err := b.c.RequesterAccount(t.Context(), c.user)
				require.Equal(t, c.want, id)
				if c.fault == "" {
					require.NoError(t, err)
				} else {
					require.Equal(t, access.Permanent, access.ClassOf(err))
					require.ErrorContains(t, err, c.fault)
				}
				require.LessOrEqual(t, b.Count(http.MethodGet, fakejira.RouteUserSearch), 1, "one look-up a requester")
			})
		}
	}
}

// TestBanIsNotOpenedByAFullPage: who is asked about may be among those that the
// search does not show.
func TestBanIsNotOpenedByAFullPage(t *testing.T) {
	b := start(t, fakejira.Cloud, func(s *settings) { s.double.Accounts = append(crowd("alice"), s.double.Accounts...) })
	who := access.Actor{ID: fakejira.BobID, DisplayName: "Bob"}
	is, err := b.c.IsUser(t.Context(), who, "alice")
	require.False(t, is)
	require.Equal(t, access.Permanent, access.ClassOf(err))
	require.ErrorContains(t, err, "than Jira shows")

	is, err = b.c.IsUser(t.Context(), who, "carol") // the honest counterpart
	require.NoError(t, err)
	require.False(t, is)
}

// TestRequesterIsFoundByUserName: only Data Center has user names.
func TestRequesterIsFoundByUserName(t *testing.T) {
	b := start(t, fakejira.DataCenter, func(s *settings) {
		s.double.Accounts = append(crowd("aaron"), s.double.Accounts...)
		s.double.Accounts = append(s.double.Accounts, fakejira.Account{ID: "JIRAUSER7", Name: "aaron"})
	})
	id, err := b.c.RequesterAccount(t.Context(), "aaron")
	require.NoError(t, err)
	require.Equal(t, "JIRAUSER7", id)
	id, err = b.c.RequesterAccount(t.Context(), "nobody")
	require.NoError(t, err)
	require.Empty(t, id)

	b = start(t, fakejira.Cloud)
	id, err = b.c.RequesterAccount(t.Context(), "alice")
	require.NoError(t, err)
	require.Empty(t, id)
	require.Zero(t, b.Count(http.MethodGet, fakejira.RouteUserSearch))
}
