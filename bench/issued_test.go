package bench

import (
	"bytes"
	"context"
	"crypto/rand"
	"embed"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

const (
	issuer   = "https://auth.example.com"
	audience = "https://api.example.com"
)

var algorithms = []token.Algorithm{token.RS256, token.ES256, token.EdDSA}

// issued is the input of the contestants: one access token for each algorithm, and all public keys.
type issued struct {
	tokens map[token.Algorithm]string
	keys   token.KeySet
	jwks   []byte
	public map[string]any // the keys of the JWKS as types of the standard library, by kid
}

// issue issues the tokens once in a process. They are valid for an hour.
var issue = sync.OnceValues(func() (issued, error) {
	is := issued{tokens: map[token.Algorithm]string{}, public: map[string]any{}}
	var public []token.Key
	for _, alg := range algorithms {
		key, err := token.GenerateSigningKey(alg, rand.Reader)
		if err != nil {
			return issued{}, err
		}
		public = append(public, key.Public())
		by, err := token.NewIssuer(token.IssuerConfig{
			Issuer: issuer, Audience: []string{audience}, Keys: signer(key), Lifetime: token.MaxLifetime, Now: time.Now, Rand: rand.Reader,
		})
		if err != nil {
			return issued{}, err
		}
		access, err := by.Issue(context.Background(), token.Grant{
			Subject:   auth.Subject{ID: "1b671a64-40d5-491e-99b0-da01ff1f3341", Roles: []string{"admin", "editor"}},
			SessionID: "kXm3Vq0wQ3mYyq1v0y0N2w", Client: auth.DefaultClient, Scope: []string{"read", "write"},
			AMR: []string{"pwd"}, AuthTime: time.Now(), NotAfter: time.Now().Add(24 * time.Hour),
		})
		if err != nil {
			return issued{}, err
		}
		is.tokens[alg] = access.Text.Reveal()
	}
	var err error
	if is.keys, err = token.NewKeySet(public...); err != nil {
		return issued{}, err
	}
	if is.jwks, err = json.Marshal(is.keys); err != nil {
		return issued{}, err
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(is.jwks, &set); err != nil {
		return issued{}, err
	}
	for _, key := range set.Keys {
		is.public[key.KeyID] = key.Key
	}
	return is, nil
})

type signer token.SigningKey

func (s signer) SigningKey(context.Context) (token.SigningKey, error) {
	return token.SigningKey(s), nil
}

// forged returns a token with another signature of the same length.
func forged(text string) string {
	dot := strings.LastIndexByte(text, '.')
	middle := (dot + len(text)) / 2
	other := "A"
	if text[middle] == 'A' {
		other = "B"
	}
	return text[:middle] + other + text[middle+1:]
}

//go:embed testdata
var testdata embed.FS

// event returns an event of testdata with a token in it, as compact as the gateways write it.
func event(b *testing.B, name, text string) []byte {
	b.Helper()
	raw, err := testdata.ReadFile("testdata/" + name + ".json")
	if err != nil {
		b.Fatal(err)
	}
	var short bytes.Buffer
	if err := json.Compact(&short, raw); err != nil {
		b.Fatal(err)
	}
	return bytes.ReplaceAll(short.Bytes(), []byte("ACCESS_TOKEN"), []byte(text))
}
