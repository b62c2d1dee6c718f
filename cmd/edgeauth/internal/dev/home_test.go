package dev

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/backend"
	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

func newHome(t *testing.T) (Home, user.Store) {
	t.Helper()
	home := Home(filepath.Join(t.TempDir(), "new", "home"))
	if err := home.Make(); err != nil {
		t.Fatal(err)
	}
	stores, err := backend.OpenStores(config.Stores{BoltPath: home.StorePath()})
	if err != nil {
		t.Fatal(err)
	}
	return home, stores.Users
}

// TestHomeIsItsOwners: no other user of the machine can read the keys, the hashes or the demo
// user's password.
func TestHomeIsItsOwners(t *testing.T) {
	home, users := newHome(t)
	if _, err := home.EnsureKeys(t.Context(), token.ES256, time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := home.ensureDemoUser(t.Context(), users); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{
		".": 0o700, ".gitignore": 0o600, "store.db": 0o600, "signing-ring.json": 0o600, "refresh-keys.json": 0o600, "login-ring.json": 0o600, "demo-password": 0o600,
	} {
		info, err := os.Stat(home.path(name))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: mode %v, %v", name, info.Mode(), err)
		}
	}
}

func TestOthersMayNotWriteThere(t *testing.T) {
	home := Home(t.TempDir())
	for mode, ok := range map[os.FileMode]bool{0o700: true, 0o755: true, 0o775: false, 0o777: false} {
		if err := os.Chmod(string(home), mode); err != nil {
			t.Fatal(err)
		}
		if err := home.Make(); (err == nil) != ok {
			t.Errorf("%o: %v", mode, err)
		}
	}
}

func TestPasteable(t *testing.T) {
	for password, want := range map[string]string{"ABC-xyz-019": "ABC-xyz-019", `it's`: "", `a"b`: "", "a b": "", "$(id)": "", "é": ""} {
		if got := pasteable(auth.NewSecret(password)); got != want {
			t.Errorf("%q is shown as %q", password, got)
		}
	}
}

func TestEnsureKeysMakesThemOnce(t *testing.T) {
	home, _ := newHome(t)
	var starts sync.WaitGroup
	for range 8 { // several starts at the same time
		starts.Go(func() {
			if version, err := home.EnsureKeys(t.Context(), token.ES256, time.Now()); version != 1 || err != nil {
				t.Errorf("version %d, %v", version, err)
			}
		})
	}
	starts.Wait()
	moved, err := keyrings.Update(t.Context(), home.SigningRing(), keyrings.SigningRing, func(r keyrings.Ring) (keyrings.Ring, error) {
		return r.Sign(2, time.Now())
	})
	if err != nil {
		t.Fatal(err)
	}
	// Another algorithm affects only new keys, and this start creates no key.
	if version, err := home.EnsureKeys(t.Context(), token.RS256, time.Now()); version != 2 || err != nil {
		t.Errorf("version %d, %v", version, err)
	}
	kept, err := keyrings.Load(t.Context(), home.SigningRing(), keyrings.SigningRing)
	if err != nil || kept.Serial != moved.Serial || kept.Keys[1].Signing.ID() != moved.Keys[1].Signing.ID() {
		t.Errorf("the keys were replaced: serial %d, %v", kept.Serial, err)
	}
}

func TestEnsureDemoUser(t *testing.T) {
	home, users := newHome(t)
	first, err := home.ensureDemoUser(t.Context(), users)
	if err != nil || len(first.Reveal()) < 20 {
		t.Fatal(err)
	}
	again, err := home.ensureDemoUser(t.Context(), users)
	if err != nil || !again.Equal(first) {
		t.Errorf("a second start has another password: %v", err)
	}
	list, err := users.List(t.Context(), "", 10)
	if err != nil || len(list.Users) != 1 || list.Users[0].Email != demoEmail {
		t.Errorf("%d users, %v", len(list.Users), err)
	}

	// If the demo user exists without the file, the password is unknown and nothing changes.
	if err := os.Remove(home.path("demo-password")); err != nil {
		t.Fatal(err)
	}
	if _, err := home.ensureDemoUser(t.Context(), users); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("without the file: %v", err)
	}
	if _, err := os.Stat(home.path("demo-password")); err == nil {
		t.Error("a password that is not the user's was written")
	}

	// The file without the user comes from an interrupted first start, or holds a chosen password.
	other, users := newHome(t)
	if err := os.WriteFile(other.path("demo-password"), []byte("  my own choice\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	chosen, err := other.ensureDemoUser(t.Context(), users)
	if err != nil || chosen.Reveal() != "my own choice" {
		t.Errorf("password %q, %v", chosen.Reveal(), err)
	}
}
