package testworld

import "syscall"

// attributes let no process outlive tests that are cut off.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
