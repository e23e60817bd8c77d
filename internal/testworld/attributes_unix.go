//go:build !linux

package testworld

import "syscall"

// attributes keep a terminal's Ctrl-C from reaching the daemon, which its starter
// ends.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
