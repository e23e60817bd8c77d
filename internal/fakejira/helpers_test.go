package fakejira_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
)

// obj is a JSON object of an answer.
type obj = map[string]any

// jira is a double with a client of its bot.
type jira struct {
	*fakejira.Server
	t      testing.TB
	client http.RoundTripper
	user   string // login; empty is anonymous
	token  string
}

// start makes a double from options and closes it after the test.
func start(t *testing.T, o fakejira.Options) *jira {
	t.Helper()
	s, err := fakejira.New(o)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	j := &jira{Server: s, t: t, client: validated(t, s), user: fakejira.BotEmail, token: fakejira.BotToken}
	if o.Flavour == fakejira.DataCenter {
		j.user = fakejira.BotID
	}
	return j
}

// as is a client of the same double with another login.
func (j *jira) as(user, token string) *jira {
	other := *j
	other.user, other.token = user, token
	return &other
}

// request makes an authenticated request; body is marshalled unless nil.
func (j *jira) request(method, path string, body any) *http.Request {
	j.t.Helper()
	var r io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		require.NoError(j.t, err)
		r = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(j.t.Context(), method, "https://jira.test"+path, r)
	require.NoError(j.t, err)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if j.user != "" {
		req.SetBasicAuth(j.user, j.token)
	}
	return req
}

// do calls and gives status, body and headers.
func (j *jira) do(method, path string, body any) (int, []byte, http.Header) {
	j.t.Helper()
	resp, err := j.client.RoundTrip(j.request(method, path, body))
	require.NoError(j.t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(j.t, err)
	return resp.StatusCode, raw, resp.Header
}

// call wants a status and gives the answer as an object.
func (j *jira) call(want int, method, path string, body any) obj {
	j.t.Helper()
	status, raw, _ := j.do(method, path, body)
	require.Equal(j.t, want, status, "%s %s: %s", method, path, raw)
	if len(raw) == 0 {
		return nil
	}
	var o obj
	require.NoError(j.t, json.Unmarshal(raw, &o), "%s", raw)
	return o
}

// list wants 200 and gives the answer as a list of objects.
func (j *jira) list(path string) []obj {
	j.t.Helper()
	status, raw, _ := j.do("GET", path, nil)
	require.Equal(j.t, http.StatusOK, status, "%s: %s", path, raw)
	var l []obj
	require.NoError(j.t, json.Unmarshal(raw, &l), "%s", raw)
	return l
}

// create makes an issue in TAR over the API and gives its key.
func (j *jira) create(labels ...string) string {
	j.t.Helper()
	o := j.call(http.StatusCreated, "POST", "/rest/api/2/issue", obj{"fields": fields(labels...)})
	return o["key"].(string)
}

// fields are the fields of a small issue in TAR.
func fields(labels ...string) obj {
	return obj{
		"project": obj{"key": "TAR"}, "issuetype": obj{"name": "Task"},
		"summary": "alice requested editor", "labels": append([]string{}, labels...),
	}
}

// at walks into an answer by keys and indices.
func at(tb testing.TB, v any, path ...any) any {
	tb.Helper()
	for _, p := range path {
		switch p := p.(type) {
		case string:
			o, isObject := v.(obj)
			require.True(tb, isObject, "%v in %v", p, v)
			require.Contains(tb, o, p)
			v = o[p]
		case int:
			l, isList := v.([]any)
			require.True(tb, isList, "%v in %v", p, v)
			require.Greater(tb, len(l), p)
			v = l[p]
		}
	}
	return v
}

// elapse lets fake time go by.
func elapse(d time.Duration) { <-time.After(d) }

// flavours are both kinds of Jira.
func flavours() []fakejira.Flavour { return []fakejira.Flavour{fakejira.Cloud, fakejira.DataCenter} }
