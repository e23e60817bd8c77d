package e2e

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
)

// call is one request to the webhook listener.
type call struct {
	method string // POST unless given
	path   string // / unless given
	body   string
	secret string // signs the body; empty: no signature
	user   string
	pass   string
	header http.Header
}

// deliver makes a call and returns the answer with its body read.
func (w *world) deliver(c call) (*http.Response, string) {
	w.t.Helper()
	if c.method == "" {
		c.method = http.MethodPost
	}
	if c.path == "" {
		c.path = "/"
	}
	req, err := http.NewRequestWithContext(w.t.Context(), c.method, w.hookURL(c.path), strings.NewReader(c.body))
	require.NoError(w.t, err)
	if c.secret != "" {
		req.Header.Set("X-Hub-Signature", fakejira.Signature(c.secret, []byte(c.body)))
	}
	if c.user != "" {
		req.SetBasicAuth(c.user, c.pass)
	}
	for name, values := range c.header {
		req.Header[name] = values
	}
	resp, err := w.client.Do(req)
	require.NoError(w.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(w.t, err)
	return resp, string(body)
}

// hook is a webhook's body about an issue that moved.
func hook(t *testing.T, issue fakejira.Issue) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{
		"webhookEvent": "jira:issue_updated",
		"issue":        map[string]any{"id": issue.ID, "key": issue.Key},
		"changelog":    map[string]any{"items": []any{map[string]any{"field": "status"}}},
	})
	require.NoError(t, err)
	return string(text)
}

func TestWebhookListener(t *testing.T) {
	w := newWorld(t)
	w.start()
	_, issue := w.pending()
	good := hook(t, issue)
	large := strings.Repeat(" ", 26<<20)
	for name, tc := range map[string]struct {
		call call
		want int
	}{
		"POST /":                 {call{body: good, secret: secret}, http.StatusOK},
		"POST /webhook":          {call{path: "/webhook", body: good, secret: secret}, http.StatusOK},
		"GET /status":            {call{method: http.MethodGet, path: "/status"}, http.StatusOK},
		"GET /":                  {call{method: http.MethodGet, secret: secret}, http.StatusMethodNotAllowed},
		"PUT /webhook":           {call{method: http.MethodPut, path: "/webhook", secret: secret}, http.StatusMethodNotAllowed},
		"anything else":          {call{path: "/other", body: good, secret: secret}, http.StatusNotFound},
		"no metrics":             {call{method: http.MethodGet, path: "/metrics"}, http.StatusNotFound},
		"too large":              {call{body: large, secret: secret}, http.StatusRequestEntityTooLarge},
		"no JSON":                {call{body: "hello", secret: secret}, http.StatusBadRequest},
		"an id that is no id":    {call{body: `{"issue":{"id":"../../myself"}}`, secret: secret}, http.StatusBadRequest},
		"no issue":               {call{body: `{"webhookEvent":"comment_created"}`, secret: secret}, http.StatusNoContent},
		"not signed":             {call{body: good}, http.StatusUnauthorized},
		"signed by another":      {call{body: good, secret: "guess"}, http.StatusUnauthorized},
		"password, no signature": {call{body: good, user: "jira", pass: secret}, http.StatusUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			resp, body := w.deliver(tc.call)
			require.Equal(t, tc.want, resp.StatusCode)
			require.NotContains(t, body, secret)
			if tc.want == http.StatusOK || tc.want == http.StatusUnauthorized {
				require.Empty(t, body)
			}
		})
	}
	require.Zero(t, w.logCount("configuration works but should be changed"))
	require.Zero(t, w.logCount("webhooks are not authenticated"))
}

func TestWebhookSecretsInRotation(t *testing.T) {
	w := newWorld(t)
	w.set("http", "webhook_secret", []string{"new", "old"})
	w.start()
	for given, want := range map[string]int{"new": http.StatusNoContent, "old": http.StatusNoContent, "older": http.StatusUnauthorized} {
		resp, _ := w.deliver(call{body: "{}", secret: given})
		require.Equal(t, want, resp.StatusCode, given)
	}
}

func TestWebhookBasicAuthentication(t *testing.T) {
	w := newWorld(t, func(o *options) { o.secret = "" })
	w.set("http.basic_auth", "user", "jira")
	w.set("http.basic_auth", "password", "open sesame")
	w.start()
	resp, _ := w.deliver(call{body: "{}", user: "jira", pass: "open sesame"})
	require.Equal(t, http.StatusNoContent, resp.StatusCode)
	for _, c := range []call{{body: "{}"}, {body: "{}", user: "jira", pass: "guess"}, {body: "{}", user: "root", pass: "open sesame"}} {
		resp, _ := w.deliver(c)
		require.Equal(t, http.StatusUnauthorized, resp.StatusCode)
		require.Contains(t, resp.Header.Get("WWW-Authenticate"), "Basic")
	}
	require.Zero(t, w.logCount("webhooks are not authenticated"))
}

// Without debugging, the log shows that webhooks arrive.
func TestFirstWebhookIsLogged(t *testing.T) {
	w := newWorld(t, func(o *options) { o.secret = "of-another-webhook" })
	w.set("http", "webhook_secret", secret)
	w.start()
	_, issue := w.pending()
	resp, _ := w.deliver(call{body: hook(t, issue)})
	require.Equal(t, http.StatusUnauthorized, resp.StatusCode)
	w.logged("level=WARN", "webhook refused", "result=unauthenticated")
	require.Zero(t, w.logCount("first webhook received"))
	for range 3 {
		resp, _ := w.deliver(call{body: hook(t, issue), secret: secret})
		require.Equal(t, http.StatusOK, resp.StatusCode)
	}
	w.logged("level=INFO", "first webhook received", "result=accepted")
	require.Equal(t, 1, w.logCount("first webhook received"))
}

// A rule of Jira Automation can't sign: it brings a header.
func TestSecurityWebhookHeader(t *testing.T) {
	w := newWorld(t, func(o *options) { o.secret = "" })
	const name, old = "X-Webhook-Token", "hidden-header-value-one"
	file := w.path("header")
	require.NoError(t, os.WriteFile(file, []byte(old+"\n"), 0o600))
	w.set("http", "header_name", name)
	w.set("http", "header_value_file", file)
	w.start("--debug")
	id, issue := w.pending()
	bring := func(values ...string) int {
		resp, _ := w.deliver(call{body: hook(t, issue), header: http.Header{name: values}})
		return resp.StatusCode
	}
	require.Equal(t, http.StatusUnauthorized, bring())
	require.Equal(t, http.StatusUnauthorized, bring("hidden-header-value-on"))
	require.Equal(t, http.StatusUnauthorized, bring(old, old))
	require.Equal(t, http.StatusOK, bring(old))
	require.Zero(t, w.logCount("webhooks are not authenticated"))

	// It is renewed like every other secret.
	const renewed = "hidden-header-value-two"
	require.NoError(t, os.WriteFile(file, []byte(renewed), 0o600))
	w.logged("msg=\"secrets reloaded\"")
	require.Equal(t, http.StatusUnauthorized, bring(old))
	require.Equal(t, http.StatusOK, bring(renewed))

	w.drag(issue, "Approved", fakejira.BobID)
	require.Equal(t, http.StatusOK, bring(renewed))
	w.inState(id, types.RequestState_APPROVED)
	shown := w.shown() + w.run("check", "--config", w.confPath)
	require.NotContains(t, shown, "hidden-header")
}

// Signed webhooks of a site and rules of a project are used side by side.
func TestWebhookHeaderBesideASignature(t *testing.T) {
	w := newWorld(t)
	const name, value = "X-Webhook-Token", "hidden-header-value-one"
	w.set("http", "header_name", name)
	w.set("http", "header_value", value)
	w.start()
	for what, c := range map[string]struct {
		call call
		want int
	}{
		"header":                   {call{header: http.Header{name: {value}}}, http.StatusNoContent},
		"signature":                {call{secret: secret}, http.StatusNoContent},
		"neither":                  {call{}, http.StatusUnauthorized},
		"wrong header":             {call{header: http.Header{name: {secret}}}, http.StatusUnauthorized},
		"signed with the header's": {call{secret: value}, http.StatusUnauthorized},
	} {
		c.call.body = "{}"
		resp, _ := w.deliver(c.call)
		require.Equal(t, c.want, resp.StatusCode, what)
	}
}

func TestListenerWithoutAuthenticationWarnsOnce(t *testing.T) {
	w := newWorld(t, func(o *options) { o.secret = "" })
	w.start()
	resp, _ := w.deliver(call{body: "{}"})
	require.Equal(t, http.StatusNoContent, resp.StatusCode)
	require.Equal(t, 1, w.logCount("level=WARN", "webhooks are not authenticated"))
	id, issue := w.pending()
	w.drag(issue, "Approved", fakejira.BobID)
	w.inState(id, types.RequestState_APPROVED)
}

func TestWebhookWithoutAnIssueIsTaken(t *testing.T) {
	w := newWorld(t)
	w.start()
	for _, body := range []string{
		`{}`, `{"webhookEvent":"comment_created","comment":{"id":"1"}}`, `{"webhookEvent":"jira:issue_updated"}`,
		`{"webhookEvent":"jira:issue_updated","issue":null}`,
	} {
		resp, _ := w.deliver(call{body: body, secret: secret})
		require.Equal(t, http.StatusNoContent, resp.StatusCode, body)
	}
	w.pending() // It still works.
	require.Zero(t, w.logCount("panic"))
}

func TestWebhookListenerSpeaksHTTP2AndModernTLSOnly(t *testing.T) {
	w := newWorld(t)
	w.start()
	resp, _ := w.deliver(call{method: http.MethodGet, path: "/status"})
	require.Equal(t, "HTTP/2.0", resp.Proto)
	for version, works := range map[uint16]bool{
		tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true,
	} {
		dialer := &tls.Dialer{Config: &tls.Config{RootCAs: w.ca.Pool(), MinVersion: version, MaxVersion: version}}
		conn, err := dialer.DialContext(t.Context(), "tcp", w.hookAddr)
		require.Equal(t, works, err == nil, "%s: %v", tls.VersionName(version), err)
		if err == nil {
			require.NoError(t, conn.Close())
		}
	}
}

func TestPlainHTTPOnlyWhenAsked(t *testing.T) {
	w := newWorld(t)
	w.conf.Drop("http", "https_key_file")
	w.conf.Drop("http", "https_cert_file")
	w.launch()
	require.Equal(t, 1, w.exit())
	require.Contains(t, w.log.String(), "--insecure-no-tls")

	w.start("--insecure-no-tls")
	resp, err := w.client.Get("http://" + w.hookAddr + "/status")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)
}

func TestWebhookIsAnsweredAtOnceWhileJiraTakesFiveSeconds(t *testing.T) {
	w := newWorld(t)
	w.start()
	_, issue := w.pending()
	w.jira.SetLatency(5 * time.Second)
	start := time.Now()
	for range 20 {
		resp, _ := w.deliver(call{body: hook(t, issue), secret: secret})
		require.Equal(t, http.StatusOK, resp.StatusCode)
	}
	require.Less(t, time.Since(start), 4*time.Second, "20 webhooks")
}

func TestForgedWebhooksDecideNothing(t *testing.T) {
	w := newWorld(t, func(o *options) { o.secret = "" })
	w.start()
	id, issue := w.pending()
	forged, err := json.Marshal(map[string]any{
		"webhookEvent": "jira:issue_updated",
		"user":         map[string]any{"accountId": fakejira.BobID, "active": true, "accountType": "atlassian"},
		"issue": map[string]any{"id": issue.ID, "key": issue.Key, "fields": map[string]any{
			"status": map[string]any{"id": "10101", "name": "Approved"}, "labels": []string{"teleport-" + id},
		}},
		"changelog": map[string]any{"id": "1", "items": []any{map[string]any{"field": "status", "to": "10101", "toString": "Approved"}}},
	})
	require.NoError(t, err)
	resp, _ := w.deliver(call{body: string(forged)})
	require.Equal(t, http.StatusOK, resp.StatusCode)
	w.quiet()
	w.inState(id, types.RequestState_PENDING)
	require.Empty(t, w.comments(issue))
}

func TestReplayedWebhooksAreHarmless(t *testing.T) {
	w := newWorld(t)
	w.start()
	id, issue := w.pending()
	w.drag(issue, "Approved", fakejira.BobID)
	w.inState(id, types.RequestState_APPROVED)
	w.quiet()
	before := w.comments(issue)
	for _, d := range w.jira.Deliveries() {
		w.jira.Redeliver(d)
	}
	w.quiet()
	require.Equal(t, before, w.comments(issue))
	require.Len(t, w.reviews(id), 1)
}

func TestWebhookBeforeTheDaemonIsReadyIsAskedForAgain(t *testing.T) {
	w := newWorld(t)
	w.auth.Stop()
	w.launch()
	w.logged("msg=listening", "http.listen_addr")
	w.logged("side unreachable, will retry", "side=teleport")
	resp, _ := w.deliver(call{body: `{"webhookEvent":"jira:issue_updated","issue":{"id":"10000"}}`, secret: secret})
	require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
	require.NotEmpty(t, resp.Header.Get("Retry-After"))
}

func TestHeadersAreBounded(t *testing.T) {
	w := newWorld(t)
	w.start()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.hookURL("/"), bytes.NewReader([]byte("{}")))
	require.NoError(t, err)
	req.Header.Set("X-Padding", strings.Repeat("x", 1<<20))
	resp, err := w.client.Do(req)
	if err == nil {
		require.NoError(t, resp.Body.Close())
		require.GreaterOrEqual(t, resp.StatusCode, 400)
	}
	w.pending()
}
