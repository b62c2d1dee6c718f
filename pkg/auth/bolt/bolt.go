// Package bolt keeps users, sessions and throttle counters in one file, for a single machine or for
// development. It implements the same stores as package dynamo, under the same contract (package
// storetest).
//
//	db, err := bolt.Open("edgeauth.db")
//	users, sessions, counters := db.Users(), db.Sessions(), db.Counters()
//	defer db.Close()
package bolt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// A process that has the file open holds its lock. A DB closes the file when it is idle, and from
// time to time when it is busy, so that a command can work beside a running server. If another
// process holds the lock, a DB waits.
const (
	idleAfter  = 100 * time.Millisecond // an unused file is closed after this time
	holdAtMost = 2 * time.Second        // a busy file is closed and opened again after this time
	// lockPause is how long a busy file stays closed: bbolt asks for a lock every 50 ms.
	lockPause = 75 * time.Millisecond
	lockWait  = 5 * time.Second // how long a DB waits for the lock of another process
)

var (
	usersBucket    = []byte("users")    // subject -> user
	emailsBucket   = []byte("emails")   // normalised e-mail -> pointer
	pointersBucket = []byte("pointers") // key of any other pointer -> pointer
	marksBucket    = []byte("marks")    // mark of the users -> its record
	sessionsBucket = []byte("sessions") // subject, 0, session id -> session
	attemptsBucket = []byte("attempts") // key of a counter -> counter
	recordsBucket  = []byte("records")  // name -> record about all users

	revocationsBucket = []byte("revocations") // time, id, token version -> entry
)

// DB is a store in one file. It is safe for concurrent use, even by several processes.
type DB struct {
	path   string
	noSync bool // writes do not wait for the disk

	mu      sync.Mutex
	changed *sync.Cond // active fell to zero, or a turn ended
	file    *bbolt.DB  // nil while closed
	opened  time.Time
	active  int   // operations in progress
	turn    *turn // the current opening of the file; nil if no opening is in progress
	idle    *time.Timer
}

// turn is one opening of the file. Other callers that need the file wait for it.
type turn struct {
	done chan struct{}
	err  error // valid after done is closed
}

// Open returns the DB in the file at path. Open creates the file if it is missing. The error says
// why the file cannot be used, for example missing permission, or a lock that another process has
// held for more than five seconds.
func Open(path string) (*DB, error) {
	return open(&DB{path: path})
}

// OpenTemp returns a DB in a new file in the temporary folder of a test. t is the test's
// *testing.T. The end of the test closes the DB. Writes do not wait for the disk, so a crash of the
// machine may lose them.
func OpenTemp(t interface {
	TempDir() string
	Cleanup(func())
}) (*DB, error) {
	d, err := open(&DB{path: filepath.Join(t.TempDir(), "store.db"), noSync: true})
	if err == nil {
		t.Cleanup(func() { _ = d.Close() })
	}
	return d, err
}

func open(d *DB) (*DB, error) {
	d.changed = sync.NewCond(&d.mu)
	if _, err := d.acquire(context.Background()); err != nil {
		return nil, err
	}
	d.release()
	return d, nil
}

// Close closes the file after the operations in progress.
func (d *DB) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for d.active > 0 || d.turn != nil {
		d.changed.Wait()
	}
	return d.closeFile()
}

// read runs f on a snapshot of the file.
func (d *DB) read(ctx context.Context, f func(*bbolt.Tx) error) error {
	file, err := d.acquire(ctx)
	if err != nil {
		return err
	}
	defer d.release()
	return file.View(f)
}

// write runs f in a transaction. If write returns nil, the changes are on the disk. Concurrent
// writers share one sync of the disk, so f may run more than once. An error of f rolls its changes
// back.
func (d *DB) write(ctx context.Context, f func(*bbolt.Tx) error) error {
	file, err := d.acquire(ctx)
	if err != nil {
		return err
	}
	defer d.release()
	return file.Batch(f)
}

// acquire returns the open file for one operation. The operation ends with release.
func (d *DB) acquire(ctx context.Context) (*bbolt.DB, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("%w: %w", auth.ErrUnavailable, err)
		}
		d.mu.Lock()
		if d.turn == nil && d.file != nil && time.Since(d.opened) <= holdAtMost {
			d.active++
			file := d.file
			d.mu.Unlock()
			return file, nil
		}
		if d.turn == nil {
			d.turn = &turn{done: make(chan struct{})}
			go d.take(d.turn)
		}
		t := d.turn
		d.mu.Unlock()
		select {
		case <-t.done:
			if t.err != nil {
				return nil, t.err
			}
		case <-ctx.Done():
		}
	}
}

func (d *DB) release() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.active--; d.active == 0 {
		d.changed.Broadcast()
		d.closeWhenIdle()
	}
}

// take opens the file. If the file was open for too long, take first closes it for a moment, after
// the operations in progress.
func (d *DB) take(t *turn) {
	d.mu.Lock()
	for d.active > 0 {
		d.changed.Wait()
	}
	wasOpen := d.file != nil
	_ = d.closeFile()
	d.mu.Unlock()
	if wasOpen {
		time.Sleep(lockPause)
	}
	file, err := openFile(d.path, d.noSync)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.file, d.opened, d.turn, t.err = file, time.Now(), nil, err
	close(t.done)
	d.changed.Broadcast()
	d.closeWhenIdle() // the caller may have stopped waiting
}

func (d *DB) closeWhenIdle() {
	if d.idle == nil {
		d.idle = time.AfterFunc(idleAfter, d.closeIdle)
	} else {
		d.idle.Reset(idleAfter)
	}
}

func (d *DB) closeIdle() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.active == 0 && d.turn == nil {
		_ = d.closeFile()
	}
}

// openFile opens the file and creates it with its buckets if they are missing, even if the file was
// removed in the meantime.
func openFile(path string, noSync bool) (*bbolt.DB, error) {
	if info, err := os.Stat(path); err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s has mode %04o, so that other users may read the password hashes; run chmod 600 %s",
			path, info.Mode().Perm(), path)
	}
	file, err := bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout: lockWait, FreelistType: bbolt.FreelistMapType, NoSync: noSync, NoGrowSync: noSync,
	})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("%w: %s is locked by another process", auth.ErrUnavailable, path)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("%s: no permission to write there", path)
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrVersionMismatch), errors.Is(err, bolterrors.ErrChecksum):
		return nil, fmt.Errorf("%s is not a store, or is damaged (%w); restore it from a backup, or move it away to begin anew", path, err)
	case err != nil:
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	file.MaxBatchDelay = time.Millisecond
	if err := ensureBuckets(file); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("making the buckets of %s: %w", path, err)
	}
	return file, nil
}

var buckets = [][]byte{usersBucket, emailsBucket, pointersBucket, marksBucket, sessionsBucket, attemptsBucket, recordsBucket, revocationsBucket}

// ensureBuckets writes only if a bucket is missing, because every commit syncs the disk.
func ensureBuckets(file *bbolt.DB) error {
	missing := false
	err := file.View(func(tx *bbolt.Tx) error {
		for _, name := range buckets {
			missing = missing || tx.Bucket(name) == nil
		}
		return nil
	})
	if err != nil || !missing {
		return err
	}
	return file.Update(func(tx *bbolt.Tx) error {
		for _, name := range buckets {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		return nil
	})
}

func (d *DB) closeFile() error {
	if d.file == nil {
		return nil
	}
	err := d.file.Close()
	d.file = nil
	return err
}
