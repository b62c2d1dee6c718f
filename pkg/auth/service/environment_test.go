package service

import (
	"crypto/rand"
	"errors"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

type variables map[string]string

func (v variables) lookup(name string) (string, bool) {
	text, ok := v[name]
	return text, ok
}

// with returns v with other values.
func (v variables) with(other variables) variables {
	all := maps.Clone(v)
	maps.Copy(all, other)
	return all
}

// good returns a complete environment with its own files.
func good(t *testing.T) variables {
	t.Helper()
	signing, err1 := keyrings.NewSigningRing(token.EdDSA, time.Now(), rand.Reader)
	refresh, err2 := keyrings.NewRefreshRing(time.Now(), rand.Reader)
	logins, err3 := keyrings.NewLoginRing(time.Now(), rand.Reader)
	inline, err4 := signing.Text()
	path, loginPath := filepath.Join(t.TempDir(), "refresh-keys.json"), filepath.Join(t.TempDir(), "login-ring.json")
	if err := errors.Join(err1, err2, err3, err4, keyrings.Save(t.Context(), keyrings.File(path), refresh),
		keyrings.Save(t.Context(), keyrings.File(loginPath), logins)); err != nil {
		t.Fatal(err)
	}
	return variables{
		config.Issuer: "https://auth.example.com", config.Audience: "https://api.example.com https://other.example.com",
		config.SigningRing: inline.Reveal(), config.RefreshKeys: "file:" + path, config.LoginRing: "file:" + loginPath,
		config.KeyVersion:          "1",
		config.Store:               "bolt:" + filepath.Join(t.TempDir(), "store.db"),
		config.AccessTokenLifetime: "15m", config.IdleTimeout: "336h", config.AbsoluteTimeout: "2160h",
	}
}

var functions = map[string][]part{"login": {common, opening}, "refresh": {common, restoring}}

func TestStart(t *testing.T) {
	for _, row := range []struct {
		name, function string
		change         variables
		check          func(*Service) bool
	}{
		{"login", "login", nil, func(s *Service) bool {
			c := s.Clients()[auth.DefaultClient]
			return len(s.Clients()) == 1 && c.ID == auth.DefaultClient && c.Profile == auth.Balanced &&
				c.IdleTimeout == 14*24*time.Hour && c.AbsoluteTimeout == 90*24*time.Hour
		}},
		{"login with a profile", "login", variables{config.Profile: "strict"}, func(s *Service) bool {
			return s.Clients()[auth.DefaultClient].Profile == auth.Strict
		}},
		{"refresh", "refresh", nil, func(s *Service) bool { return s.settings.RestoredUntil.IsZero() }},
		{"refresh in a restore window", "refresh", variables{config.RestoredUntil: "2026-05-01T12:00:00Z"}, func(s *Service) bool {
			return s.settings.RestoredUntil.Unix() == 1777636800
		}},
		{"refresh, of new sessions alone", "refresh", variables{config.SessionsNotBefore: "2026-05-01T12:00:00Z"}, func(s *Service) bool {
			return s.settings.SessionsNotBefore.Unix() == 1777636800
		}},
		{"login, of new sessions alone", "login", variables{config.SessionsNotBefore: "2026-05-01T12:00:00Z"}, func(s *Service) bool {
			return s.settings.SessionsNotBefore.Unix() == 1777636800
		}},
		{"refresh reads nothing of login's", "refresh", variables{config.LoginRing: "hunter2", config.IdleTimeout: "soon", config.AbsoluteTimeout: "", config.Profile: "x"},
			func(*Service) bool { return true }},
		{"login reads nothing of refresh's", "login", variables{config.RestoredUntil: "soon"}, func(*Service) bool { return true }},
		{"the next version signs", "login", variables{config.KeyVersion: "2"}, func(*Service) bool { return true }},
	} {
		t.Run(row.name, func(t *testing.T) {
			s, err := start(config.New(good(t).with(row.change).lookup), Options{}, functions[row.function]...)
			if err != nil {
				t.Fatal(err)
			}
			if s.Responder() == nil || s.Sessions() == nil || s.settings.Log == nil || !row.check(s) {
				t.Errorf("%+v", s.settings)
			}
			if proves := s.Authenticator() != nil; proves != (row.function == "login") {
				t.Errorf("it has an authenticator: %v", proves)
			}
			keys, err := s.PublicKeys(t.Context())
			if err != nil || len(keys.Keys()) != 2 {
				t.Errorf("%d public keys, %v", len(keys.Keys()), err)
			}
		})
	}
}

// TestStartNamesEveryVariable checks that one error names every variable that is missing or wrong.
func TestStartNamesEveryVariable(t *testing.T) {
	shared := []string{config.Issuer, config.Audience, config.SigningRing, config.RefreshKeys, config.KeyVersion,
		config.Store, config.AccessTokenLifetime}
	timeouts := []string{config.IdleTimeout, config.AbsoluteTimeout}
	opening := slices.Concat(shared, timeouts, []string{config.LoginRing})
	for _, row := range []struct {
		name, function string
		given          variables
		want           []string
	}{
		{"login, nothing set", "login", variables{}, opening},
		{"refresh, nothing set", "refresh", variables{}, shared},
		{"login, everything empty", "login", variables{config.Issuer: "", config.Store: "", config.IdleTimeout: ""}, opening},
		{"login, everything wrong", "login", good(t).with(variables{
			config.Issuer: "http://auth.example.com", config.Audience: " ", config.KeyVersion: "0", config.Store: "sqlite",
			config.AccessTokenLifetime: "59s", config.IdleTimeout: "59s", config.AbsoluteTimeout: "9000h", config.Profile: "lax",
			config.Config: `{"client":{}}`,
		}), slices.Concat([]string{config.Issuer, config.Audience, config.KeyVersion, config.Store, config.AccessTokenLifetime, config.Profile, config.Config}, timeouts)},
		{"refresh, everything wrong", "refresh", good(t).with(variables{config.RestoredUntil: "soon", config.AccessTokenLifetime: "61m"}),
			[]string{config.RestoredUntil, config.AccessTokenLifetime}},
		{"refresh, both restores", "refresh", good(t).with(variables{config.RestoredUntil: "2026-05-01T12:00:00Z", config.SessionsNotBefore: "2026-05-01T12:00:00Z"}),
			[]string{config.RestoredUntil}},
		{"login, a session of the future", "login", good(t).with(variables{config.SessionsNotBefore: "2999-05-01T12:00:00Z"}), []string{config.SessionsNotBefore}},
		{"tables without names", "login", good(t).with(variables{config.Store: "dynamodb"}),
			[]string{config.UsersTable, config.SessionsTable, config.AttemptsTable, config.Region, config.AccessKeyID, config.SecretAccessKey}},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := start(config.New(row.given.lookup), Options{}, functions[row.function]...)
			if err == nil {
				t.Fatal("it starts")
			}
			var named []string
			for line := range strings.SplitSeq(err.Error(), "\n") {
				name, _, _ := strings.Cut(line, " ")
				named = append(named, name)
			}
			if slices.Sort(named); !slices.Equal(named, slices.Sorted(slices.Values(row.want))) {
				t.Errorf("named %q\nwant  %q\n%v", named, slices.Sorted(slices.Values(row.want)), err)
			}
		})
	}
}

// TestStartRefusesRings checks that a ring that a retry cannot repair stops the start, and that the
// error does not repeat the ring.
func TestStartRefusesRings(t *testing.T) {
	exposed := filepath.Join(t.TempDir(), "ring.json")
	if err := os.WriteFile(exposed, []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name   string
		change variables
		want   []string
	}{
		{"neither a file nor JSON", variables{config.SigningRing: "hunter2", config.RefreshKeys: "hunter2"},
			[]string{config.SigningRing, config.RefreshKeys, "file:<path>"}},
		{"no file", variables{config.RefreshKeys: "file:/nowhere/ring.json"}, []string{"the refresh-token keys", "/nowhere/ring.json", "not found"}},
		{"no ring", variables{config.SigningRing: `{"hunter2":1}`}, []string{"the signing ring"}},
		{"both", variables{config.SigningRing: `{}`, config.RefreshKeys: `{}`}, []string{"the signing ring", "the refresh-token keys"}},
		{"no login ring", variables{config.LoginRing: `{"hunter2":1}`}, []string{"the login ring", "kind must be"}},
		{"the refresh-token keys as login ring", variables{config.LoginRing: good(t)[config.RefreshKeys]}, []string{"the login ring", "kind must be"}},
		{"the login ring as refresh-token keys", variables{config.RefreshKeys: good(t)[config.LoginRing]}, []string{"the refresh-token keys", "unknown member (want v, serial, "}},
		{"others can read it", variables{config.RefreshKeys: "file:" + exposed}, []string{"the refresh-token keys", "0644", "0600"}},
		{"no such version", variables{config.KeyVersion: "3"}, []string{"the signing ring", "the refresh-token keys", "the login ring", "no version 3"}},
		{"no folder for the store", variables{config.Store: "bolt:/nowhere/store.db"}, []string{"/nowhere/store.db"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := start(config.New(good(t).with(row.change).lookup), Options{}, functions["login"]...)
			if err == nil {
				t.Fatal("it starts")
			}
			for _, part := range row.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q is not in: %v", part, err)
				}
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the value is shown: %v", err)
			}
		})
	}
}

// TestFunctionsReadTheProcess checks that the constructors read the environment of the process.
func TestFunctionsReadTheProcess(t *testing.T) {
	for name, value := range good(t).with(variables{config.JWKS: someJWKS(t)}) {
		t.Setenv(name, value)
	}
	for name, construct := range map[string]func(Options) (http.Handler, error){
		"login": Login, "refresh": Refresh, "sessions": Sessions, "account": Account,
	} {
		if h, err := construct(Options{}); err != nil || h == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if s, err := Opener(Options{}); err != nil || s.Authenticator() != nil || s.Responder() == nil {
		t.Errorf("opener: %v", err)
	}
}
