package service

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// sessionsVariables are the variables of the sessions function.
var sessionsVariables = []string{config.RefreshKeys, config.KeyVersion, config.Store, config.Issuer, config.Audience, config.JWKS}

// someJWKS returns a set with one public key.
func someJWKS(t *testing.T) string {
	t.Helper()
	key, err := token.GenerateSigningKey(token.EdDSA, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`{"keys":[%s]}`, key.Public().JWK())
}

// only returns these variables of v.
func (v variables) only(names ...string) variables {
	some := variables{}
	for _, name := range names {
		some[name] = v[name]
	}
	return some
}

// TestStartSessions ends a session that another function's service opened, with only the variables
// of the sessions function.
func TestStartSessions(t *testing.T) {
	given := good(t).with(variables{config.JWKS: someJWKS(t)})
	opener, err := start(config.New(given.lookup), Options{}, functions["login"]...)
	if err != nil {
		t.Fatal(err)
	}
	u := user.User{ID: "u1", Email: "ada@example.com", Revision: 1}
	if err := opener.settings.Stores.Users.Create(t.Context(), u, "u1"); err != nil {
		t.Fatal(err)
	}
	g, err := opener.Sessions().Open(t.Context(), session.Opening{Subject: u.Subject(), Client: environmentClient, AuthTime: opener.settings.Now()})
	if err != nil {
		t.Fatal(err)
	}
	function, _, err := startSessions(config.New(given.only(sessionsVariables...).lookup))
	if err != nil {
		t.Fatal(err)
	}
	sessions := function.Sessions
	if s, subject, err := sessions.Check(t.Context(), g.Session.Key); err != nil || s.Client != environmentClient.ID || subject.ID != "u1" {
		t.Errorf("%+v, %+v, %v", s, subject, err)
	}
	after := g.Session.CreatedAt.Add(time.Second)
	later, _, err := startSessions(config.New(given.only(sessionsVariables...).with(variables{config.SessionsNotBefore: after.Format(time.RFC3339Nano)}).lookup))
	if err != nil {
		t.Fatal(err)
	}
	var refusal *session.Refusal
	if _, _, err := later.Sessions.Check(t.Context(), g.Session.Key); !errors.As(err, &refusal) || refusal.Outcome != session.OutcomeNotBefore {
		t.Errorf("a session of before %s: %v", config.SessionsNotBefore, err)
	}
	if e, err := sessions.Logout(t.Context(), g.RefreshToken, nil); err != nil || e.Outcome != session.OutcomeLoggedOut {
		t.Errorf("%+v, %v", e, err)
	}
	if _, err := opener.Sessions().Refresh(t.Context(), session.Request{RefreshToken: g.RefreshToken}); !errors.Is(err, session.ErrEnded) {
		t.Errorf("a refresh afterwards: %v", err)
	}
}

func TestStartSessionsRefused(t *testing.T) {
	good := func(t *testing.T) variables { return good(t).with(variables{config.JWKS: someJWKS(t)}) }
	exposed := filepath.Join(t.TempDir(), "ring.json")
	if err := os.WriteFile(exposed, []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name  string
		given variables
		want  []string
	}{
		{"nothing set", variables{}, sessionsVariables},
		{"everything wrong", variables{config.RefreshKeys: "hunter2", config.KeyVersion: "0", config.Store: "sqlite"}, []string{config.KeyVersion, config.Store}},
		{"no ring and no folder", good(t).only(sessionsVariables...).with(variables{config.RefreshKeys: "hunter2", config.Store: "bolt:/nowhere/store.db"}),
			[]string{config.RefreshKeys, "/nowhere/store.db"}},
		{"others can read the ring", good(t).only(sessionsVariables...).with(variables{config.RefreshKeys: "file:" + exposed}), []string{"the refresh-token keys", "0644"}},
		{"no keys in the set", good(t).only(sessionsVariables...).with(variables{config.JWKS: "[]"}), []string{config.JWKS}},
		{"an origin with a path", good(t).only(sessionsVariables...).with(variables{config.Config: `{"origins":"https://a.example"}`}), []string{config.Config, "origins"}},
		{"an unknown member", good(t).only(sessionsVariables...).with(variables{config.Config: `{"orgins":["https://a.example"]}`}), []string{config.Config, "orgins"}},
		{"no such version", good(t).only(sessionsVariables...).with(variables{config.KeyVersion: "3"}), []string{"the refresh-token keys", "no version 3"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, _, err := startSessions(config.New(row.given.lookup))
			if err == nil {
				t.Fatal("it starts")
			}
			if missing := slices.DeleteFunc(slices.Clone(row.want), func(part string) bool { return strings.Contains(err.Error(), part) }); len(missing) > 0 {
				t.Errorf("%q is not in: %v", missing, err)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Error(err)
			}
		})
	}
}
