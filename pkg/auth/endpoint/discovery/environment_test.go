package discovery

import (
	"crypto/rand"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

type variables map[string]string

func (v variables) lookup(name string) (string, bool) {
	text, ok := v[name]
	return text, ok
}

// with returns a copy of v with other values.
func (v variables) with(other variables) variables {
	all := maps.Clone(v)
	maps.Copy(all, other)
	return all
}

// published returns the JSON of a key set of n keys.
func published(t *testing.T, n int) string {
	t.Helper()
	keys := make([]token.Key, n)
	for i := range keys {
		key, err := token.GenerateSigningKey(token.EdDSA, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		keys[i] = key.Public()
	}
	set, err := token.NewKeySet(keys...)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestFromEnvironment(t *testing.T) {
	text := published(t, 10)
	path := filepath.Join(t.TempDir(), "jwks.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, jwks := range map[string]variables{"in text": {config.JWKS: text}, "in a file": {config.JWKSFile: path}} {
		h, err := from(config.New(jwks.with(variables{config.Issuer: "https://auth.example.com"}).lookup))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/.well-known/jwks.json", nil))
		if w.Code != http.StatusOK || strings.TrimSpace(w.Body.String()) != text {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

func TestFromEnvironmentRefused(t *testing.T) {
	key, err := token.GenerateSigningKey(token.EdDSA, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	issuer := variables{config.Issuer: "https://auth.example.com"}
	for _, row := range []struct {
		name  string
		given variables
		want  []string
	}{
		{"nothing set", variables{}, []string{config.Issuer + " is not set", config.JWKS + " is not set"}},
		{"no JSON", issuer.with(variables{config.JWKS: "x"}), []string{config.JWKS + " or " + config.JWKSFile}},
		{"no key", issuer.with(variables{config.JWKS: `{"keys":[]}`}), []string{config.JWKS, "no key"}},
		{"eleven keys", issuer.with(variables{config.JWKS: published(t, 11)}), []string{config.JWKS, "11 public keys (want 1 to 10)"}},
		{"a private key", issuer.with(variables{config.JWKS: `{"keys":[` + key.JWK().Reveal() + `]}`}), []string{config.JWKS, `"d" is private`}},
	} {
		t.Run(row.name, func(t *testing.T) {
			h, err := from(config.New(row.given.lookup))
			if err == nil || h != nil {
				t.Fatal("it starts")
			}
			for _, part := range row.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q is not in: %v", part, err)
				}
			}
		})
	}
}
