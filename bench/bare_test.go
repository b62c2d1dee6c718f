package bench

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

var errRefused = errors.New("refused")

// bareCheck returns the standard library's check of a token's signature, with everything that it
// needs prepared: the least work of any verifier.
func bareCheck(b *testing.B, is issued, text string) func() error {
	b.Helper()
	dot := strings.LastIndexByte(text, '.')
	signed := []byte(text[:dot])
	signature, err := base64.RawURLEncoding.DecodeString(text[dot+1:])
	if err != nil {
		b.Fatal(err)
	}
	unverified, _, err := jwt.NewParser().ParseUnverified(text, jwt.MapClaims{})
	if err != nil {
		b.Fatal(err)
	}
	kid, _ := unverified.Header["kid"].(string)
	switch key := is.public[kid].(type) {
	case *rsa.PublicKey:
		return func() error {
			digest := sha256.Sum256(signed)
			return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature)
		}
	case *ecdsa.PublicKey:
		half := len(signature) / 2
		der, err := asn1.Marshal([]*big.Int{integer(signature[:half]), integer(signature[half:])})
		if err != nil {
			b.Fatal(err)
		}
		return func() error {
			digest := sha256.Sum256(signed)
			if !ecdsa.VerifyASN1(key, digest[:], der) {
				return errRefused
			}
			return nil
		}
	case ed25519.PublicKey:
		return func() error {
			if !ed25519.Verify(key, signed, signature) {
				return errRefused
			}
			return nil
		}
	}
	b.Fatalf("no key has the kid %q", kid)
	return nil
}

func integer(bytes []byte) *big.Int { return new(big.Int).SetBytes(bytes) }
