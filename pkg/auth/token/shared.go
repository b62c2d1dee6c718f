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

// HS256 is HMAC with SHA-256 (RFC 7518, section 3.2). Only SharedKeys have it.
const HS256 Algorithm = "HS256"

// SharedKeys are HS256 keys for a service that is its own and only verifier: whoever can check its tokens can also
// make them. They are the Keys of a Verifier and the SigningKeys of an Issuer, and nothing else: no JWKS and no KeySet
// holds one, and a Verifier that has them has no public keys beside them, so that no public key is ever taken for a
// secret (RFC 8725, section 2.1). They are immutable and safe for concurrent use.
type SharedKeys struct{ keys []Key }

// NewSharedKeys returns the keys of these secrets. The first one signs; the others verify what they signed before. RFC
// 7518, section 3.2, asks for 32 bytes; they must be random, since a token lets anybody try guesses at leisure.
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
			return SharedKeys{}, fmt.Errorf("shared keys: secret number %d is there already", i+1)
		}
		shared.keys = append(shared.keys, Key{id: id, alg: HS256, public: mac})
	}
	return shared, nil
}

// Key returns the key of a kid, or an error that wraps auth.ErrNotFound.
func (s SharedKeys) Key(_ context.Context, kid string) (Key, error) { return find(s.keys, kid) }

// SigningKey returns the key that signs. It has no JWK, and its public half verifies nothing.
func (s SharedKeys) SigningKey(context.Context) (SigningKey, error) {
	if len(s.keys) == 0 {
		return SigningKey{}, errors.New("shared keys: there are none")
	}
	mac := s.keys[0].public.(macKey)
	return SigningKey{
		public: Key{id: mac.id(), alg: HS256},
		sign:   func(text string) ([]byte, error) { return mac(text), nil },
	}, nil
}

// macKey is what a Key holds in the place of a public key: the MAC under its secret. A function, because fmt walks
// into everything else, through pointers too where a verb does not fit.
type macKey func(text string) []byte

func newMACKey(secret auth.Secret) macKey {
	return func(text string) []byte {
		h := hmac.New(sha256.New, []byte(secret.Reveal()))
		h.Write([]byte(text))
		return h.Sum(nil)
	}
}

// id returns the kid. RFC 7638 would hash the secret itself, and warns of it in section 7; this is a MAC of a text
// that no token's signed text equals, since that has a dot.
func (mac macKey) id() string {
	const bytes = 16
	return base64.RawURLEncoding.EncodeToString(mac("edgeauth: kid")[:bytes])
}
