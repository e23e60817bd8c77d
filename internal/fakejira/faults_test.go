package fakejira_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
)

// raw is a client without validation, for answers that no document has.
func (j *jira) raw() *jira {
	other := *j
	other.client = j.RoundTripper()
	return &other
}

// try calls and gives status and body, or the error of either.
func (j *jira) try(ctx context.Context, method, path string, body any) (int, []byte, error) {
	resp, err := j.client.RoundTrip(j.request(method, path, body).WithContext(ctx))
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	return resp.StatusCode, raw, err
}

func TestInjectedAnswers(t *testing.T) {
	for name, tc := range map[string]struct {
		fault fakejira.Fault
		want  string
		kind  string
	}{
		"jira's own form": {fakejira.Fault{Status: 503}, "errorMessages", "application/json;charset=UTF-8"},
		"a proxy's page":  {fakejira.Fault{Status: 502, Body: fakejira.ProxyPage}, "Bad Gateway", "text/html"},
		"given json":      {fakejira.Fault{Status: 401, Body: `{"message":"expired"}`}, "expired", "application/json;charset=UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			j := start(t, fakejira.Board(fakejira.Cloud)).raw()
			tc.fault.Effect, tc.fault.Method, tc.fault.Route = fakejira.Respond, "POST", fakejira.RouteIssues
			tc.fault.Header = http.Header{"Retry-After": {"7"}}
			remove := j.Inject(tc.fault)
			status, body, header := j.do("POST", issuesPath, obj{"fields": fields()})
			require.Equal(t, tc.fault.Status, status)
			require.Contains(t, string(body), tc.want)
			require.Equal(t, tc.kind, header.Get("Content-Type"))
			require.Equal(t, "7", header.Get("Retry-After"))
			require.Empty(t, j.Issues())
			j.call(http.StatusOK, "GET", "/rest/api/2/myself", nil)
			remove()
			j.create()
		})
	}
}

func TestFaultsAreCounted(t *testing.T) {
	j := start(t, fakejira.Board(fakejira.Cloud)).raw()
	j.Inject(fakejira.Fault{Effect: fakejira.Respond, Status: 503, Route: fakejira.RouteMyself, Skip: 1, Times: 2})
	j.Inject(fakejira.Fault{Effect: fakejira.Respond, Status: 500, Match: func(r *http.Request) bool { return r.URL.RawQuery == "x" }})
	var got []int
	for range 4 {
		status, _, _ := j.do("GET", "/rest/api/2/myself", nil)
		got = append(got, status)
	}
	require.Equal(t, []int{200, 503, 503, 200}, got)
	j.call(http.StatusInternalServerError, "GET", "/rest/api/2/serverInfo?x", nil)
	j.ClearFaults()
	j.call(http.StatusOK, "GET", "/rest/api/2/serverInfo?x", nil)
}

func TestLostCalls(t *testing.T) {
	for name, tc := range map[string]struct {
		effect fakejira.Effect
		issues int
	}{
		"before the effect": {fakejira.LoseRequest, 0},
		"after the effect":  {fakejira.LoseAnswer, 1},
	} {
		t.Run(name+", in process", func(t *testing.T) {
			j := start(t, fakejira.Board(fakejira.Cloud))
			j.Inject(fakejira.Fault{Effect: tc.effect})
			_, _, err := j.try(t.Context(), "POST", issuesPath, obj{"fields": fields()})
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
			require.Len(t, j.Issues(), tc.issues)
			require.Zero(t, j.Calls()[0].Status)
		})
		t.Run(name+", over a socket", func(t *testing.T) {
			j := served(t)
			j.Inject(fakejira.Fault{Effect: tc.effect})
			_, _, err := j.try(t.Context(), "POST", issuesPath, obj{"fields": fields()})
			require.Error(t, err)
			require.Len(t, j.Issues(), tc.issues)
		})
	}
}

// served is a double behind a real socket.
func served(t *testing.T) *jira {
	t.Helper()
	j := start(t, fakejira.Board(fakejira.Cloud))
	web := httptest.NewServer(j.Server)
	t.Cleanup(web.Close)
	t.Cleanup(j.Close) // first, so that calls that hang end
	base, err := url.Parse(web.URL)
	require.NoError(t, err)
	other := *j
	other.client = rehost{base: base, next: web.Client().Transport}
	return &other
}

// rehost sends every request to one server.
type rehost struct {
	base *url.URL
	next http.RoundTripper
}

func (r rehost) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.URL.Scheme, req.URL.Host = r.base.Scheme, r.base.Host
	return r.next.RoundTrip(req)
}

func TestHangingCallsEndWithTheClient(t *testing.T) {
	for name, tc := range map[string]struct {
		effect fakejira.Effect
		issues int
	}{
		"before the effect": {fakejira.Hang, 0},
		"after the effect":  {fakejira.HangAfter, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j := start(t, fakejira.Board(fakejira.Cloud))
				j.Inject(fakejira.Fault{Effect: tc.effect})
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				begun := time.Now()
				_, _, err := j.try(ctx, "POST", issuesPath, obj{"fields": fields()})
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.Equal(t, 20*time.Second, time.Since(begun))
				require.Len(t, j.Issues(), tc.issues)
			})
		})
		t.Run(name+", over a socket", func(t *testing.T) {
			j := served(t)
			j.Inject(fakejira.Fault{Effect: tc.effect})
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			_, _, err := j.try(ctx, "POST", issuesPath, obj{"fields": fields()})
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Len(t, j.Issues(), tc.issues)
		})
	}
}

func TestCloseEndsHangingCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := start(t, fakejira.Board(fakejira.Cloud))
		j.Inject(fakejira.Fault{Effect: fakejira.Hang})
		j.Inject(fakejira.Fault{Effect: fakejira.Slow, Delay: time.Hour})
		ended := make(chan error)
		go func() {
			_, _, err := j.try(t.Context(), "GET", "/rest/api/2/myself", nil)
			ended <- err
		}()
		synctest.Wait()
		j.Close()
		require.ErrorIs(t, <-ended, io.ErrUnexpectedEOF)
	})
}

func TestLatencyIsHalfBeforeAndHalfAfterTheEffect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := fakejira.Board(fakejira.Cloud)
		o.Latency = 50 * time.Millisecond
		j := start(t, o)
		begun := time.Now()
		j.create()
		require.Equal(t, 50*time.Millisecond, time.Since(begun))
		require.Equal(t, 50*time.Millisecond, j.Calls()[0].Took)

		for after, issues := range map[time.Duration]int{20 * time.Millisecond: 0, 30 * time.Millisecond: 1} {
			before := len(j.Issues())
			ctx, cancel := context.WithTimeout(t.Context(), after)
			_, _, err := j.try(ctx, "POST", issuesPath, obj{"fields": fields()})
			cancel()
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Len(t, j.Issues(), before+issues)
		}
		j.SetLatency(0)
		j.Inject(fakejira.Fault{Delay: time.Second, Times: 1})
		begun = time.Now()
		j.create()
		require.Equal(t, time.Second, time.Since(begun))
	})
}

func TestSpoiledBodies(t *testing.T) {
	over := map[string]func(*testing.T) *jira{
		"in process":    func(t *testing.T) *jira { t.Helper(); return start(t, fakejira.Board(fakejira.Cloud)).raw() },
		"over a socket": served,
	}
	for name, begin := range over {
		t.Run("truncated "+name, func(t *testing.T) {
			j := begin(t)
			j.Inject(fakejira.Fault{Effect: fakejira.Truncate})
			status, body, err := j.try(t.Context(), "POST", issuesPath, obj{"fields": fields()})
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
			require.Equal(t, http.StatusCreated, status)
			require.NotEmpty(t, body)
			require.Len(t, j.Issues(), 1)
		})
		t.Run("oversized "+name, func(t *testing.T) {
			j := begin(t)
			j.Inject(fakejira.Fault{Effect: fakejira.Oversize, Size: 1 << 20})
			_, body, err := j.try(t.Context(), "GET", "/rest/api/2/myself", nil)
			require.NoError(t, err)
			require.Greater(t, len(body), 1<<20)
		})
	}
	t.Run("nothing to truncate", func(t *testing.T) {
		j := start(t, fakejira.Board(fakejira.Cloud)).raw()
		path := issuesPath + "/" + j.create()
		j.Inject(fakejira.Fault{Effect: fakejira.Truncate})
		_, _, err := j.try(t.Context(), "POST", path+"/transitions", move("21", nil))
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	})
}

func TestRedirects(t *testing.T) {
	j := start(t, fakejira.Board(fakejira.Cloud)).raw()
	j.Inject(fakejira.Fault{Effect: fakejira.Redirect, Body: "https://evil.example"})
	status, _, header := j.do("POST", issuesPath+"?x=1", obj{"fields": fields()})
	require.Equal(t, http.StatusTemporaryRedirect, status)
	require.Equal(t, "https://evil.example/rest/api/2/issue?x=1", header.Get("Location"))
	require.Empty(t, j.Issues())
	j.ClearFaults()
	j.Inject(fakejira.Fault{Effect: fakejira.Redirect, Body: "https://evil.example", Status: http.StatusFound})
	status, _, _ = j.do("GET", "/rest/api/2/myself", nil)
	require.Equal(t, http.StatusFound, status)
}

func TestDirectPassesPanicsAndCancelledRequests(t *testing.T) {
	broken := errors.New("handler is broken")
	rt := fakejira.Direct(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(broken) }))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://jira.test/", nil)
	require.NoError(t, err)
	require.PanicsWithValue(t, broken, func() {
		resp, err := rt.RoundTrip(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err = start(t, fakejira.Board(fakejira.Cloud)).try(ctx, "GET", "/rest/api/2/myself", nil)
	require.ErrorIs(t, err, context.Canceled)
}

func TestHugeRequestsAreRefused(t *testing.T) {
	j := start(t, fakejira.Board(fakejira.Cloud))
	j.call(http.StatusRequestEntityTooLarge, "POST", issuesPath, obj{"fields": obj{"summary": strings.Repeat("x", 11<<20)}})
}

func TestCallsAreLogged(t *testing.T) {
	o := fakejira.Board(fakejira.Cloud)
	o.CallLog = 3
	j := start(t, o)
	key := j.create()
	j.call(http.StatusOK, "GET", issuesPath+"/"+key+"?fields=status", nil)
	last := j.Calls()[1]
	require.Equal(t, "GET", last.Method)
	require.Equal(t, fakejira.RouteIssue, last.Route)
	require.Equal(t, issuesPath+"/"+key, last.Path)
	require.Equal(t, "fields=status", last.Query)
	require.Equal(t, http.StatusOK, last.Status)
	require.Equal(t, fakejira.BotID, last.Account)
	require.Contains(t, j.Calls()[0].Body, "alice requested editor")

	for range 10 {
		j.call(http.StatusOK, "GET", "/rest/api/2/myself", nil)
	}
	require.Len(t, j.Calls(), 3)
	require.Equal(t, 10, j.Count("GET", fakejira.RouteMyself))
	require.Equal(t, 1, j.CallCounts()["POST "+fakejira.RouteIssues])
	require.Equal(t, 1, j.Writes())
	j.ResetCalls()
	require.Empty(t, j.Calls())
	require.Zero(t, j.Writes())
}
