//go:build !unix

package engine

import "syscall"

// ownGroup does nothing: such systems have no shell for the guard either, so that no engine starts.
func ownGroup() *syscall.SysProcAttr { return nil }
