//go:build !linux

package sandbox

import "syscall"

// attributes keep a terminal's Ctrl-C from reaching the daemon, which the
// sandbox stops itself.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
