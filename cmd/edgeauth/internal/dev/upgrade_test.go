package dev

import (
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/backend"
	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// oldHome returns a data directory at version 3, without a login ring.
func oldHome(t *testing.T) Home {
	t.Helper()
	home := Home(t.TempDir())
	if _, err := home.EnsureKeys(t.Context(), token.ES256, time.Now()); err != nil {
		t.Fatal(err)
	}
	rotate(t, home, 3)
	remove(t, home.path("login-ring.json"))
	return home
}

// rotate rotates the keys until version v signs.
func rotate(t *testing.T, home Home, v keyrings.Version) {
	t.Helper()
	for {
		now, err := home.Rotate(t.Context(), "", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if now == v {
			return
		}
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// expectLogin checks that the login ring is at version v and has the next key.
func expectLogin(t *testing.T, home Home, v keyrings.Version) {
	t.Helper()
	r, err := keyrings.Load(t.Context(), home.LoginRing(), keyrings.LoginRing)
	if err != nil {
		t.Fatal(err)
	}
	if _, next := r.Keys[v+1]; r.Current() != v || !next {
		t.Errorf("the login ring stands at %d of %v, want %d", r.Current(), r.Versions(), v)
	}
}

// TestOldHomeGetsALoginRing: an old data directory gets a login ring at its current version, and
// its other rings do not change.
func TestOldHomeGetsALoginRing(t *testing.T) {
	home := oldHome(t)
	before := read(t, home.path("signing-ring.json")) + read(t, home.path("refresh-keys.json"))
	for range 2 {
		if v, err := home.EnsureKeys(t.Context(), token.ES256, time.Now()); v != 3 || err != nil {
			t.Fatalf("version %d, %v", v, err)
		}
		expectLogin(t, home, 3)
	}
	if after := read(t, home.path("signing-ring.json")) + read(t, home.path("refresh-keys.json")); after != before {
		t.Error("the other rings changed")
	}
	rotate(t, home, 4)
	expectLogin(t, home, 4)
}

// TestOldHomeRotates: "keys rotate" works without an earlier "edgeauth dev".
func TestOldHomeRotates(t *testing.T) {
	home := oldHome(t)
	rotate(t, home, 4)
	expectLogin(t, home, 4)
}

// TestLoginRingLeftBehind: a login ring catches up after an older edgeauth has rotated the other
// two rings.
func TestLoginRingLeftBehind(t *testing.T) {
	behind := func() Home {
		home := Home(t.TempDir())
		if _, err := home.EnsureKeys(t.Context(), token.ES256, time.Now()); err != nil {
			t.Fatal(err)
		}
		ring := read(t, home.path("login-ring.json"))
		rotate(t, home, 4)
		if err := os.WriteFile(home.path("login-ring.json"), []byte(ring), 0o600); err != nil {
			t.Fatal(err)
		}
		return home
	}
	home := behind()
	if v, err := home.EnsureKeys(t.Context(), token.ES256, time.Now()); v != 4 || err != nil {
		t.Errorf("version %d, %v", v, err)
	}
	expectLogin(t, home, 4)
	home = behind()
	rotate(t, home, 5)
	expectLogin(t, home, 5)
}

// TestOldHomeGoesOn: sessions of an old data directory continue, and its user can log in.
func TestOldHomeGoesOn(t *testing.T) {
	l, password, log := newServed(t)
	credentials := `{"email":"` + demoEmail + `","password":"` + password + `"`
	held := post(t, l, "/auth/login", credentials+"}")
	remove(t, l.home.path("login-ring.json"))

	stores, err := backend.OpenStores(config.Stores{BoltPath: l.home.StorePath()})
	if err != nil {
		t.Fatal(err)
	}
	again, err := newLive(t.Context(), Options{Home: l.home, Algorithm: token.ES256, Profile: auth.Balanced, Log: log}, here, stores)
	if err != nil {
		t.Fatal(err)
	}
	if got := getMe(again, held.Access); got != http.StatusOK {
		t.Errorf("the access token from before: %d", got)
	}
	if next := post(t, again, "/auth/refresh", `{"refresh_token":"`+held.Refresh+`"}`); next.Access == "" {
		t.Error("the session from before has ended")
	}
	known := post(t, again, "/auth/login", credentials+`,"device_token":"`+held.Device+`"}`)
	if held.Device == "" || known.Device == "" {
		t.Errorf("known devices are %q and %q, want a new one in place of one that is forgotten", held.Device, known.Device)
	}
}
