//go:build !linux

package trials

import "syscall"

func attributes() *syscall.SysProcAttr { return nil }
