package bench

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// BenchmarkIssue measures an access token. It is compared with the bare signature of a text of the
// same length.
func BenchmarkIssue(b *testing.B) {
	for _, alg := range algorithms {
		b.Run(string(alg), func(b *testing.B) {
			key, err := token.GenerateSigningKey(alg, rand.Reader)
			if err != nil {
				b.Fatal(err)
			}
			by, err := token.NewIssuer(token.IssuerConfig{
				Issuer: issuer, Audience: []string{audience}, Keys: signer(key), Lifetime: token.MaxLifetime, Now: time.Now, Rand: rand.Reader,
			})
			if err != nil {
				b.Fatal(err)
			}
			grant := token.Grant{
				Subject:   auth.Subject{ID: "1b671a64-40d5-491e-99b0-da01ff1f3341", Roles: []string{"admin", "editor"}},
				SessionID: "kXm3Vq0wQ3mYyq1v0y0N2w", Client: auth.DefaultClient, AuthTime: time.Now(), NotAfter: time.Now().Add(24 * time.Hour),
			}
			issue := func() (string, error) {
				access, err := by.Issue(context.Background(), grant)
				return access.Text.Reveal(), err
			}
			text, err := issue()
			if err != nil {
				b.Fatal(err)
			}
			sign, err := bareSigner(key, []byte(text[:strings.LastIndex(text, ".")]))
			if err != nil {
				b.Fatal(err)
			}
			against(b, 1, 5, contestant{"bare", sign}, contestant{"ours", func() error { _, err := issue(); return err }})
			b.ReportMetric(float64(len(text)), "bytes")
		})
	}
}

// bareSigner returns a function that signs a text as in RFC 7515, with only the standard library.
func bareSigner(key token.SigningKey, text []byte) (func() error, error) {
	var jwk jose.JSONWebKey
	if err := json.Unmarshal([]byte(key.JWK().Reveal()), &jwk); err != nil {
		return nil, err
	}
	digest := func() []byte { sum := sha256.Sum256(text); return sum[:] }
	switch private := jwk.Key.(type) {
	case *rsa.PrivateKey:
		private.Precompute()
		return func() error { _, err := rsa.SignPKCS1v15(nil, private, crypto.SHA256, digest()); return err }, nil
	case *ecdsa.PrivateKey:
		return func() error { _, err := ecdsa.SignASN1(rand.Reader, private, digest()); return err }, nil
	case ed25519.PrivateKey:
		return func() error { ed25519.Sign(private, text); return nil }, nil
	}
	return nil, fmt.Errorf("a key of %T", jwk.Key)
}
