//go:build !unix

package engine

import "syscall"

// ownGroup does nothing. These systems have no shell for the guard either, so no engine starts.
func ownGroup() *syscall.SysProcAttr { return nil }
