package bolt_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/bolt"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/storetest"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

func storesIn(db *bolt.DB) storetest.Stores {
	return storetest.Stores{
		Users: db.Users(), Sessions: db.Sessions(), Counters: db.Counters(), Versions: db.Versions(), Revocations: db.Revocations(),
		Flows: db.Flows(),
	}
}

func TestSchema(t *testing.T) {
	db := openDB(t)
	storetest.Schema(t, storesIn(db), bolt.Raw{DB: db})
}

func TestFixtures(t *testing.T) {
	for name, fixture := range storetest.Fixtures {
		t.Run(name, func(t *testing.T) {
			content, err := os.ReadFile("testdata/" + name + ".db")
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "store.db")
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			db, err := bolt.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			fixture.Check(t, storesIn(db), logIn)
		})
	}
}

func logIn(ctx context.Context, users user.Store, email string, given auth.Secret) (auth.SubjectID, error) {
	who, err := login.New(login.Config{Users: users, Hasher: &password.Hasher{}, Counters: throttle.Unlimited})
	if err != nil {
		return "", err
	}
	u, err := who.Login(ctx, login.Credentials{Email: email, Password: given})
	return u.ID, err
}

func TestEmailDomains(t *testing.T) {
	storetest.EmailDomains(t, func(t testing.TB) (user.Store, storetest.Raw) {
		db, err := bolt.OpenTemp(t)
		if err != nil {
			t.Fatal(err)
		}
		return db.Users(), bolt.Raw{DB: db}
	})
}
