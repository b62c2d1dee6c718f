package token_test

import (
	"crypto/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// TestClientTerms checks which settings of a client replace the issuer's audience
// and lifetime, and that the tokens of other clients keep them.
func TestClientTerms(t *testing.T) {
	clients := map[auth.ClientID]auth.Client{
		"both":     {Audience: []string{"a", "b"}, AccessTokenLifetime: 5 * time.Minute},
		"audience": {Audience: []string{"c"}},
		"lifetime": {AccessTokenLifetime: time.Hour},
		"neither":  {Scope: []string{"x"}, IdleTimeout: time.Hour},
	}
	i := issuerOf(t, token.EdDSA, func(c *token.IssuerConfig) { c.Rand, c.Clients = noJitter{}, clients })
	clients["both"].Audience[0] = "changed afterwards"
	delete(clients, "audience")
	for _, row := range []struct {
		client   auth.ClientID
		audience []string
		lifetime time.Duration
	}{
		{"both", []string{"a", "b"}, 5 * time.Minute},
		{"audience", []string{"c"}, 15 * time.Minute},
		{"lifetime", []string{audience}, time.Hour},
		{"neither", []string{audience}, 15 * time.Minute},
		{"unknown", []string{audience}, 15 * time.Minute},
	} {
		g := grant()
		g.Client = row.client
		access, err := i.Issue(t.Context(), g)
		if err != nil {
			t.Fatal(err)
		}
		payload := decode(t, strings.Split(access.Text.Reveal(), ".")[1])
		want := `"aud":["` + strings.Join(row.audience, `","`) + `"],`
		if len(row.audience) == 1 {
			want = `"aud":"` + row.audience[0] + `",`
		}
		if !strings.Contains(payload, want) || access.ExpiresIn != row.lifetime {
			t.Errorf("%s: %v, %s", row.client, access.ExpiresIn, payload)
		}
	}
}

// TestJitterOfAClientLifetime checks that jitter shortens a short lifetime by 5 % at most.
func TestJitterOfAClientLifetime(t *testing.T) {
	i := issuerOf(t, token.EdDSA, func(c *token.IssuerConfig) {
		c.Rand, c.Clients = rand.Reader, map[auth.ClientID]auth.Client{"default": {AccessTokenLifetime: time.Minute}}
	})
	for range 100 {
		access, err := i.Issue(t.Context(), grant())
		// The jitter is up to three seconds, and ExpiresIn is rounded down.
		if err != nil || access.ExpiresIn > time.Minute || access.ExpiresIn < 56*time.Second {
			t.Fatal(access.ExpiresIn, err)
		}
	}
}

func TestNewIssuerRefusesClients(t *testing.T) {
	for _, row := range []struct {
		client auth.Client
		tells  string
	}{
		{auth.Client{AccessTokenLifetime: time.Minute - 1}, "Lifetime must lie between 1m0s and 1h0m0s"},
		{auth.Client{AccessTokenLifetime: time.Hour + 1}, "Lifetime must lie between"},
		{auth.Client{AccessTokenLifetime: -time.Minute}, "Lifetime must lie between"},
		{auth.Client{Audience: []string{""}}, "Audience must hold"},
		{auth.Client{Audience: slices.Repeat([]string{"a"}, 2)}, "Audience must hold"},
	} {
		c := token.IssuerConfig{Issuer: issuer, Audience: []string{audience}, Keys: signer(signingKeys()[token.EdDSA]), Lifetime: time.Minute, Now: time.Now, Rand: rand.Reader,
			Clients: map[auth.ClientID]auth.Client{"good": {}, "web": row.client}}
		if _, err := token.NewIssuer(c); err == nil || !strings.Contains(err.Error(), `token issuer: client "web": `+row.tells) {
			t.Errorf("%+v: %v", row.client, err)
		}
	}
}
