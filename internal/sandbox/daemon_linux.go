package sandbox

import "syscall"

// attributes keep a terminal's Ctrl-C from reaching the daemon, which the
// sandbox stops itself, and end the daemon if the sandbox is killed.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
