package app_test

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"teleport-jira/internal/app"
	"teleport-jira/internal/fakejira"
	"teleport-jira/internal/faketeleport"
)

const alice = "alice@example.com" // requests access

// patience is how long a test waits for what has to come.
const patience = 30 * time.Second

// lines collects what the daemon logs.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// find returns the first line with all parts; "" for none.
func (l *lines) find(parts ...string) string {
	for line := range strings.Lines(l.String()) {
		if !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(line, part) }) {
			return line
		}
	}
	return ""
}

// daemon is a daemon of this process, between two doubles.
type daemon struct {
	*checked
	path   string // of the configuration
	log    *lines
	sighup chan os.Signal
	stop   context.CancelFunc
	done   chan error
}

// newDaemon makes a world, and a configuration for it with both listeners.
func newDaemon(t *testing.T) *daemon {
	t.Helper()
	t.Parallel()
	d := &daemon{checked: world(t, fakejira.Board(fakejira.Cloud), faketeleport.Config{}), log: &lines{}}
	d.cluster.PutUser(faketeleport.User{Name: alice, Roles: []string{faketeleport.RoleRequester}})
	d.path = filepath.Join(t.TempDir(), "teleport-jira.toml")
	d.config = `
[http]
listen_addr = "127.0.0.1:0"
[telemetry]
listen_addr = "127.0.0.1:0"
` + replace(t, d.config, "[http]\nenabled = false\n", "")
	d.write()
	return d
}

// write writes the configuration as it is now.
func (d *daemon) write() {
	d.t.Helper()
	require.NoError(d.t, os.WriteFile(d.path, []byte(d.config), 0o600))
}

// launch runs the daemon until the test ends, and does not wait for anything.
func (d *daemon) launch() {
	d.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	d.stop, d.done, d.sighup = cancel, make(chan error, 1), make(chan os.Signal, 1)
	go func() {
		d.done <- app.Run(ctx, app.Options{
			ConfigPath: d.path, InsecureNoTLS: true, Version: "1.2.3", Stderr: d.log, Reload: d.sighup,
		})
		close(d.done)
	}()
	d.t.Cleanup(func() {
		cancel()
		<-d.done
		if d.t.Failed() {
			d.t.Logf("what the daemon logged:\n%s", d.log)
		}
	})
}

// start runs the daemon and waits until it is ready.
func (d *daemon) start() {
	d.t.Helper()
	d.launch()
	d.ready()
}

// ended waits for the daemon's end and returns its error.
func (d *daemon) ended() error {
	d.t.Helper()
	select {
	case err := <-d.done:
		return err
	case <-time.After(patience):
		require.Fail(d.t, "the daemon does not end")
		return nil
	}
}

// reload has the daemon read the configuration as it is now.
func (d *daemon) reload() {
	d.t.Helper()
	d.write()
	d.sighup <- syscall.SIGHUP
}

func (d *daemon) eventually(check func(c *assert.CollectT)) {
	d.t.Helper()
	require.EventuallyWithT(d.t, check, patience, 10*time.Millisecond)
}

// logged waits until a line with all parts is logged.
func (d *daemon) logged(parts ...string) {
	d.t.Helper()
	d.eventually(func(c *assert.CollectT) { require.NotEmpty(c, d.log.find(parts...), "%q", parts) })
}

// url waits until the daemon listens for the key, and returns the address that
// it chose first.
func (d *daemon) url(key string) string {
	d.t.Helper()
	d.logged("msg=listening", "key="+key)
	_, addr, _ := strings.Cut(d.log.find("msg=listening", "key="+key), "addr=")
	addr, _, _ = strings.Cut(addr, " ")
	return "http://" + addr
}

// call makes a call without a connection that stays, and returns the answer.
func (d *daemon) call(method, url, body string) (status int, answer string, err error) {
	req, err := http.NewRequestWithContext(d.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

// admin asks the admin listener.
func (d *daemon) admin(path string) (status int, answer string) {
	d.t.Helper()
	status, answer, err := d.call(http.MethodGet, d.url("telemetry.listen_addr")+path, "")
	require.NoError(d.t, err)
	return status, answer
}

func (d *daemon) ready() {
	d.t.Helper()
	url := d.url("telemetry.listen_addr") + "/readyz"
	d.eventually(func(c *assert.CollectT) {
		status, answer, err := d.call(http.MethodGet, url, "")
		require.NoError(c, err)
		require.Equal(c, http.StatusOK, status, answer)
	})
}

// request makes an access request and returns its id.
func (d *daemon) request() string {
	d.t.Helper()
	req, err := d.cluster.CreateRequest(alice, []string{"dba"}, "the disk is full", faketeleport.RequestOptions{})
	require.NoError(d.t, err)
	return req.GetName()
}

// issues returns the issues of a request.
func (d *daemon) issues(id string) []fakejira.Issue {
	return slices.DeleteFunc(d.jira.Issues(), func(i fakejira.Issue) bool { return !slices.Contains(i.Labels, "teleport-"+id) })
}

// works makes a request, waits for its issue and returns that.
func (d *daemon) works() fakejira.Issue {
	d.t.Helper()
	id := d.request()
	d.eventually(func(c *assert.CollectT) { require.Len(c, d.issues(id), 1) })
	return d.issues(id)[0]
}

// holdCreate holds calls that create an issue: entered is closed with the first,
// and they go on when proceed is.
func (d *daemon) holdCreate() (entered, proceed chan struct{}) {
	entered, proceed = make(chan struct{}), make(chan struct{})
	var once sync.Once
	hold := func(r *http.Request) {
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/issue") {
			once.Do(func() { close(entered) })
			<-proceed
		}
	}
	d.before.Store(&hold)
	return entered, proceed
}

// inOrder requires that the log's first lines with these parts come in this order.
func (d *daemon) inOrder(parts ...string) {
	d.t.Helper()
	text := d.log.String()
	last := -1
	for _, part := range parts {
		i := strings.Index(text, part)
		require.Greater(d.t, i, last, "%q comes too early or not at all", part)
		last = i
	}
}
