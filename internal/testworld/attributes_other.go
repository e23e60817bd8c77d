//go:build !linux

package testworld

import "syscall"

func attributes() *syscall.SysProcAttr { return nil }
