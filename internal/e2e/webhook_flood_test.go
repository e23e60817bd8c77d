package e2e

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
)

// What somebody can do who reaches the listener and has no secret.

// enough is how many hostile webhooks are answered before, and again while,
// something real has to be done.
const enough = 2000

// flood posts bodies as fast as the machine can, enough of them before work
// begins and enough until it ends, and gives how many were answered.
func (w *world) flood(body func(i int64) string, work func()) int64 {
	w.t.Helper()
	ctx, stop := context.WithCancel(w.t.Context())
	var sent, answered atomic.Int64
	var senders sync.WaitGroup
	for range 4 * runtime.GOMAXPROCS(0) {
		senders.Go(func() {
			for ctx.Err() == nil {
				req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.hookURL("/"), strings.NewReader(body(sent.Add(1))))
				if err != nil {
					w.t.Error(err)
					return
				}
				if resp, err := w.client.Do(req); err == nil {
					_ = resp.Body.Close()
					answered.Add(1)
				}
			}
		})
	}
	wait := func(n int64) {
		within(w.t, time.Minute, func(c *assert.CollectT) { require.GreaterOrEqual(c, answered.Load(), n) })
	}
	wait(enough)
	work()
	wait(2 * enough)
	stop()
	senders.Wait()
	return answered.Load()
}

func TestSecurityHostileBodiesStarveNobody(t *testing.T) {
	deep := strings.Repeat(`{"issue":`, 5_000)
	for name, c := range map[string]struct {
		secret string
		body   func(i int64) string
	}{
		"unsigned":                 {secret, func(i int64) string { return forgery(t, strconv.FormatInt(i, 10), "TAR-1", "Approved") }},
		"no secret, unknown issue": {"", func(i int64) string { return forgery(t, strconv.FormatInt(1e6+i, 10), "TAR-1", "Approved") }},
		"no secret, unknown request": {"", func(i int64) string {
			return forgery(t, strconv.FormatInt(1e6+i, 10), "TAR-1", "Approved", fmt.Sprintf("teleport-x%d", i))
		}},
		"no secret, no JSON":   {"", func(int64) string { return "<html>" }},
		"no secret, deep JSON": {"", func(int64) string { return deep }},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(o *options) { o.secret = c.secret })
			w.set("log", "severity", "INFO")
			w.start()
			id, issue := w.pending()
			w.jira.ResetCalls()
			began := time.Now()
			answered := w.flood(c.body, func() {
				w.drag(issue, "Approved", fakejira.BobID)
				w.inState(id, types.RequestState_APPROVED)
				w.inStatus(issue, "Approved")
			})
			took := time.Since(began)
			t.Logf("%d hostile webhooks answered in %s", answered, took)
			require.GreaterOrEqual(t, answered, int64(2*enough))
			require.LessOrEqual(t, w.jira.Count(http.MethodGet, fakejira.RouteIssue), 60+12*int(took.Seconds()+1), "reads of made-up issues")
			require.Less(t, strings.Count(w.log.String(), "\n"), 60, "the log is not filled")
			w.ready()
			another, _ := w.pending()
			w.inState(another, types.RequestState_PENDING)
		})
	}
}

// TestSecuritySlowSendersAreCut: both who never ends their headers and who
// never ends their body, while others are served.
func TestSecuritySlowSendersAreCut(t *testing.T) {
	w := newWorld(t)
	w.start()
	dial := func(start string) net.Conn {
		conn, err := tls.Dial("tcp", w.hookAddr, &tls.Config{RootCAs: w.ca.Pool(), MinVersion: tls.VersionTLS12})
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close() })
		_, err = conn.Write([]byte(start))
		require.NoError(t, err)
		return conn
	}
	headers := dial("POST / HTTP/1.1\r\nHost: x\r\nX-A: ")
	body := dial("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\nX-Hub-Signature: " +
		fakejira.Signature(secret, nil) + "\r\n\r\n{")
	id, issue := w.pending()
	w.drag(issue, "Approved", fakejira.BobID)
	w.inState(id, types.RequestState_APPROVED)

	limit := time.Now().Add(15 * time.Second)
	require.NoError(t, headers.SetReadDeadline(limit))
	require.NoError(t, body.SetReadDeadline(limit))
	var answer bytes.Buffer
	_, err := answer.ReadFrom(headers)
	require.NoError(t, err, "the connection is closed")
	resp, err := http.ReadResponse(bufio.NewReader(body), nil)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusRequestTimeout, resp.StatusCode)
}

func TestSecurityHeadersAndBodiesAreCapped(t *testing.T) {
	w := newWorld(t)
	w.start()
	for name, c := range map[string]struct {
		header string
		body   int
		status int
	}{
		"long header": {strings.Repeat("x", 64<<10), 0, http.StatusRequestHeaderFieldsTooLarge},
		"long body":   {"", 26 << 20, http.StatusRequestEntityTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: w.ca.Pool(), MinVersion: tls.VersionTLS12}}
			defer transport.CloseIdleConnections()
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.hookURL("/"), bytes.NewReader(make([]byte, c.body)))
			require.NoError(t, err)
			req.Header.Set("X-Padding", c.header)
			req.Header.Set("X-Hub-Signature", fakejira.Signature(secret, nil))
			resp, err := transport.RoundTrip(req)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			require.Equal(t, c.status, resp.StatusCode)
		})
	}
	w.ready()
}
