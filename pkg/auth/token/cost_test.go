package token_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"math/big"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// bare returns the minimum work of verification: the check of the signature by the standard
// library, with the key and the decoded signature at hand.
func bare(t testing.TB, alg token.Algorithm, text string) func() bool {
	t.Helper()
	signed, sig := cut(t, text)
	message := []byte(signed)
	switch public := privateKey(t, signingKeys()[alg].JWK()).Public().(type) {
	case *rsa.PublicKey:
		return func() bool {
			digest := sha256.Sum256(message)
			return rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], sig) == nil
		}
	case *ecdsa.PublicKey:
		der, err := asn1.Marshal(struct{ R, S *big.Int }{
			new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:]),
		})
		if err != nil {
			t.Fatal(err)
		}
		return func() bool {
			digest := sha256.Sum256(message)
			return ecdsa.VerifyASN1(public, digest[:], der)
		}
	case ed25519.PublicKey:
		return func() bool { return ed25519.Verify(public, message, sig) }
	}
	t.Fatal("no such algorithm")
	return nil
}

// cut splits a token into the signed text and the decoded signature.
func cut(t testing.TB, text string) (signed string, sig []byte) {
	t.Helper()
	dot := strings.LastIndexByte(text, '.')
	return text[:dot], []byte(decode(t, text[dot+1:]))
}

// full returns a grant in which every list has an entry, with private claims if own is set.
func full(own bool) token.Grant {
	g := grant()
	g.Scope, g.AMR = []string{"api", "files:read"}, []string{"pwd"}
	g.Subject.Roles = []string{"admin", "reader"}
	if own {
		g.Subject.Claims = map[string]any{"tenant": map[string]any{"id": 7}, "plan": "pro", "region": "eu"}
	}
	return g
}

// Compared with the bare check, a token allocates its JSON as one string and the array of its
// lists. ECDSA allocates the signature in DER. Private claims add a map and one array.
func TestAllocations(t *testing.T) {
	v := verifierAt(t, instant)
	for _, row := range []struct {
		alg        token.Algorithm
		above, own float64
	}{{token.RS256, 2, 5}, {token.ES256, 3, 6}, {token.EdDSA, 2, 5}} {
		for own, above := range map[bool]float64{false: row.above, true: row.own} {
			text := issue(t, row.alg, full(own)).Text.Reveal()
			check := bare(t, row.alg, text)
			least := testing.AllocsPerRun(50, func() {
				if !check() {
					t.Fatal("the signature is wrong")
				}
			})
			ours := testing.AllocsPerRun(50, func() {
				if _, err := v.Verify(t.Context(), text); err != nil {
					t.Fatal(err)
				}
			})
			if ours > least+above {
				t.Errorf("%s, own claims %v: %v allocations, and %v for the bare check", row.alg, own, ours, least)
			}
		}
	}
}

// BenchmarkVerify compares Verify with the bare check and with golang-jwt's method, which gets the
// text and a decoded signature. Run go test -bench Verify -benchtime 5000x -count 10 and compare
// the medians.
func BenchmarkVerify(b *testing.B) {
	v := verifierAt(b, instant)
	for _, alg := range algorithms {
		text := issue(b, alg, full(false)).Text.Reveal()
		signed, sig := cut(b, text)
		public := privateKey(b, signingKeys()[alg].JWK()).Public()
		method := jwt.GetSigningMethod(string(alg))
		check := bare(b, alg, text)
		for name, verify := range map[string]func() bool{
			"bare":   check,
			"method": func() bool { return method.Verify(signed, sig, public) == nil },
			"whole": func() bool {
				_, err := v.Verify(b.Context(), text)
				return err == nil
			},
		} {
			b.Run(string(alg)+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if !verify() {
						b.Fatal("refused")
					}
				}
			})
		}
	}
}
