package main

import (
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/backend"
	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
)

// TestUserUnlock: after the command an owner whom failed logins keep waiting gets in at once.
func TestUserUnlock(t *testing.T) {
	home := newHome(t)
	ring, err := keyrings.Load(t.Context(), keyrings.File(filepath.Join(home, "login-ring.json")), keyrings.LoginRing)
	if err != nil {
		t.Fatal(err)
	}
	stores, err := backend.OpenStores(config.Stores{BoltPath: filepath.Join(home, "store.db")})
	if err != nil {
		t.Fatal(err)
	}
	throttle, err := login.NewThrottle(stores.Attempts, sealing{ring.Current(), ring.Keys[ring.Current()].Secret}, login.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	take := func() error {
		_, err := throttle.Take(t.Context(), login.Attempt{
			Account: "ada@example.com", Network: netip.MustParsePrefix("192.0.2.1/32"), At: time.Now(),
		})
		return err
	}
	for take() == nil {
	}
	unlock := func(who string) string { return done(t, "", "user", "unlock", "--data", home, who) }
	if got := unlock("eve@example.com"); !strings.Contains(got, "eve@example.com: 0 attempts cleared") {
		t.Errorf("another account: %s", got)
	}
	if take() == nil {
		t.Error("another account's counter was cleared")
	}
	if got := unlock("Ada@example.com"); !strings.Contains(got, "5 attempts cleared") {
		t.Errorf("the account: %s", got)
	}
	for range login.DefaultLimits().Account.Free {
		if err := take(); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	}
}
