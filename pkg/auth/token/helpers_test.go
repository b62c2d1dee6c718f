package token_test

import (
	"context"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

const (
	issuer   = "https://auth.example.com"
	audience = "https://api.example.com"
	subject  = "1b671a64-40d5-491e-99b0-da01ff1f3341"
)

// instant is the current time in every test.
var instant = time.Unix(1_700_000_000, 0)

var algorithms = []token.Algorithm{token.RS256, token.ES256, token.EdDSA}

// signingKeys returns one key of each algorithm. All tests of the process share them.
var signingKeys = sync.OnceValue(func() map[token.Algorithm]token.SigningKey {
	keys := map[token.Algorithm]token.SigningKey{}
	for _, alg := range algorithms {
		key, err := token.GenerateSigningKey(alg, rand.Reader)
		if err != nil {
			panic(err)
		}
		keys[alg] = key
	}
	return keys
})

// signer implements token.SigningKeys with one key.
type signer token.SigningKey

func (s signer) SigningKey(context.Context) (token.SigningKey, error) {
	return token.SigningKey(s), nil
}

func clock() time.Time { return instant }

func publicKeys(t testing.TB) token.KeySet {
	t.Helper()
	var keys []token.Key
	for _, alg := range algorithms {
		keys = append(keys, signingKeys()[alg].Public())
	}
	set, err := token.NewKeySet(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func verifierAt(t testing.TB, now time.Time) *token.Verifier {
	t.Helper()
	v, err := token.NewVerifier(token.VerifierConfig{
		Issuer: issuer, Audience: []string{"other", audience}, Keys: publicKeys(t),
		Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func issuerOf(t testing.TB, alg token.Algorithm, change func(*token.IssuerConfig)) *token.Issuer {
	t.Helper()
	c := token.IssuerConfig{
		Issuer: issuer, Audience: []string{audience}, Keys: signer(signingKeys()[alg]),
		Lifetime: 15 * time.Minute, Now: clock, Rand: rand.Reader,
	}
	if change != nil {
		change(&c)
	}
	i, err := token.NewIssuer(c)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func grant() token.Grant {
	return token.Grant{
		Subject:   auth.Subject{ID: subject},
		SessionID: "0123456789abcdefghijkl",
		Client:    auth.DefaultClient,
		Scope:     []string{"api"},
		AuthTime:  instant.Add(-time.Hour),
		NotAfter:  instant.Add(24 * time.Hour),
	}
}

func issue(t testing.TB, alg token.Algorithm, g token.Grant) token.Access {
	t.Helper()
	access, err := issuerOf(t, alg, nil).Issue(t.Context(), g)
	if err != nil {
		t.Fatal(err)
	}
	return access
}

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func decode(t testing.TB, segment string) string {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(segment)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// goodHeader and goodPayload are valid. A row of a table test changes them in one place.
func goodHeader(alg token.Algorithm) string {
	return `{"alg":"` + string(alg) + `","kid":"` + signingKeys()[alg].ID() + `","typ":"at+jwt"}`
}

const goodPayload = `{"iss":"https://auth.example.com","sub":"1b671a64-40d5-491e-99b0-da01ff1f3341",` +
	`"aud":"https://api.example.com","exp":1700000900,"iat":1700000000,"jti":"j","client_id":"default"}`

// sign signs any header and payload with a valid signature, so that only the changed part is wrong.
func sign(t testing.TB, alg token.Algorithm, header, payload string) string {
	t.Helper()
	return signText(t, alg, encode(header)+"."+encode(payload))
}

// signText signs the given text unchanged.
func signText(t testing.TB, alg token.Algorithm, signed string) string {
	t.Helper()
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature(t, alg, signed))
}

// signature signs again until s is low, for ES256, because an issuer writes only low values.
func signature(t testing.TB, alg token.Algorithm, signed string) []byte {
	t.Helper()
	for {
		sig, err := jwt.GetSigningMethod(string(alg)).Sign(signed, privateKey(t, signingKeys()[alg].JWK()))
		if err != nil {
			t.Fatal(err)
		}
		if alg != token.ES256 || isLow(sig) {
			return sig
		}
	}
}

// halfOrder is half the order of P-256, rounded down (SEC 2, section 2.4.2).
var halfOrder, _ = new(big.Int).SetString("7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8", 16)

// isLow reports whether s of an ECDSA signature is the lower of the two values that verify.
func isLow(sig []byte) bool { return new(big.Int).SetBytes(sig[32:]).Cmp(halfOrder) <= 0 }

func members(t testing.TB, jwk string) map[string]string {
	t.Helper()
	var m map[string]string
	if err := json.Unmarshal([]byte(jwk), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// with returns a JWK with the given members set. A member with the value "" is removed.
func with(t testing.TB, jwk string, changes ...string) string {
	t.Helper()
	m := members(t, jwk)
	for i := 0; i < len(changes); i += 2 {
		m[changes[i]] = changes[i+1]
		if changes[i+1] == "" {
			delete(m, changes[i])
		}
	}
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// put replaces old by new. old must occur exactly once.
func put(t testing.TB, in, old, new string) string {
	t.Helper()
	if strings.Count(in, old) != 1 {
		t.Fatalf("%q stands %d times in %q", old, strings.Count(in, old), in)
	}
	return strings.Replace(in, old, new, 1)
}

// raise replaces a low s by the high value that verifies as well.
func raise(sig []byte) {
	new(big.Int).Sub(elliptic.P256().Params().N, new(big.Int).SetBytes(sig[32:])).FillBytes(sig[32:])
}
