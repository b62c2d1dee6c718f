//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package keyrings

import (
	"errors"
	"os"
	"syscall"
)

// tryLock takes the exclusive lock of an open file unless another open file holds it. Two open
// files in one process exclude each other too.
func tryLock(f *os.File) (bool, error) {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, syscall.EINTR) {
		return false, nil
	}
	return err == nil, err
}
