package testworld

import "syscall"

// attributes keep a terminal's Ctrl-C from reaching the daemon, which its starter
// ends, and let the daemon not outlive the thread that started it.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
