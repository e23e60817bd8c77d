package jira_test

import (
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/jira"
)

func TestErrorsAreDecidedByStatus(t *testing.T) {
	for name, tc := range map[string]struct {
		fault          fakejira.Fault
		class          access.Class
		ambiguousWrite bool
		after          time.Duration
	}{
		"400":                    {fault: respond(400, nil), class: access.Permanent},
		"401":                    {fault: respond(401, nil), class: access.Permanent}, // the test leaves /myself alone
		"403":                    {fault: respond(403, nil), class: access.Permanent},
		"409":                    {fault: respond(409, nil), class: access.Temporary},
		"422":                    {fault: respond(422, nil), class: access.Permanent},
		"500":                    {fault: respond(500, nil), class: access.Temporary, ambiguousWrite: true},
		"502 with a page":        {fault: fakejira.Fault{Effect: fakejira.Respond, Status: 502, Body: fakejira.ProxyPage}, class: access.Temporary, ambiguousWrite: true},
		"504":                    {fault: respond(504, nil), class: access.Temporary, ambiguousWrite: true},
		"429":                    {fault: respond(429, http.Header{"Retry-After": {"7"}}), class: access.Limited, after: 7 * time.Second},
		"503 without a time":     {fault: respond(503, nil), class: access.Limited},
		"429 with a date":        {fault: respond(429, http.Header{"Retry-After": {"Sat, 01 Jan 2000 00:00:30 GMT"}}), class: access.Limited, after: 30 * time.Second},
		"lost request":           {fault: fakejira.Fault{Effect: fakejira.LoseRequest}, class: access.Temporary, ambiguousWrite: true},
		"lost answer":            {fault: fakejira.Fault{Effect: fakejira.LoseAnswer}, class: access.Temporary, ambiguousWrite: true},
		"half an answer":         {fault: fakejira.Fault{Effect: fakejira.Truncate}, class: access.Temporary, ambiguousWrite: true},
		"a page with status 200": {fault: fakejira.Fault{Effect: fakejira.Respond, Status: 200, Body: "<html>"}, class: access.Temporary, ambiguousWrite: true},
		"no answer in time":      {fault: fakejira.Fault{Effect: fakejira.Hang}, class: access.Temporary, ambiguousWrite: true},
		"408":                    {fault: respond(408, nil), class: access.Temporary, ambiguousWrite: true},
		"503 for a lost answer":  {fault: fakejira.Fault{Effect: fakejira.Replace, Status: 503, Body: fakejira.LostPage}, class: access.Limited, ambiguousWrite: true},
		"foreign JSON":           {fault: fakejira.Fault{Effect: fakejira.Respond, Status: 200, Body: fakejira.MaintenancePage}, class: access.Temporary, ambiguousWrite: true},
		"redirect":               {fault: fakejira.Fault{Effect: fakejira.Redirect, Body: "https://evil.example.com"}, class: access.Permanent},
	} {
		t.Run(name, func(t *testing.T) {
			for _, kind := range []string{"create", "comment", "move", "issue", "find", "marks"} {
				synctest.Test(t, func(t *testing.T) {
					b := start(t, fakejira.Cloud, faulty, func(s *settings) { s.config.CallTimeout = time.Second })
					ref, _ := b.issue(t)
					require.NoError(t, b.c.Connect(t.Context()))
					fault := tc.fault
					fault.Match = func(r *http.Request) bool { return r.URL.Path != "/rest/api/2/myself" }
					if kind == "move" {
						fault.Method = http.MethodPost
					}
					b.Inject(fault)
					b.ResetCalls()
					var err error
					switch kind {
					case "create":
						_, err = b.c.CreateIssue(t.Context(), draft())
					case "comment":
						err = b.c.Comment(t.Context(), ref, access.CommentDraft{DedupKey: "m", Text: "t"})
					case "move":
						_, err = b.c.Transition(t.Context(), ref, []string{"Denied"})
					case "issue":
						_, err = b.c.Issue(t.Context(), ref.ID)
					case "find":
						_, err = b.c.FindIssues(t.Context(), requestID)
					case "marks":
						_, err = b.c.CommentKeys(t.Context(), ref)
					}
					write := kind == "create" || kind == "comment" || kind == "move"
					e := wantError(t, err, tc.class, write && tc.ambiguousWrite)
					require.LessOrEqual(t, e.After, tc.after)
					if write {
						require.Equal(t, tc.after, e.After)
						require.Equal(t, 1, b.Writes(), "a write is one try")
					}
					require.LessOrEqual(t, len(b.Calls()), 3, "a read is repeated at most twice")
				})
			}
		})
	}
}

func respond(status int, header http.Header) fakejira.Fault {
	return fakejira.Fault{Effect: fakejira.Respond, Status: status, Header: header}
}

func TestErrorTextIsShortCleanAndWithoutSecrets(t *testing.T) {
	b := start(t, fakejira.Cloud)
	f := respond(400, nil)
	f.Body = `{"errorMessages":["a\u001b[31m\nb ` + fakejira.BotToken + ` ` + strings.Repeat("x", 5000) + `"],"errors":{}}`
	b.Inject(f)
	_, err := b.c.CreateIssue(t.Context(), draft())
	require.ErrorContains(t, err, "a\ufffd[31m b <secret> x")
	require.Less(t, len(err.Error()), 600)
}

func TestRetryAfterOnSuccessMeansNothing(t *testing.T) {
	b := start(t, fakejira.DataCenter, func(s *settings) { s.double.Limits = fakejira.Limits{Get: 1000, Post: 1000, Put: 1000} })
	ref, _ := b.issue(t)
	_, err := b.c.Issue(t.Context(), ref.ID)
	require.NoError(t, err)
}

func TestReadsAreRepeatedOverShortFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, fakejira.Cloud)
		ref, _ := b.issue(t)
		b.Inject(fakejira.Fault{Method: http.MethodGet, Effect: fakejira.LoseAnswer, Times: 2})
		_, err := b.c.Issue(t.Context(), ref.ID)
		require.NoError(t, err)
	})
}

// over starts a client that talks to a handler over a real socket.
func over(t *testing.T, h http.Handler, change ...func(*jira.Config)) (*jira.Client, *httptest.Server) {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	cfg := jira.Config{URL: server.URL, Token: func() string { return "secret-token" }, Projects: []string{"TAR"}}
	for _, f := range change {
		f(&cfg)
	}
	c, err := jira.New(cfg, jira.Deps{})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c, server
}

func TestRedirectsAreRefusedAndCredentialsStay(t *testing.T) {
	met := make(chan string, 10)
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { met <- r.Header.Get("Authorization") }))
	defer other.Close()
	c, _ := over(t, http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	_, err := c.CreateIssue(t.Context(), draft())
	e := wantError(t, err, access.Permanent, false)
	require.Equal(t, http.StatusTemporaryRedirect, e.Status)
	require.ErrorContains(t, err, "redirects are refused")
	require.Empty(t, met)
}

func TestEveryCallCarriesTheHeaders(t *testing.T) {
	headers := make(chan http.Header, 1)
	c, _ := over(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		headers <- r.Header
		fmt.Fprint(w, `{"id":"10000","key":"TAR-1"}`)
	}))
	_, err := c.CreateIssue(t.Context(), draft())
	require.NoError(t, err)
	h := <-headers
	require.Equal(t, "en", h.Get("Accept-Language"))
	require.Equal(t, "application/json", h.Get("Content-Type"))
	require.Equal(t, "Bearer secret-token", h.Get("Authorization"))
	require.True(t, strings.HasPrefix(h.Get("User-Agent"), "teleport-jira"))
}

func TestTokenIsAskedForBeforeEveryCall(t *testing.T) {
	token := "wrong"
	b := start(t, fakejira.Cloud, func(s *settings) { s.config.Token = func() string { return token } })
	require.Error(t, b.c.Connect(t.Context()))
	token = fakejira.BotToken
	require.NoError(t, b.c.Connect(t.Context()))
}

func TestRefusedConnectionIsNotAmbiguous(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())
	c, _ := over(t, http.NotFoundHandler(), func(cfg *jira.Config) { cfg.URL = "http://" + address })
	_, err = c.CreateIssue(t.Context(), draft())
	wantError(t, err, access.Temporary, false)
}

func TestConnectionCutAfterTheRequestIsAmbiguous(t *testing.T) {
	c, _ := over(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		panic(http.ErrAbortHandler)
	}))
	_, err := c.CreateIssue(t.Context(), draft())
	wantError(t, err, access.Temporary, true)
}

func TestHangingJiraMeetsTheTimeouts(t *testing.T) {
	for name, change := range map[string]func(*jira.Config){
		"headers": func(c *jira.Config) { c.HeaderTimeout = 50 * time.Millisecond },
		"call":    func(c *jira.Config) { c.CallTimeout = 500 * time.Millisecond },
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := over(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				<-r.Context().Done()
			}), change)
			_, err := c.CreateIssue(t.Context(), draft())
			wantError(t, err, access.Temporary, true)
		})
	}
}

func TestGivenUpCallEndsAtOnce(t *testing.T) {
	b := start(t, fakejira.Cloud)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := b.c.Issue(ctx, "1")
	require.ErrorIs(t, err, context.Canceled)
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	addresses := map[string]bool{}
	status := 1
	c, _ := over(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		addresses[r.RemoteAddr] = true
		switch {
		case r.Method == http.MethodGet:
			fmt.Fprintf(w, `{"id":"1","fields":{"status":{"id":"%d"}},"transitions":[{"id":"5","to":{"id":"2"}}]}`, status)
			status = 1
		case strings.HasSuffix(r.URL.Path, "/transitions"):
			status = 2
			fmt.Fprint(w, strings.Repeat(" ", 100_000)) // nobody decodes it
		default:
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, strings.Repeat(" ", 100_000))
		}
	}))
	for range 5 {
		_, err := c.CreateIssue(t.Context(), draft())
		wantError(t, err, access.Permanent, false)
		_, err = c.Transition(t.Context(), access.IssueRef{ID: "1"}, []string{"2"})
		require.NoError(t, err)
	}
	require.Len(t, addresses, 1)
}

func TestUntrustedCertificateIsRefusedAndAConfiguredCAAccepted(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"id":"10000","key":"TAR-1"}`)
	}))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS()
	defer server.Close()
	cfg := jira.Config{URL: server.URL, Token: func() string { return "" }, Projects: []string{"TAR"}}
	c, err := jira.New(cfg, jira.Deps{})
	require.NoError(t, err)
	_, err = c.CreateIssue(t.Context(), draft())
	wantError(t, err, access.Temporary, false)

	cfg.CAFile = writeCA(t, server)
	c, err = jira.New(cfg, jira.Deps{})
	require.NoError(t, err)
	_, err = c.CreateIssue(t.Context(), draft())
	require.NoError(t, err)

	cfg.CAFile += ".missing"
	_, err = jira.New(cfg, jira.Deps{})
	require.ErrorContains(t, err, "ca_file")
}

// writeCA puts the server's certificate into a file.
func writeCA(t *testing.T, server *httptest.Server) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	require.NoError(t, os.WriteFile(file, block, 0o600))
	return file
}

func TestOnlyIssuesAreNotFound(t *testing.T) {
	b := start(t, fakejira.Cloud, faulty)
	b.Inject(fakejira.Fault{Effect: fakejira.Respond, Status: http.StatusNotFound, Match: func(r *http.Request) bool {
		return r.URL.Path != "/rest/api/2/myself" && r.URL.Path != "/rest/api/2/serverInfo"
	}})
	_, err := b.c.CreateIssue(t.Context(), draft())
	require.NotErrorIs(t, err, access.ErrNotFound)
	_, err = b.c.FindIssues(t.Context(), requestID)
	require.NotErrorIs(t, err, access.ErrNotFound)
	_, err = b.c.Issue(t.Context(), "10000")
	require.ErrorIs(t, err, access.ErrNotFound)
}

func TestAnswerAboutAnotherIssueIsRefused(t *testing.T) {
	c, _ := over(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/comment") {
			fmt.Fprint(w, `{"comments":[],"total":0}`)
			return
		}
		fmt.Fprint(w, `{"id":"10001","key":"TAR-2","fields":{"status":{"id":"1"}}}`)
	}))
	_, err := c.Issue(t.Context(), "10000")
	wantError(t, err, access.Temporary, false)
	issue, err := c.Issue(t.Context(), "OLD-7")
	require.NoError(t, err)
	require.Equal(t, "TAR-2", issue.Ref.Key)
}
