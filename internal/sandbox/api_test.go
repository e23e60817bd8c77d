package sandbox

import (
	"bufio"
	"encoding/json"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
)

// newPage serves a sandbox whose daemon does not run.
func newPage(t *testing.T) (*Sandbox, *httptest.Server) {
	t.Helper()
	s, err := New(Options{Listen: loopback, Daemon: "teleport-jira"})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	h, err := handler(s)
	require.NoError(t, err)
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
	return s, server
}

// post sends a command as the page does and returns the status and what was
// answered as error.
func post(t *testing.T, server *httptest.Server, path, body string, header ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+path, strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Origin", server.URL)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for i := 0; i+1 < len(header); i += 2 {
		if r.Header.Set(header[i], header[i+1]); header[i] == "Host" {
			r.Host = header[i+1]
		}
	}
	answer, err := server.Client().Do(r)
	require.NoError(t, err)
	defer answer.Body.Close()
	var refusal struct {
		Error string `json:"error"`
	}
	if answer.StatusCode != http.StatusNoContent && answer.Header.Get("Content-Type") == "application/json" {
		require.NoError(t, json.NewDecoder(answer.Body).Decode(&refusal))
	}
	return answer.StatusCode, refusal.Error
}

const aRequest = `{"user": "alice@example.com", "roles": ["editor", "dba"], "reason": "ticket 4711"}`

func TestCommandsReachBothSides(t *testing.T) {
	s, server := newPage(t)
	do := func(path, body string) {
		t.Helper()
		status, refusal := post(t, server, path, body)
		require.Equal(t, http.StatusNoContent, status, refusal)
	}

	do("/api/requests", aRequest)
	request := s.View().Requests[0]
	require.Equal(t, "pending", request.State)
	require.ElementsMatch(t, []string{"dba", "editor"}, request.Roles)
	require.Equal(t, "ticket 4711", request.Reason)

	do("/api/requests/"+request.ID+"/reviews", `{"author": "bob@example.com", "verdict": "approved", "reason": "fine"}`)
	request = s.View().Requests[0]
	require.Equal(t, "approved", request.State)
	require.Equal(t, "bob@example.com", request.Reviews[0].Author)
	require.Equal(t, "fine", request.Reviews[0].Reason)

	issue, err := s.jira.CreateIssue(fakejira.BotID, fakejira.NewIssue{
		Project: "TAR", Summary: "alice requested editor", Properties: map[string]json.RawMessage{requestProperty: json.RawMessage(`"` + request.ID + `"`)},
	})
	require.NoError(t, err)
	do("/api/issues/"+issue.ID+"/comments", `{"person": "carol", "body": "reason: <b>mine</b>"}`)
	do("/api/issues/"+issue.ID+"/moves", `{"person": "carol", "status": "Denied"}`)
	card := s.View().Cards[0]
	require.Equal(t, "Denied", card.Status)
	require.Equal(t, "Carol Clark", card.Moves[0].By.Name)
	require.Equal(t, "reason: <b>mine</b>", card.Comments[0].Body)
	require.Equal(t, request.ID, card.Request.ID)
}

func TestRemovedRequestStaysOnThePage(t *testing.T) {
	s, server := newPage(t)
	status, _ := post(t, server, "/api/requests", aRequest)
	require.Equal(t, http.StatusNoContent, status)
	id := s.View().Requests[0].ID
	status, _ = post(t, server, "/api/requests/"+id+"/remove", "{}")
	require.Equal(t, http.StatusNoContent, status)
	require.Equal(t, "expired", s.View().Requests[0].State)
}

func TestRequestThatIsMadeToExpireIsGoneInAMoment(t *testing.T) {
	s, server := newPage(t)
	status, _ := post(t, server, "/api/requests", aRequest)
	require.Equal(t, http.StatusNoContent, status)
	status, _ = post(t, server, "/api/requests/"+s.View().Requests[0].ID+"/expire", "{}")
	require.Equal(t, http.StatusNoContent, status)
	require.Equal(t, "pending", s.View().Requests[0].State)
	require.Eventually(t, func() bool { return s.View().Requests[0].State == "expired" }, patience, 20*time.Millisecond)
}

func TestUndecidedRequestExpires(t *testing.T) {
	s, server := newPage(t)
	status, _ := post(t, server, "/api/requests", `{"user": "dave@example.com", "roles": ["editor"], "seconds": 1}`)
	require.Equal(t, http.StatusNoContent, status)
	require.Equal(t, "pending", s.View().Requests[0].State)
	require.Eventually(t, func() bool { return s.View().Requests[0].State == "expired" }, patience, 20*time.Millisecond)
}

func TestProductionRolesNeedTwoApprovals(t *testing.T) {
	s, server := newPage(t)
	status, _ := post(t, server, "/api/requests", `{"user": "dave@example.com", "roles": ["prod-db"], "reason": ""}`)
	require.Equal(t, http.StatusNoContent, status)
	require.Equal(t, 2, s.View().Requests[0].Needs)
}

func TestRefusedCommandsSayWhy(t *testing.T) {
	s, server := newPage(t)
	status, _ := post(t, server, "/api/requests", aRequest)
	require.Equal(t, http.StatusNoContent, status)
	id := s.View().Requests[0].ID
	for name, c := range map[string]struct {
		path, body string
		status     int
		why        string
	}{
		"no role":           {"/api/requests", `{"user": "alice@example.com"}`, http.StatusConflict, "at least one role"},
		"own request":       {"/api/requests/" + id + "/reviews", `{"author": "alice@example.com", "verdict": "approved"}`, http.StatusConflict, "cannot review"},
		"no such verdict":   {"/api/requests/" + id + "/reviews", `{"author": "bob@example.com", "verdict": "maybe"}`, http.StatusConflict, "maybe"},
		"no such request":   {"/api/requests/none/remove", `{}`, http.StatusConflict, "not found"},
		"daemon not there":  {"/api/daemon/kill", `{}`, http.StatusConflict, "not running"},
		"daemon not killed": {"/api/daemon/start", `{}`, http.StatusConflict, "not killed"},
		"no JSON":           {"/api/requests", `{`, http.StatusBadRequest, "read the command"},
		"unknown field":     {"/api/requests", `{"who": "alice"}`, http.StatusBadRequest, "who"},
	} {
		t.Run(name, func(t *testing.T) {
			status, why := post(t, server, c.path, c.body)
			require.Equal(t, c.status, status)
			require.Contains(t, why, c.why)
		})
	}
}

func TestCommandsFromOtherSitesAreRefused(t *testing.T) {
	s, server := newPage(t)
	for name, c := range map[string]struct {
		header []string
		status int
	}{
		"another origin":      {[]string{"Sec-Fetch-Site", "", "Origin", "https://evil.example"}, http.StatusForbidden},
		"a cross-site fetch":  {[]string{"Sec-Fetch-Site", "cross-site"}, http.StatusForbidden},
		"another port's page": {[]string{"Sec-Fetch-Site", "same-site"}, http.StatusForbidden},
		"a form":              {[]string{"Content-Type", "text/plain"}, http.StatusBadRequest},
		"a rebound name":      {[]string{"Host", "evil.example"}, http.StatusMisdirectedRequest},
	} {
		t.Run(name, func(t *testing.T) {
			status, _ := post(t, server, "/api/requests", aRequest, c.header...)
			require.Equal(t, c.status, status)
		})
	}
	require.Empty(t, s.View().Requests)
}

func TestStreamTellsChanges(t *testing.T) {
	s, server := newPage(t)
	s.journal.remark("hello")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/api/events", nil)
	require.NoError(t, err)
	answer, err := server.Client().Do(r)
	require.NoError(t, err)
	defer answer.Body.Close()
	require.Equal(t, "text/event-stream", answer.Header.Get("Content-Type"))
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 1<<20)
	next := func(event string) string {
		for lines.Scan() {
			if lines.Text() == "event: "+event && lines.Scan() {
				return lines.Text()
			}
		}
		require.NoError(t, lines.Err())
		return ""
	}
	require.Contains(t, next("state"), `"requests":[]`)
	require.Contains(t, next("log"), "hello")
	require.NoError(t, s.Request(alice, []string{"editor"}, "ticket 4712", 0, 0))
	require.Contains(t, next("state"), "ticket 4712")
}

func TestPageLoadsNothingFromElsewhere(t *testing.T) {
	_, server := newPage(t)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/", nil)
	require.NoError(t, err)
	answer, err := server.Client().Do(r)
	require.NoError(t, err)
	defer answer.Body.Close()
	require.Equal(t, policy, answer.Header.Get("Content-Security-Policy"))

	err = fs.WalkDir(pageFiles, "page", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(pageFiles, path)
		require.NoError(t, err)
		for _, word := range []string{"https://", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "style=", "onclick="} {
			require.NotContains(t, string(text), word, path)
		}
		return nil
	})
	require.NoError(t, err)
}

func TestListensOnLoopbackOnly(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", ":0", "192.0.2.1:8090", "example.com:80", ""} {
		_, err := New(Options{Listen: address})
		require.ErrorContains(t, err, "loopback", address)
	}
}
