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
	pid    int           // 0 while it does not run
	resume chan struct{} // closed by start; nil unless the daemon was killed
}

// DaemonView is what the page shows of the daemon.
type DaemonView struct {
	State string `json:"state"` // running | killed, until it is started | stopped
	PID   int    `json:"pid"`
}

// Run starts the daemon, and starts it again whenever it ends, until ctx is
// done; a daemon that was killed waits for start. Then it stops the daemon in good order and returns; the child never
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
		d.pause(ctx)
	}
}

// pause returns when the daemon that has ended may be started again, or when
// ctx is done.
func (d *daemon) pause(ctx context.Context) {
	d.mu.Lock()
	resume := d.resume
	d.mu.Unlock()
	if resume != nil {
		select {
		case <-ctx.Done():
		case <-resume:
		}
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(crashPause):
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

// kill ends the daemon as a power failure would. It stays away until start.
func (d *daemon) kill() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.pid == 0 {
		return errors.New("the daemon is not running")
	}
	if d.resume == nil {
		d.resume = make(chan struct{})
	}
	return syscall.Kill(d.pid, syscall.SIGKILL)
}

// start lets Run start the daemon that was killed.
func (d *daemon) start() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.resume == nil {
		return errors.New("the daemon was not killed")
	}
	close(d.resume)
	d.resume = nil
	return nil
}

func (d *daemon) setPID(pid int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.pid = pid
}

func (d *daemon) view() DaemonView {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.pid == 0 && d.resume != nil:
		return DaemonView{State: "killed"}
	case d.pid == 0:
		return DaemonView{State: "stopped"}
	}
	return DaemonView{State: "running", PID: d.pid}
}
