package server

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// lockedBuffer is a log that may be read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newLog() (*slog.Logger, *lockedBuffer) {
	out := &lockedBuffer{}
	return slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug})), out
}

// start runs a server on a free port until the test ends.
func start(t *testing.T, handler http.Handler, certs *TLS) (*Server, *lockedBuffer) {
	t.Helper()
	log, out := newLog()
	s, err := Listen(t.Context(), Options{
		Addr: "127.0.0.1:0", Handler: handler, TLS: certs, Log: log,
		Metrics: NewMetrics(prometheus.NewRegistry()),
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
	return s, out
}

// get asks url with a client of its own, whose connections end with the test.
func get(t *testing.T, url string, config *tls.Config) (*http.Response, string, error) {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	resp, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp, string(body), nil
}

var hello = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })

func TestPlainHTTPWhenToldSo(t *testing.T) {
	s, _ := start(t, hello, nil)
	resp, body, err := get(t, "http://"+s.Addr().String(), nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode)
	require.Equal(t, "hello", body)
}

func TestAddressInUse(t *testing.T) {
	s, _ := start(t, hello, nil)
	log, _ := newLog()
	_, err := Listen(t.Context(), Options{Addr: s.Addr().String(), Handler: hello, Log: log})
	require.ErrorContains(t, err, s.Addr().String())
}

func TestCloseWithoutRun(t *testing.T) {
	log, _ := newLog()
	s, err := Listen(t.Context(), Options{Addr: "127.0.0.1:0", Handler: hello, Log: log})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	_, err = net.Dial("tcp", s.Addr().String())
	require.Error(t, err)
}

func TestRunFailsWithTheListener(t *testing.T) {
	log, _ := newLog()
	s, err := Listen(t.Context(), Options{Addr: "127.0.0.1:0", Handler: hello, Log: log})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.ErrorContains(t, s.Run(t.Context()), "serve "+s.Addr().String())
}

func TestLargeHeadersAreRefused(t *testing.T) {
	s, _ := start(t, hello, nil)
	conn, err := net.Dial("tcp", s.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nX-Large: "+strings.Repeat("x", maxHeaderBytes+8192)+"\r\n\r\n")
	require.NoError(t, err)
	line, err := bufio.NewReader(conn).ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, line, "431")
}

// pipes is a listener in memory, so that time can be simulated.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

func (p *pipes) dial() net.Conn {
	client, server := net.Pipe()
	p.conns <- server
	return client
}

// startPipes runs a server in memory. It has to be called in a bubble.
func startPipes(t *testing.T, handler http.Handler) (p *pipes, stop func(), done chan error, out *lockedBuffer) {
	t.Helper()
	log, out := newLog()
	s, err := Listen(t.Context(), Options{Addr: "127.0.0.1:0", Handler: handler, Log: log})
	require.NoError(t, err)
	require.NoError(t, s.listener.Close())
	p = &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	s.listener = p
	ctx, stop := context.WithCancel(t.Context())
	done = make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	return p, stop, done, out
}

func TestSlowHeadersAreCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, stop, done, _ := startPipes(t, hello)
		conn := p.dial()
		_, err := io.WriteString(conn, "GET / HTTP/1.1\r\n")
		require.NoError(t, err)
		begin := time.Now()
		_, err = io.ReadAll(conn)
		require.NoError(t, err)
		require.Equal(t, readHeaderTimeout, time.Since(begin))
		stop()
		require.NoError(t, <-done)
	})
}

func TestStopFinishesWhatIsBeingAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		entered := make(chan struct{})
		p, stop, done, _ := startPipes(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			close(entered)
			<-time.After(shutdownTimeout - time.Second)
			if r.Context().Err() == nil {
				_, _ = io.WriteString(w, "finished")
			}
		}))
		conn := p.dial()
		_, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		require.NoError(t, err)
		<-entered
		stop()
		answer, err := io.ReadAll(conn)
		require.NoError(t, err)
		require.Contains(t, string(answer), "finished")
		require.NoError(t, <-done)
	})
}

func TestStopIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		entered := make(chan struct{})
		p, stop, done, out := startPipes(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			close(entered)
			<-r.Context().Done()
		}))
		conn := p.dial()
		_, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		require.NoError(t, err)
		<-entered
		begin := time.Now()
		stop()
		require.NoError(t, <-done)
		require.Equal(t, shutdownTimeout, time.Since(begin))
		require.Contains(t, out.String(), "requests in flight cut off")
		require.NoError(t, conn.Close())
		synctest.Wait()
	})
}
