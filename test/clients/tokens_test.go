package clients_test

import (
	"crypto/rand"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/keyring"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// terms are the parameters of an access token. A change of one parameter makes a token that differs
// from a good token only in this parameter.
type terms struct {
	issuer, audience string
	ring             keyrings.Source
	at               time.Time
}

// lifetime is the lifetime of access tokens.
const lifetime = 15 * time.Minute

// issue returns an access token from edgeauth's issuer, with the keys of the server.
func (h *server) issue(t *testing.T, changes ...func(*terms)) string {
	t.Helper()
	by := terms{h.URL, audience, h.ring, h.clock.now()}
	for _, change := range changes {
		change(&by)
	}
	now := func() time.Time { return by.at }
	keys, err := keyring.LoadSigning(t.Context(), by.ring, 1, now)
	if err != nil {
		t.Fatal(err)
	}
	issuer, err := token.NewIssuer(token.IssuerConfig{
		Issuer: by.issuer, Audience: []string{by.audience}, Keys: keys, Lifetime: lifetime,
		Now: now, Rand: rand.Reader,
	})
	if err != nil {
		t.Fatal(err)
	}
	access, err := issuer.Issue(t.Context(), token.Grant{
		Subject: auth.Subject{ID: "1b671a64-40d5-491e-99b0-da01ff1f3341"}, SessionID: "aaaaaaaaaaaaaaaaaaaaaa",
		Client: auth.DefaultClient, Scope: strings.Fields(scope), AuthTime: by.at, NotAfter: by.at.Add(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	return access.Text.Reveal()
}

// refused are the ways in which a bad token differs from a good one.
var refused = []string{"audience", "issuer", "time", "signature", "scope", "key"}

// bad returns a bad token for each entry of refused.
func (h *server) bad(t *testing.T) map[string]string {
	t.Helper()
	stranger, err1 := keyrings.NewSigningRing(h.alg, h.clock.now(), rand.Reader)
	text, err2 := stranger.Text()
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	part := strings.Split(h.issue(t), ".")
	return map[string]string{
		"audience":  h.issue(t, func(by *terms) { by.audience = "https://backoffice.example.com" }),
		"issuer":    h.issue(t, func(by *terms) { by.issuer = "https://other.example.com" }),
		"time":      h.issue(t, expired),
		"signature": part[0] + "." + part[1] + "." + changed(t, part[2]),
		"scope":     part[0] + "." + widened(t, part[1]) + "." + part[2],
		"key":       h.issue(t, func(by *terms) { by.ring = keyrings.Inline(text) }),
	}
}

// expired and ahead are relative to the time at which a client starts. A leeway of 30 seconds refuses
// a token that expired 35 seconds ago, and accepts one that a server issued whose clock is 25 seconds
// ahead.
func expired(by *terms) { by.at = time.Now().Add(-lifetime - 35*time.Second) }
func ahead(by *terms)   { by.at = time.Now().Add(25 * time.Second) }

// changed flips a bit in the middle of the signature.
func changed(t *testing.T, signature string) string {
	t.Helper()
	raw := decoded(t, signature)
	raw[len(raw)/2] ^= 1
	return base64.RawURLEncoding.EncodeToString(raw)
}

// widened adds a scope to the payload.
func widened(t *testing.T, payload string) string {
	t.Helper()
	was := string(decoded(t, payload))
	is := strings.Replace(was, scope, "read admin", 1)
	if is == was {
		t.Fatalf("no scope in %s", was)
	}
	return base64.RawURLEncoding.EncodeToString([]byte(is))
}

func decoded(t *testing.T, segment string) []byte {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(segment)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
