package testworld

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Daemon is a teleport-jira that can be started, paused, killed and started
// again. Set its fields before the first start; its methods may be called
// concurrently.
type Daemon struct {
	Argv       []string     // the program, behind a command that runs it where there is one
	ConfigPath string       // of the file it is started with
	AdminAddr  string       // telemetry.listen_addr
	Env        []string     // added to this process's
	Out        io.Writer    // takes what it writes
	Client     *http.Client // asks the admin listener

	mu   sync.Mutex
	proc *Process // nil when none was started since the last one's end
}

var (
	errRunning    = errors.New("the daemon runs already")
	errNotRunning = errors.New("the daemon does not run")
	errNotEnded   = errors.New("the daemon did not end")
)

// Launch starts the daemon and does not wait for it.
func (d *Daemon) Launch(flags ...string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.proc != nil {
		return errRunning
	}
	proc, err := Start(d.Out, d.Env, slices.Concat(d.Argv, []string{"start", "--config", d.ConfigPath}, flags)...)
	if err != nil {
		return err
	}
	d.proc = proc
	return nil
}

// Process is the daemon's process; nil where none was started since the last
// one's end.
func (d *Daemon) Process() *Process {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.proc
}

// Signal sends the daemon a signal: SIGSTOP and SIGCONT pause it.
func (d *Daemon) Signal(s os.Signal) error {
	proc := d.Process()
	if proc == nil {
		return errNotRunning
	}
	return proc.Signal(s)
}

// Exit waits for the daemon's end and returns its exit status.
func (d *Daemon) Exit(limit time.Duration) (int, error) {
	proc := d.Process()
	if proc == nil {
		return 0, errNotRunning
	}
	select {
	case <-proc.Done():
	case <-time.After(limit):
		return 0, errNotEnded
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.proc == proc {
		d.proc = nil
	}
	return proc.ExitStatus(), nil
}

// Kill ends the daemon as a power failure does, also a paused one. A daemon that
// does not run is as well.
func (d *Daemon) Kill() error { return d.end(syscall.SIGKILL) }

// Stop ends the daemon as an operator does.
func (d *Daemon) Stop() error { return d.end(syscall.SIGTERM) }

func (d *Daemon) end(s os.Signal) error {
	err := d.Signal(s)
	if err == nil {
		_, err = d.Exit(time.Minute)
	}
	if errors.Is(err, errNotRunning) {
		return nil
	}
	return err
}

// Ended reports whether a daemon that was started ended by itself.
func (d *Daemon) Ended() bool {
	proc := d.Process()
	return proc != nil && proc.Ended()
}

// Admin asks the admin listener.
func (d *Daemon) Admin(path string) (status int, body string, err error) {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://"+d.AdminAddr+path, http.NoBody)
	if err != nil {
		return 0, "", err
	}
	resp, err := d.Client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

// Ready returns nil once the daemon says that both sides are usable.
func (d *Daemon) Ready() error {
	status, body, err := d.Admin("/readyz")
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("not ready: %d %s", status, body)
	}
	return err
}

// Metric is the value of a series, or the sum of all series of a metric; false
// if there is none.
func (d *Daemon) Metric(name string) (sum float64, found bool) {
	_, body, err := d.Admin("/metrics")
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(body) {
		line = strings.TrimSpace(line)
		at := strings.LastIndexByte(line, ' ')
		if at < 0 || line[:at] != name && !strings.HasPrefix(line, name+"{") {
			continue
		}
		if n, err := strconv.ParseFloat(line[at+1:], 64); err == nil {
			sum, found = sum+n, true
		}
	}
	return sum, found
}
