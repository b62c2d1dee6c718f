package keyrings

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// File returns the source at path, a file that only its owner can read. An empty file path.lock
// lies beside the file.
func File(path string) Source { return file(path) }

type file string

func (f file) Load(context.Context) (auth.Secret, error) {
	opened, err := os.Open(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return auth.Secret{}, fmt.Errorf("file %s: %w", f, auth.ErrNotFound)
	}
	if err != nil {
		return auth.Secret{}, err
	}
	defer opened.Close() // read-only
	info, err := opened.Stat()
	if err != nil {
		return auth.Secret{}, err
	}
	if others := info.Mode().Perm() & 0o077; others != 0 {
		return auth.Secret{}, fmt.Errorf("%w: %s has mode %04o, so other users can read its keys (want 0600)",
			ErrExposed, f, info.Mode().Perm())
	}
	text, err := io.ReadAll(io.LimitReader(opened, maxBytes+1))
	return auth.NewSecret(string(text)), err
}

// Save writes a new file and renames it over the old file. A concurrent reader, or a reader after a
// crash, finds one complete state.
func (f file) Save(ctx context.Context, text auth.Secret) error {
	unlock, err := f.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	stored, err := f.Load(ctx)
	if err != nil && !errors.Is(err, auth.ErrNotFound) {
		return err
	}
	if err := Follows(stored, text); err != nil {
		return fmt.Errorf("file %s: %w", f, err)
	}
	return f.replace(text)
}

func (f file) replace(text auth.Secret) (err error) {
	folder := filepath.Dir(string(f))
	written, err := os.CreateTemp(folder, filepath.Base(string(f))+".*.tmp") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(written.Name())
		}
	}()
	_, err = written.WriteString(text.Reveal())
	if err = errors.Join(err, written.Sync(), written.Close()); err != nil {
		return err
	}
	if err := os.Rename(written.Name(), string(f)); err != nil {
		return err
	}
	// Otherwise a power failure could undo the rename and lose a key that has signed.
	return syncFolder(folder)
}

func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// lock waits for the lock of this file among processes. The lock is a separate file, because Save
// replaces the file of the ring. The system releases the lock if its holder dies.
func (f file) lock(ctx context.Context) (unlock func(), err error) {
	held, err := os.OpenFile(string(f)+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		locked, err := tryLock(held)
		if locked {
			return func() { _ = held.Close() }, nil
		}
		if err == nil {
			select {
			case <-time.After(lockPoll):
				continue
			case <-ctx.Done():
				err = fmt.Errorf("file %s is locked by another process: %w", f, ctx.Err())
			}
		}
		return nil, errors.Join(err, held.Close())
	}
}

const lockPoll = 5 * time.Millisecond
