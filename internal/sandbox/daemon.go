package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

const (
	stopGrace  = 20 * time.Second // the daemon promises to stop within 15 s
	crashPause = time.Second      // before a daemon that ended by itself is started again
)

// daemon runs teleport-jira as a child process and keeps it running.
type daemon struct {
	path    string
	args    []string
	journal *journal

	mu     sync.Mutex
	pid    int // 0 while it does not run
	killed bool
}

// DaemonView is what the page shows of the daemon.
type DaemonView struct {
	State string `json:"state"` // running | stopped
	PID   int    `json:"pid"`
}

// Run starts the daemon, and starts it again whenever it ends, until ctx is
// done. Then it stops the daemon in good order and returns; the child never
// outlives Run. It fails if the program can't be started.
func (d *daemon) Run(ctx context.Context) error {
	// The child is bound to the thread that starts it; see attributes.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for {
		err := d.once(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if d.wasKilled() {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(crashPause):
		}
	}
}

// once runs the daemon until it ends. How it ended is for the journal.
func (d *daemon) once(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, d.path, d.args...) //nolint:gosec // whoever starts the sandbox names the program
	cmd.Stdout, cmd.Stderr = d.journal, d.journal
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopGrace
	cmd.SysProcAttr = attributes()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the daemon: %w", err)
	}
	d.setPID(cmd.Process.Pid)
	d.journal.remark(fmt.Sprintf("the sandbox started the daemon, pid %d", cmd.Process.Pid))
	// How it ended is in ProcessState, whatever Wait says.
	_ = cmd.Wait()
	d.setPID(0)
	d.journal.remark("the daemon ended: " + cmd.ProcessState.String())
	return nil
}

// kill ends the daemon as a power failure would; Run starts it again at once.
func (d *daemon) kill() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.pid == 0 {
		return errors.New("the daemon is not running")
	}
	d.killed = true
	return syscall.Kill(d.pid, syscall.SIGKILL)
}

func (d *daemon) wasKilled() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	killed := d.killed
	d.killed = false
	return killed
}

func (d *daemon) setPID(pid int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.pid = pid
}

func (d *daemon) view() DaemonView {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.pid == 0 {
		return DaemonView{State: "stopped"}
	}
	return DaemonView{State: "running", PID: d.pid}
}
