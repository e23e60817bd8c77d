package webhook

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/access"
)

// queue is an Enqueuer that keeps all hints.
type queue struct {
	mu    sync.Mutex
	hints []access.IssueHint
	full  bool
}

func (q *queue) EnqueueIssue(hint access.IssueHint) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.full {
		return false
	}
	q.hints = append(q.hints, hint)
	return true
}

// endpoint is a handler with what it depends on.
type endpoint struct {
	*Handler
	queue    *queue
	registry *prometheus.Registry
	log      *logBuffer
}

func newEndpoint(auth Auth) *endpoint {
	e := &endpoint{queue: &queue{}, registry: prometheus.NewRegistry(), log: &logBuffer{}}
	e.Handler = New(Options{
		Enqueuer: e.queue, Auth: auth, Registerer: e.registry,
		Log: slog.New(slog.NewTextHandler(e.log, nil)),
	})
	return e
}

func (e *endpoint) do(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	return w
}

// count is how often a result has been counted, or -1 where it is no metric.
func (e *endpoint) count(tb testing.TB, res result) int {
	tb.Helper()
	families, err := e.registry.Gather()
	require.NoError(tb, err)
	for _, m := range families[0].GetMetric() {
		if m.GetLabel()[0].GetValue() == string(res) {
			return int(m.GetCounter().GetValue())
		}
	}
	return -1
}

func post(body string) *http.Request {
	return httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
}

const moved = `{"webhookEvent":"jira:issue_updated","issue":{"id":"10040","key":"TES-41",
	"fields":{"labels":["x","teleport-5d1e36ba-3f8b-4b7c-9d5a-0c3d6d1a1c5e"]}},
	"changelog":{"id":10124,"items":[{"field":"status","toString":"Approved"}]},
	"user":{"accountId":"1","active":"true"}}`

func TestAnswers(t *testing.T) {
	get := func(method, path string) *http.Request { return httptest.NewRequest(method, path, nil) }
	for name, tc := range map[string]struct {
		request *http.Request
		status  int
		result  result // "" where nothing is counted
	}{
		"root":                 {post(moved), 200, accepted},
		"webhook path":         {httptest.NewRequest(http.MethodPost, "/webhook?triggeredByUser=x", strings.NewReader(moved)), 200, accepted},
		"status":               {get("GET", "/status"), 200, ""},
		"post to status":       {get("POST", "/status"), 405, ""},
		"unknown path":         {get("POST", "/other"), 404, ""},
		"get":                  {get("GET", "/"), 405, method},
		"put":                  {get("PUT", "/webhook"), 405, method},
		"no body":              {get("POST", "/"), 400, malformed},
		"half a body":          {post(moved[:50]), 400, malformed},
		"trailing rubbish":     {post(moved + "{}"), 400, malformed},
		"an array":             {post(`[` + moved + `]`), 400, malformed},
		"depth bomb":           {post(strings.Repeat(`{"issue":`, 20000)), 400, malformed},
		"array bomb":           {post(`{"a":` + strings.Repeat(`[`, 1<<20)), 400, malformed},
		"comment":              {post(`{"webhookEvent":"comment_created","issue":{"id":"1"},"comment":{}}`), 204, ignored},
		"declared too large":   {withLength(post("{}"), maxBody+1), 413, tooLarge},
		"really too large":     {withLength(post("{"+strings.Repeat(" ", maxBody)+"}"), -1), 413, tooLarge},
		"large":                {post(strings.Repeat(" ", 1<<20) + moved), 200, accepted},
		"as large as may be":   {post(strings.Repeat(" ", maxBody-len(moved)) + moved), 200, accepted},
		"id that is a path":    {post(strings.Replace(moved, "10040", "../../user", 1)), 400, malformed},
		"id that is no number": {post(strings.Replace(moved, `"10040"`, `{"a":1}`, 1)), 400, malformed},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEndpoint(Auth{})
			w := e.do(tc.request)
			require.Equal(t, tc.status, w.Code)
			if tc.result != "" {
				require.Equal(t, 1, e.count(t, tc.result))
				require.Empty(t, w.Body.String())
			}
			if tc.status == http.StatusMethodNotAllowed {
				require.NotEmpty(t, w.Header().Get("Allow"))
			}
			if tc.result != accepted {
				require.Empty(t, e.queue.hints)
				return
			}
			require.Equal(t, []access.IssueHint{{
				ID: "10040", Key: "TES-41", RequestID: "5d1e36ba-3f8b-4b7c-9d5a-0c3d6d1a1c5e",
			}}, e.queue.hints)
		})
	}
}

func withLength(r *http.Request, n int64) *http.Request {
	r.ContentLength = n
	return r
}

func TestFullQueueIsOverload(t *testing.T) {
	e := newEndpoint(Auth{})
	e.queue.full = true
	w := e.do(post(moved))
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.Equal(t, "10", w.Header().Get("Retry-After"))
	require.Equal(t, 1, e.count(t, overloaded))
}

// slowBody sends a webhook from an address whose body does not end. done is how it
// was answered.
func (e *endpoint) slowBody(from string, size int) (body *io.PipeWriter, done <-chan int) {
	r, w := io.Pipe()
	answered := make(chan int, 1)
	go func() {
		req := httptest.NewRequest(http.MethodPost, "/", r)
		req.RemoteAddr = from
		rec := slowRecorder{httptest.NewRecorder(), w}
		e.ServeHTTP(rec, req)
		answered <- rec.Code
	}()
	_, _ = w.Write(bytes.Repeat([]byte(" "), size))
	return w, answered
}

// codes are the answers so far.
func codes(all []<-chan int) (out []int) {
	for _, done := range all {
		select {
		case code := <-done:
			out = append(out, code)
		default:
		}
	}
	return out
}

// TestTooManyAtOnce fills every slot with webhooks whose bodies do not end, and
// sends others: nobody is kept out, and the slow ones make room for each other.
func TestTooManyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint(Auth{})
		honest, answer := e.slowBody("192.0.2.7:1", 1)
		var slow []<-chan int
		for i := range maxInFlight + 100 {
			_, done := e.slowBody(fmt.Sprintf("192.0.2.66:%d", i+1), 1)
			slow = append(slow, done)
		}
		synctest.Wait()
		for range 50 {
			require.Equal(t, http.StatusOK, e.do(post(moved)).Code)
		}
		require.Equal(t, http.StatusOK, e.do(httptest.NewRequest(http.MethodGet, "/status", nil)).Code)
		synctest.Wait()
		cut := codes(slow)
		require.Len(t, cut, 100+1+1, "those that came first, of the sender of so many")
		require.NotContains(t, cut, http.StatusOK)
		require.Contains(t, cut, http.StatusServiceUnavailable)
		_, _ = io.WriteString(honest, moved)
		require.NoError(t, honest.Close())
		require.Equal(t, http.StatusOK, <-answer)
		<-time.After(bodyTimeout)
		synctest.Wait()
		require.Len(t, codes(slow), maxInFlight-2)
	})
}

// TestTooManyLargeAtOnce shows that large bodies do not keep small ones out, and
// have their time to arrive before they make room for others.
func TestTooManyLargeAtOnce(t *testing.T) {
	for name, c := range map[string]struct {
		size, most int
		stay       time.Duration
	}{
		"medium": {smallBody + 1, maxMedium, mediumStay},
		"large":  {mediumBody + 1, maxLarge, largeStay},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newEndpoint(Auth{})
				var slow []<-chan int
				for range c.most {
					_, done := e.slowBody("192.0.2.66:1", c.size)
					slow = append(slow, done)
				}
				synctest.Wait()
				large := strings.Repeat(" ", c.size) + moved
				require.Equal(t, http.StatusServiceUnavailable, e.do(post(large)).Code)
				require.Equal(t, http.StatusOK, e.do(post(moved)).Code)
				<-time.After(c.stay)
				require.Equal(t, http.StatusOK, e.do(post(large)).Code)
				synctest.Wait()
				require.Equal(t, []int{http.StatusServiceUnavailable}, codes(slow))
				<-time.After(bodyTimeout)
			})
		})
	}
}

// slowRecorder is a connection whose read deadline passes at once.
type slowRecorder struct {
	*httptest.ResponseRecorder
	body *io.PipeWriter
}

func (s slowRecorder) SetReadDeadline(at time.Time) error {
	time.AfterFunc(time.Until(at), func() { s.body.CloseWithError(os.ErrDeadlineExceeded) })
	return nil
}

func TestSlowSendersAreCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint(Auth{})
		r, w := io.Pipe()
		rec := slowRecorder{httptest.NewRecorder(), w}
		start := time.Now()
		e.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/", r))
		require.Equal(t, http.StatusRequestTimeout, rec.Code)
		require.Equal(t, bodyTimeout, time.Since(start))
	})
}

func TestRefusalsAreLoggedRarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint(Auth{}.WithSecrets("s"))
		for range 100 {
			e.do(post(moved))
		}
		e.do(httptest.NewRequest(http.MethodGet, "/", nil))
		require.Equal(t, 2, strings.Count(e.log.String(), "webhook refused"))
		require.Contains(t, e.log.String(), "result=unauthenticated remote_addr=192.0.2.1:1234 suppressed=0")
		require.Equal(t, 100, e.count(t, unauthenticated))

		<-time.After(refusalInterval)
		e.do(post(moved))
		require.Contains(t, e.log.String(), "suppressed=99")
	})
}

func TestMetricsStartAtZeroAndFollowConventions(t *testing.T) {
	e := newEndpoint(Auth{})
	for _, res := range results() {
		require.Zero(t, e.count(t, res))
	}
	families, err := e.registry.Gather()
	require.NoError(t, err)
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	require.NoError(t, err)
	require.Empty(t, problems)
}

// TestOverSockets goes through a real server, for what recorders don't do.
func TestOverSockets(t *testing.T) {
	e := newEndpoint(Auth{}.WithBasic("jira", "secret"))
	server := httptest.NewServer(e)
	defer server.Close()
	client := server.Client()

	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/webhook", strings.NewReader(moved))
	require.NoError(t, err)
	r.SetBasicAuth("jira", "secret")
	resp, err := client.Do(r)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)
	require.Len(t, e.queue.hints, 1)

	// A body that ends early is no webhook, and breaks nothing.
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	require.NoError(t, err)
	_, err = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic amlyYTpzZWNyZXQ=\r\nContent-Length: 100\r\n\r\n{")
	require.NoError(t, err)
	require.NoError(t, conn.(*net.TCPConn).CloseWrite())
	answer, err := io.ReadAll(conn)
	require.NoError(t, err)
	require.NoError(t, conn.Close())
	require.True(t, strings.HasPrefix(string(answer), "HTTP/1.1 400 "), "%q", answer)
	require.Equal(t, 1, e.count(t, malformed))
}

func BenchmarkWebhook(b *testing.B) {
	e := newEndpoint(Auth{}.WithSecrets("s"))
	header := sign("s", moved)
	for b.Loop() {
		r := post(moved)
		r.Header.Set(signatureHeader, header)
		e.ServeHTTP(httptest.NewRecorder(), r)
	}
	require.Zero(b, e.count(b, unauthenticated))
}

// logBuffer is a log that may be read while it is written.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func (b *logBuffer) Reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text.Reset()
}
