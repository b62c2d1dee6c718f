package service

import (
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// goodSettings returns settings that New accepts.
func goodSettings(t *testing.T) Settings {
	t.Helper()
	s, err := start(config.New(good(t).lookup), Options{}, functions["login"]...)
	if err != nil {
		t.Fatal(err)
	}
	return s.settings
}

// TestNewRefuses: a wrong setting stops New, and the error names the setting, its value and what is
// accepted.
func TestNewRefuses(t *testing.T) {
	settings := goodSettings(t)
	if _, err := New(t.Context(), settings); err != nil {
		t.Fatal(err)
	}
	other := auth.Client{ID: "web", Profile: auth.Strict}
	web := func(change func(*auth.Client)) func(*Settings) {
		return func(s *Settings) {
			c := other
			change(&c)
			s.Clients = []auth.Client{c}
		}
	}
	for _, row := range []struct {
		change func(*Settings)
		want   string
	}{
		{func(s *Settings) { s.Issuer = "" }, `Issuer must be an https URL`},
		{func(s *Settings) { s.Audience = nil }, `Audience must hold at least one value`},
		{func(s *Settings) { s.SigningRing = nil }, `Settings.SigningRing is missing (want`},
		{func(s *Settings) { s.RefreshKeys = nil }, `Settings.RefreshKeys is missing (want`},
		{func(s *Settings) { s.KeyVersion = 0 }, `Settings.KeyVersion is 0 (want the version of the keys that signs, from 1 to 65534)`},
		{func(s *Settings) { s.KeyVersion = 65535 }, `Settings.KeyVersion is 65535 (want`},
		{func(s *Settings) { s.Stores.Users = nil }, `Settings.Stores.Users is missing (want`},
		{func(s *Settings) { s.Stores.Sessions = nil }, `Settings.Stores.Sessions is missing (want`},
		{func(s *Settings) { s.Stores.Counters = nil }, `Settings.Stores.Counters is missing (with LoginRing, want`},
		{func(s *Settings) { s.AccessTokenLifetime = time.Second }, `Settings.AccessTokenLifetime is 1s (want a duration from 1m0s to 1h0m0s)`},
		{func(s *Settings) { s.RefusalFloor = -1 }, `Settings.RefusalFloor is -1ns (want a duration from 0)`},
		{func(s *Settings) { s.Throttle = login.Limits{Account: throttle.Limit{Free: -1}} }, `Settings.Throttle is out of range: the account limit's`},
		{func(s *Settings) { s.PasswordCost = password.Cost{MemoryKiB: 1, Passes: 1, Lanes: 1} }, `Settings.PasswordCost is m=1,t=1,p=1: `},
		{func(s *Settings) { s.Origins = []string{"app.example.com"} }, `Settings.Origins: endpoint: ResponderConfig.Origins: "app.example.com": `},
		{func(s *Settings) { s.Client = auth.Client{} }, `Settings.Client.ID is "" (want auth.DefaultClient, "default")`},
		{func(s *Settings) { s.Client.ID = "web" }, `Settings.Client.ID is "web" (want auth.DefaultClient, "default")`},
		{func(s *Settings) { s.Client.Profile = 0 }, `Settings.Client.Profile is 0 (want auth.Balanced, auth.Strict or auth.Fixed)`},
		{func(s *Settings) { s.Client.Profile = 4 }, `Settings.Client.Profile is 4 (want`},
		{func(s *Settings) { s.Client.IdleTimeout = time.Minute }, `Settings.Client.IdleTimeout 1m0s is out of range (want at least 25m0s`},
		{func(s *Settings) { s.Client.AbsoluteTimeout = time.Minute }, `Settings.Client.AbsoluteTimeout 1m0s is out of range (want at least 25m0s`},
		{func(s *Settings) { s.Client.AbsoluteTimeout = 366 * day }, `Settings.Client.AbsoluteTimeout 8784h0m0s is out of range`},
		{func(s *Settings) { s.Clients = []auth.Client{other, other} }, `Settings.Clients[1].ID is "web" (want an id that no other client has)`},
		{web(func(c *auth.Client) { c.ID = auth.DefaultClient }), `Settings.Clients[0].ID is "default" (want an id that no other client has)`},
		{web(func(c *auth.Client) { c.ID = "a b" }), `Settings.Clients[0].ID is "a b" (a client id must have 1 to 64 printable`},
		{web(func(c *auth.Client) { c.Profile = 0 }), `Settings.Clients[0].Profile is 0 (want`},
		{web(func(c *auth.Client) { c.AccessTokenLifetime = time.Second }), `Settings.Clients[0].AccessTokenLifetime is 1s (want 0, or a duration from`},
		{web(func(c *auth.Client) { c.AccessTokenLifetime, c.IdleTimeout = token.MaxLifetime, time.Hour }), `Settings.Clients[0].IdleTimeout 1h0m0s is out of range (want at least 1h10m0s`},
		{web(func(c *auth.Client) { c.Scope = []string{"a", "a"} }), `Settings.Clients[0].Scope is ["a" "a"]: entry 2 is empty, repeated`},
		{web(func(c *auth.Client) { c.MaxSessions = -1 }), `Settings.Clients[0].MaxSessions is -1 (want 0 for no limit, or 1 to 100)`},
		{web(func(c *auth.Client) { c.MaxSessions = 101 }), `Settings.Clients[0].MaxSessions is 101 (want`},
		{web(func(c *auth.Client) { c.Audience = []string{"a b"} }), `Settings.Clients[0].Audience is ["a b"]: entry 1 `},
	} {
		s := settings
		row.change(&s)
		if _, err := New(t.Context(), s); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("got  %v\nwant %s", err, row.want)
		}
	}
}

// TestNewReportsAll: one error names every wrong setting.
func TestNewReportsAll(t *testing.T) {
	_, err := New(t.Context(), Settings{LoginRing: keyrings.Inline(auth.Secret{})})
	if err == nil {
		t.Fatal("no error")
	}
	for _, field := range []string{
		"Issuer", "SigningRing", "RefreshKeys", "KeyVersion", "Stores.Users", "Stores.Sessions", "Stores.Counters",
		"Client.ID", "Client.Profile", "Client.IdleTimeout", "Client.AbsoluteTimeout",
	} {
		if !strings.Contains(err.Error(), "Settings."+field+" ") {
			t.Errorf("the error does not name %s: %v", field, err)
		}
	}
}

// TestNewDefaults: the default durations are those of the template.
func TestNewDefaults(t *testing.T) {
	settings := goodSettings(t)
	settings.AccessTokenLifetime = 0
	settings.Client = auth.Client{ID: auth.DefaultClient, Profile: auth.Balanced}
	settings.Clients = []auth.Client{{ID: "web", Profile: auth.Strict, IdleTimeout: time.Hour}}
	s, err := New(t.Context(), settings)
	if err != nil {
		t.Fatal(err)
	}
	if s.settings.AccessTokenLifetime != 15*time.Minute {
		t.Errorf("lifetime %v", s.settings.AccessTokenLifetime)
	}
	for id, idle := range map[auth.ClientID]time.Duration{auth.DefaultClient: 14 * day, "web": time.Hour} {
		if c := s.Clients()[id]; c.IdleTimeout != idle || c.AbsoluteTimeout != 90*day {
			t.Errorf("%s: idle timeout %v, absolute timeout %v", id, c.IdleTimeout, c.AbsoluteTimeout)
		}
	}
	if settings.Clients[0].AbsoluteTimeout != 0 {
		t.Error("New changed the caller's clients")
	}
}
