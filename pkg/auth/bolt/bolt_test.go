package bolt_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/bolt"
	"github.com/edgeauth/edgeauth/pkg/auth/flow"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/storetest"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

func openDB(t testing.TB) *bolt.DB {
	t.Helper()
	db, err := bolt.Open(filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func TestSessions(t *testing.T) {
	storetest.Sessions(t, *sessionCases, func(t testing.TB) session.Store { return openDB(t).Sessions() })
}

func TestUsers(t *testing.T) {
	storetest.Users(t, func(t testing.TB) user.Store { return openDB(t).Users() })
}

func TestVersions(t *testing.T) {
	storetest.Versions(t, *sessionCases/5, func(t testing.TB) storetest.Stores { return storesIn(openDB(t)) })
}

func TestEnds(t *testing.T) {
	storetest.Ends(t, *endsRefreshes, func(t testing.TB) storetest.Stores { return storesIn(openDB(t)) })
}

func TestRevocations(t *testing.T) {
	storetest.Revocations(t, 20, func(t testing.TB) storetest.Stores { return storesIn(openDB(t)) })
}

func TestAttempts(t *testing.T) {
	storetest.Counters(t, func(t testing.TB) throttle.Counters { return openDB(t).Counters() })
}

func TestFlows(t *testing.T) {
	storetest.Flows(t, func(t testing.TB) flow.Store { return openDB(t).Flows() })
}

// A removed file is created again with all its buckets.
func TestRemovedFileIsRecreated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	db, err := bolt.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Users().ByPointer(t.Context(), user.Email("ada@example.com").Pointer()); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("ByPointer: %v", err)
	}
}

// Two users of one file take turns. Neither waits for long, even if the other is always busy.
func TestTwoDBsShareAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	var stores [2]user.Store
	for i := range stores {
		db, err := bolt.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		stores[i] = db.Users()
	}
	busy, stop := context.WithCancel(t.Context())
	defer stop()
	go func() {
		for busy.Err() == nil {
			_, _ = stores[0].ByPointer(busy, user.Email("a@b").Pointer())
		}
	}()
	for range 3 {
		if _, err := stores[1].ByPointer(t.Context(), user.Email("a@b").Pointer()); !errors.Is(err, auth.ErrNotFound) {
			t.Fatal(err)
		}
		time.Sleep(150 * time.Millisecond) // idle: the other DB opens the file again
	}
}

// A caller waits for the lock of another process until its context ends. All callers wait in
// parallel.
func TestWaitsForTheLockEndWithTheirContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	db, err := bolt.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	other, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := db.Users().ByPointer(ctx, user.Email("a@b").Pointer()); !errors.Is(err, auth.ErrUnavailable) {
				t.Errorf("a locked file: %v", err)
			}
		})
	}
	wg.Wait()
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Users().ByPointer(t.Context(), user.Email("a@b").Pointer()); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("after the lock: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// Only the file of a test may skip the sync: a lost write of a session could undo a logout.
func TestOpenTemp(t *testing.T) {
	db, err := bolt.OpenTemp(t)
	if err != nil {
		t.Fatal(err)
	}
	storetest.Users(t, func(testing.TB) user.Store { return db.Users() })
	if !db.NoSync(t) || openDB(t).NoSync(t) {
		t.Errorf("without sync: %v with OpenTemp, %v with Open", db.NoSync(t), openDB(t).NoSync(t))
	}
}

// TestOpenRefusesAReadableFile checks that a store is not opened if its mode lets other users read
// it. A file that is not a store is not opened either. Both errors say what to do.
func TestOpenRefusesAReadableFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	db, err := bolt.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []os.FileMode{0o644, 0o640, 0o604, 0o660} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := bolt.Open(path); err == nil || !strings.Contains(err.Error(), "run chmod 600 "+path) {
			t.Errorf("%o: %v", mode, err)
		}
	}
	if err := os.WriteFile(path, []byte(strings.Repeat("no store", 2000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := bolt.Open(path); err == nil || !strings.Contains(err.Error(), "restore it from a backup") {
		t.Errorf("a file that is no store: %v", err)
	}
}
