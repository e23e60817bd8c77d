package jira_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/fakejira/openapi"
	"teleport-jira/internal/jira"
)

// requestID is the request that most tests make an issue for.
const requestID access.RequestID = "0192-aaaa"

// bench is a double and a client of its bot.
type bench struct {
	*fakejira.Server
	c    *jira.Client
	logs *bytes.Buffer
}

// settings are what a test changes before both are made.
type settings struct {
	double fakejira.Options
	config jira.Config
	socket http.RoundTripper // between client and double; nil holds the traffic against Atlassian's documents
}

// faulty is for doubles that answer what no document allows.
func faulty(s *settings) { s.socket = nowhere{} }

// nowhere stands for the double itself.
type nowhere struct{ http.RoundTripper }

// flavours are the kinds of Jira that everything has to work with.
var flavours = []fakejira.Flavour{fakejira.Cloud, fakejira.DataCenter}

func start(t *testing.T, flavour fakejira.Flavour, change ...func(*settings)) *bench {
	t.Helper()
	s := settings{double: fakejira.Board(flavour), config: jira.Config{
		URL: "https://jira.example.com", Username: fakejira.BotEmail,
		Token:    func() string { return fakejira.BotToken },
		Projects: []string{"TAR"}, Decisive: []string{"Approved", "Denied"},
	}}
	if flavour == fakejira.DataCenter {
		s.config.Username = fakejira.BotID
	}
	for _, f := range change {
		f(&s)
	}
	double, err := fakejira.New(s.double)
	require.NoError(t, err)
	t.Cleanup(double.Close)
	switch s.socket.(type) {
	case nowhere:
		s.socket = double.RoundTripper()
	case nil:
		s.socket = fakejira.Direct(openapi.Validate(t, flavour, double))
	}
	b := &bench{Server: double, logs: &bytes.Buffer{}}
	b.c, err = jira.New(s.config, jira.Deps{Logger: slog.New(slog.NewTextHandler(b.logs, nil)), Transport: s.socket})
	require.NoError(t, err)
	return b
}

func draft() access.Draft {
	created := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	return access.Draft{
		Request: access.Request{
			ID: requestID, User: "alice@example.com", Roles: []string{"editor", "dba"}, Reason: "fix *prod*",
			State: access.Pending, Created: created, Expires: created.Add(time.Hour), MaxDuration: created.Add(8 * time.Hour),
			Resources:          []access.Resource{{Kind: "node", ID: "n1", Name: "web-1"}},
			SuggestedReviewers: []string{"bob"}, Thresholds: []access.Threshold{{Name: "default", Approve: 2, Deny: 1}},
		},
		URL: "https://teleport.example.com/web/requests/" + string(requestID), Project: "TAR", IssueType: "Task",
	}
}

// issue makes an issue through the client and gives it as the double has it.
func (b *bench) issue(t *testing.T) (access.IssueRef, fakejira.Issue) {
	t.Helper()
	ref, err := b.c.CreateIssue(t.Context(), draft())
	require.NoError(t, err)
	issue, err := b.Issue(ref.ID)
	require.NoError(t, err)
	return ref, issue
}

// wantError checks the facts that decide what is done about an error.
func wantError(t *testing.T, err error, class access.Class, ambiguous bool) *access.Error {
	t.Helper()
	var e *access.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, class, e.Class, err)
	require.Equal(t, ambiguous, e.Ambiguous, err)
	return e
}
