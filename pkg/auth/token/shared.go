package token

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// hs256 is HMAC with SHA-256 (RFC 7518, section 3.2). Only [SharedKeys] use it, and
// [ParseAlgorithm] does not accept it.
const hs256 Algorithm = "HS256"

// SharedKeys are HS256 keys for a service that verifies its own tokens and shares them with no
// other verifier: a holder of the secret can verify tokens and issue them. SharedKeys implement
// both [Keys] and [SigningKeys].
//
// A shared key never appears in a KeySet or a JWKS. A Verifier with SharedKeys accepts no public
// keys beside them, so that a public key is never used as an HMAC secret (RFC 8725, section 2.1).
// SharedKeys are immutable and safe for concurrent use.
type SharedKeys struct{ keys []Key }

// NewSharedKeys returns the keys for the given secrets. The first secret signs. The secrets in
// verify only verify tokens that they signed earlier. Each secret must hold at least 32 bytes (RFC
// 7518, section 3.2). The bytes must be random: an attacker who has one token can guess the secret
// offline.
func NewSharedKeys(signs auth.Secret, verify ...auth.Secret) (SharedKeys, error) {
	var shared SharedKeys
	for i, secret := range append([]auth.Secret{signs}, verify...) {
		if size := len(secret.Reveal()); size < sha256.Size {
			return SharedKeys{}, fmt.Errorf("shared keys: secret number %d must hold at least %d random bytes; it holds %d",
				i+1, sha256.Size, size)
		}
		mac := newMACKey(secret)
		id := mac.id()
		if _, err := shared.Key(context.Background(), id); err == nil {
			return SharedKeys{}, fmt.Errorf("shared keys: secret number %d repeats an earlier one", i+1)
		}
		shared.keys = append(shared.keys, Key{id: id, alg: hs256, public: mac})
	}
	return shared, nil
}

// Key returns the key with the given kid, or an error that wraps [auth.ErrNotFound].
func (s SharedKeys) Key(_ context.Context, kid string) (Key, error) { return find(s.keys, kid) }

// SigningKey returns the key that signs. Its JWK is empty and its public half verifies nothing. The
// zero SharedKeys return an error.
func (s SharedKeys) SigningKey(context.Context) (SigningKey, error) {
	if len(s.keys) == 0 {
		return SigningKey{}, errors.New("shared keys: no key is configured")
	}
	mac := s.keys[0].public.(macKey)
	return SigningKey{
		public: Key{id: mac.id(), alg: hs256},
		sign:   func(text string) ([]byte, error) { return mac(text), nil },
	}, nil
}

// macKey takes the place of a public key in a Key and computes the MAC under its secret. It is a
// function, because fmt descends into all other types and would print the secret.
type macKey func(text string) []byte

func newMACKey(secret auth.Secret) macKey {
	return func(text string) []byte {
		h := hmac.New(sha256.New, []byte(secret.Reveal()))
		h.Write([]byte(text))
		return h.Sum(nil)
	}
}

// id returns the kid. The RFC 7638 thumbprint would be a hash of the secret itself, and RFC 7638,
// section 7, warns against publishing it. The kid is a MAC of a constant instead. The constant
// cannot be the signed text of a token, because it contains no dot.
func (mac macKey) id() string {
	const bytes = 16
	return base64.RawURLEncoding.EncodeToString(mac("edgeauth: kid")[:bytes])
}
