package bolt_test

import (
	"path/filepath"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth/bolt"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/storetest"
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
	storetest.Sessions(t, 10_000, func(t testing.TB) session.Store { return bolt.Sessions{DB: openDB(t)} })
}

func TestUsers(t *testing.T) {
	storetest.Users(t, func(t testing.TB) user.Store { return bolt.Users{DB: openDB(t)} })
}
