package e2e

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/types"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/fakejira"
)

// slowly keeps many connections open that each begin a webhook and never end it,
// and opens a new one a second for each that is closed, while work is done.
func (w *world) slowly(connections int, beginning string, work func()) {
	w.t.Helper()
	ctx, stop := context.WithCancel(w.t.Context())
	defer stop()
	dialer := &tls.Dialer{Config: &tls.Config{RootCAs: w.ca.Pool(), MinVersion: tls.VersionTLS12}}
	var begun, senders sync.WaitGroup
	begun.Add(connections)
	for range connections {
		senders.Go(func() {
			first := sync.OnceFunc(begun.Done)
			defer first()
			pace := time.NewTicker(time.Second)
			defer pace.Stop()
			for ; ctx.Err() == nil; <-pace.C {
				conn, err := dialer.DialContext(ctx, "tcp", w.hookAddr)
				if err != nil {
					continue // The listener has cut off the handshake.
				}
				end := context.AfterFunc(ctx, func() { _ = conn.Close() })
				_, err = conn.Write([]byte(beginning))
				first()
				if err == nil {
					_, _ = conn.Read(make([]byte, 1)) // Until the daemon ends it.
				}
				end()
				_ = conn.Close()
			}
		})
	}
	begun.Wait()
	work()
	stop()
	senders.Wait()
}

// TestSecuritySlowSendersKeepNobodyOut: more connections than the listener has
// room for, from Jira's own address as behind a load balancer, and a webhook of
// Jira's is answered and followed all the same.
func TestSecuritySlowSendersKeepNobodyOut(t *testing.T) {
	const headers = "POST / HTTP/1.1\r\nHost: x\r\nX-Hub-Signature: sha256=" +
		"0000000000000000000000000000000000000000000000000000000000000000\r\n"
	w := newWorld(t)
	w.set("log", "severity", "INFO")
	w.set("reconcile", "poll_interval", "10m")
	w.start()
	for name, beginning := range map[string]string{
		"that say nothing":          "",
		"that never end headers":    "POST / HTTP/1.1\r\nHost: x\r\nX-A: ",
		"that never end small ones": headers + "Content-Length: 1000\r\n\r\n{",
		"that never end large ones": headers + fmt.Sprintf("Content-Length: %d\r\n\r\n", 25<<20) + strings.Repeat(" ", 60<<10),
		"whose bodies have no length": headers + "Transfer-Encoding: chunked\r\n\r\nf000\r\n" +
			strings.Repeat(" ", 0xf000) + "\r\n",
	} {
		id, issue := w.pending()
		w.slowly(700, beginning, func() {
			require.GreaterOrEqual(t, w.answeredSoon(forgery(t, issue.ID, issue.Key, "Pending"), 5), 3, name)
			w.drag(issue, "Approved", fakejira.BobID)
			w.inState(id, types.RequestState_APPROVED)
		})
		w.ready()
	}
	require.Less(t, strings.Count(w.log.String(), "\n"), 100, "the log is not filled")
}

// answeredSoon sends a signed webhook so often, each over a connection of its own,
// and counts those that are taken within 2 s. On a busy machine a few are not.
func (w *world) answeredSoon(body string, times int) (n int) {
	w.t.Helper()
	for range times {
		w.client.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(w.t.Context(), 2*time.Second)
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.hookURL("/webhook"), strings.NewReader(body))
		require.NoError(w.t, err)
		req.Header.Set("X-Hub-Signature", fakejira.Signature(secret, []byte(body)))
		if resp, err := w.client.Do(req); err == nil {
			_ = resp.Body.Close()
			require.Equal(w.t, http.StatusOK, resp.StatusCode)
			n++
		}
		cancel()
	}
	return n
}

// TestManyConnectionsOfHonestSendersAreServed: what bounds the slow ones is in
// nobody's way.
func TestManyConnectionsOfHonestSendersAreServed(t *testing.T) {
	w := newWorld(t)
	w.start()
	_, issue := w.pending()
	body := forgery(t, issue.ID, issue.Key, "Pending")
	statuses := make(chan int, 100)
	var senders sync.WaitGroup
	for range cap(statuses) {
		senders.Go(func() {
			transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: w.ca.Pool(), MinVersion: tls.VersionTLS12}}
			defer transport.CloseIdleConnections()
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.hookURL("/"), strings.NewReader(body))
			if err != nil {
				t.Error(err)
				return
			}
			req.Header.Set("X-Hub-Signature", fakejira.Signature(secret, []byte(body)))
			resp, err := transport.RoundTrip(req)
			if err != nil {
				t.Error(err)
				return
			}
			_ = resp.Body.Close()
			statuses <- resp.StatusCode
		})
	}
	senders.Wait()
	for range cap(statuses) {
		require.Equal(t, http.StatusOK, <-statuses)
	}
}
