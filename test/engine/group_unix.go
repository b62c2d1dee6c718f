//go:build unix

package engine

import "syscall"

// ownGroup puts a process into its own process group, which Ctrl-C does not reach.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
