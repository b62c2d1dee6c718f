package main

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
)

// TestUserUnlock: after the command, an owner who had to wait because of failed logins can log in
// at once.
func TestUserUnlock(t *testing.T) {
	home := newHome(t)
	stores, keys := openHome(t, home)
	who, err := login.New(login.Config{Users: stores.Users, Hasher: password.Hasher{}, Counters: stores.Counters, Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	take := func() error { // the error of an attempt that is not granted
		_, err := who.Login(t.Context(), login.Credentials{
			Email: "ada@example.com", Password: auth.NewSecret("wrong"), Address: netip.MustParseAddr("192.0.2.1"),
		})
		if errors.Is(err, login.ErrInvalidCredentials) {
			return nil
		}
		return err
	}
	taken := 0
	for take() == nil {
		taken++
	}
	unlock := func(who string) string { return done(t, "", "user", "unlock", "--data", home, who) }
	if got := unlock("eve@example.com"); !strings.Contains(got, "eve@example.com: 0 attempts cleared") {
		t.Errorf("another account: %s", got)
	}
	if take() == nil {
		t.Error("another account's counter was cleared")
	}
	if got := unlock("Ada@example.com"); !strings.Contains(got, fmt.Sprintf(": %d attempts cleared", taken)) {
		t.Errorf("the account: %s", got)
	}
	for range login.DefaultLimits().Account.Free {
		if err := take(); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	}
}
