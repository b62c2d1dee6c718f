//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package keyrings_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/keyrings"
)

func TestSaveWaitsForTheLockOnlySoLong(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ring.json")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	release := holdLock(t, path)
	defer release()
	if err := keyrings.Save(ctx, keyrings.File(path), refreshRing(t)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

// holdLock locks the file of a ring as another process would.
func holdLock(t *testing.T, path string) (release func()) {
	t.Helper()
	held, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(held.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	return func() { _ = held.Close() }
}
