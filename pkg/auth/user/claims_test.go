package user_test

import (
	"context"
	"crypto/rand"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

type signer struct{ key token.SigningKey }

func (s signer) SigningKey(context.Context) (token.SigningKey, error) { return s.key, nil }

// nested returns claims with n nested objects and arrays, the outermost object included.
func nested(n int) map[string]any {
	var v any = "x"
	for range n - 1 {
		v = []any{v}
	}
	return map[string]any{"c": v}
}

// SetClaims accepts the claims that the issuer accepts. A user with other claims could not log in.
func TestClaimsAreWhatTokensCarry(t *testing.T) {
	d := newDirectory(t)
	key, err := token.GenerateSigningKey(token.ES256, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	issuer, err := token.NewIssuer(token.IssuerConfig{
		Issuer: "https://auth.example.com", Audience: []string{"a"}, Keys: signer{key}, Lifetime: 10 * time.Minute, Now: time.Now, Rand: rand.Reader,
	})
	if err != nil {
		t.Fatal(err)
	}
	issue := func(claims map[string]any) error {
		_, err := issuer.Issue(t.Context(), token.Grant{
			Subject: auth.Subject{ID: "s", Claims: claims}, SessionID: "sid", Client: "c", AuthTime: time.Now(), NotAfter: time.Now().Add(time.Hour),
		})
		return err
	}
	one := func(name string) map[string]any { return map[string]any{name: "x"} }
	for name, row := range map[string]struct {
		claims map[string]any
		ok     bool
	}{
		"none":                          {nil, true},
		"all of JSON":                   {map[string]any{"a": nil, "b": true, "c": 1.5, "d": "x", "e": []any{1.0}, "f": map[string]any{"g": "h"}}, true},
		"another's name":                {one("email"), true},
		"deep":                          {nested(8), true},
		"too deep":                      {nested(9), false},
		"sub":                           {one("sub"), false},
		"in another case":               {one("Client_ID"), false},
		"with a long s":                 {one("i\u017fs"), false},
		"two names that differ in case": {map[string]any{"Tenant": "a", "tenant": "b"}, false},
		"two names and a long s":        {map[string]any{"mas\u017f": "a", "mass": "b"}, false},
		"the prototype in JavaScript":   {one("__proto__"), false},
	} {
		_, err := d.SetClaims(t.Context(), d.ada.ID, row.claims)
		if issued := issue(row.claims); (err == nil) != row.ok || (issued == nil) != row.ok || err != nil && !errors.Is(err, user.ErrClaims) {
			t.Errorf("%s: set %v, issued %v", name, err, issued)
		}
	}
	for _, registered := range []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "sid", "auth_time", "scope", "roles", "amr", "tv"} {
		if _, err := d.SetClaims(t.Context(), d.ada.ID, one(registered)); !errors.Is(err, user.ErrClaims) || issue(one(registered)) == nil {
			t.Errorf("%s: %v", registered, err)
		}
	}
	// A store or a proxy would refuse these claims or change their values.
	for name, claims := range map[string]map[string]any{
		"too long":        {"a": strings.Repeat("x", 1024)},
		"a great number":  {"a": float64(1<<53) * 2},
		"infinity":        {"a": math.Inf(1)},
		"no number":       {"a": math.NaN()},
		"an int":          {"a": 1},
		"no UTF-8":        {"a": "\xff"},
		"no UTF-8 inside": {"a": map[string]any{"\xff": 1.0}},
	} {
		if _, err := d.SetClaims(t.Context(), d.ada.ID, claims); !errors.Is(err, user.ErrClaims) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
