//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package keyrings

import (
	"errors"
	"os"
)

// tryLock fails: without flock and file modes, a ring in a file is neither consistent nor private.
func tryLock(*os.File) (bool, error) { return false, errors.ErrUnsupported }
