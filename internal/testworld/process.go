package testworld

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// Process is a program that runs, or has run. Its methods may be called
// concurrently.
type Process struct {
	cmd  *exec.Cmd
	done chan struct{}
}

// Start runs a program that writes to out, with variables added to this
// process's environment. It does not outlive this process, where the system can
// see to that.
func Start(out io.Writer, env []string, argv ...string) (*Process, error) {
	cmd := exec.Command(argv[0], argv[1:]...) //nolint:gosec,noctx // tests say what to run, and when to end it
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Env = append(os.Environ(), env...)
	cmd.SysProcAttr = attributes()
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", argv[0], err)
	}
	p := &Process{cmd: cmd, done: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // how it ended is asked of ProcessState
		close(p.done)
	}()
	return p, nil
}

// PID is the process's number.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Signal sends a signal. A process that has ended takes any.
func (p *Process) Signal(s os.Signal) error {
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("send %s to the daemon: %w", s, err)
	}
	return nil
}

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Ended reports whether the process has.
func (p *Process) Ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// ExitStatus waits for the process's end; -1 means that a signal ended it.
func (p *Process) ExitStatus() int {
	<-p.done
	return p.cmd.ProcessState.ExitCode()
}
