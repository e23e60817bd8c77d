package trials

import "syscall"

// attributes let no daemon outlive a test that is cut off.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
