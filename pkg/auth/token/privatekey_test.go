package token_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"math/big"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// privateKey reads a private JWK without the code under test.
func privateKey(t testing.TB, jwk auth.Secret) crypto.Signer {
	t.Helper()
	m := members(t, jwk.Reveal())
	integer := func(name string) *big.Int { return new(big.Int).SetBytes([]byte(decode(t, m[name]))) }
	switch m["kty"] {
	case "RSA":
		return &rsa.PrivateKey{
			PublicKey: rsa.PublicKey{N: integer("n"), E: int(integer("e").Int64())},
			D:         integer("d"),
			Primes:    []*big.Int{integer("p"), integer("q")},
		}
	case "EC":
		key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), []byte(decode(t, m["d"])))
		if err != nil {
			t.Fatal(err)
		}
		return key
	default:
		return ed25519.NewKeyFromSeed([]byte(decode(t, m["d"])))
	}
}
