package bolt_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth/bolt"
	"github.com/edgeauth/edgeauth/pkg/auth/storetest"
)

func storesIn(db *bolt.DB) storetest.Stores {
	return storetest.Stores{Users: bolt.Users{DB: db}, Sessions: bolt.Sessions{DB: db}, Counters: bolt.Counters{DB: db}}
}

func TestSchema(t *testing.T) {
	db := openDB(t)
	storetest.Schema(t, storesIn(db), bolt.Raw{DB: db})
}

func TestVersion1(t *testing.T) {
	fixture, err := os.ReadFile("testdata/version1.db")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "store.db")
	if err := os.WriteFile(path, fixture, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := bolt.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	storetest.Version1(t, storesIn(db))
}
