//go:build unix

package engine

import "syscall"

// ownGroup puts a process into a group of its own, where Ctrl-C does not reach it.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
