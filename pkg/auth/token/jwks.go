package token

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/edgeauth/edgeauth/internal/strictjson"
	"github.com/edgeauth/edgeauth/pkg/auth"
)

// MaxJWKSBytes bounds the text of a key set.
const MaxJWKSBytes = 64 << 10

// KeySet is a JSON Web Key Set (RFC 7517, section 5) of public keys with distinct kids. It is immutable, safe for
// concurrent use, and implements Keys. The zero KeySet knows no key.
type KeySet struct{ keys []Key }

// NewKeySet returns the set of these keys, in this order.
func NewKeySet(keys ...Key) (KeySet, error) {
	if len(keys) == 0 {
		return KeySet{}, errors.New("JWKS: there is no key in it")
	}
	seen := map[string]bool{}
	for i, k := range keys {
		switch {
		case k.id == "" || k.public == nil:
			return KeySet{}, fmt.Errorf("JWKS: key number %d is empty", i+1)
		case k.alg == HS256:
			return KeySet{}, fmt.Errorf("JWKS: key %q: %w", k.id, errSymmetric)
		case seen[k.id]:
			return KeySet{}, fmt.Errorf("JWKS: key %q: another key has this kid", k.id)
		}
		seen[k.id] = true
	}
	return KeySet{slices.Clone(keys)}, nil
}

// ParseJWKS reads a key set for one issuer of our own. One bad key refuses the whole set, with its kid and the
// reason: a set that silently lost a key would refuse good tokens after the next rotation.
func ParseJWKS(data []byte) (KeySet, error) { return parseJWKS(data, ours) }

// ParseForeignJWKS reads the key set of another issuer. A key without alg means RS256, ES256 (P-256) or EdDSA
// (Ed25519), and keys that are declared for something else, such as encryption, another algorithm or another curve,
// are left out, as RFC 7517, section 5, asks: another issuer's set is not made for us. Of the others one bad key
// refuses the whole set, and so does a private or symmetric one of any kind, since that is no secret any more.
func ParseForeignJWKS(data []byte) (KeySet, error) { return parseJWKS(data, foreign) }

func parseJWKS(data []byte, from origin) (KeySet, error) {
	if len(data) > MaxJWKSBytes {
		return KeySet{}, fmt.Errorf("JWKS: it is longer than %d bytes", MaxJWKSBytes)
	}
	set, err := strictjson.Object(data)
	if err != nil {
		return KeySet{}, fmt.Errorf("JWKS: %w", err)
	}
	if set["keys"] == nil {
		return KeySet{}, errors.New(`JWKS: the member "keys" is missing`)
	}
	jwks, err := strictjson.Array(set["keys"])
	if err != nil {
		return KeySet{}, fmt.Errorf("JWKS: keys: %w", err)
	}
	keys := make([]Key, 0, len(jwks))
	for i, jwk := range jwks {
		key, kid, err := parseKey(jwk, from)
		switch {
		case errors.Is(err, errOtherUse):
		case err != nil && kid != "":
			return KeySet{}, fmt.Errorf("JWKS: key %q: %w", kid, err)
		case err != nil:
			return KeySet{}, fmt.Errorf("JWKS: key number %d: %w", i+1, err)
		default:
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 && len(jwks) > 0 {
		return KeySet{}, errors.New("JWKS: no key in it is for RS256, ES256 or EdDSA signatures")
	}
	return NewKeySet(keys...)
}

// Key returns the key of a kid, or an error that wraps auth.ErrNotFound.
func (s KeySet) Key(_ context.Context, kid string) (Key, error) { return find(s.keys, kid) }

var errNoKey = fmt.Errorf("key of this kid: %w", auth.ErrNotFound)

func find(keys []Key, kid string) (Key, error) {
	for _, k := range keys {
		if k.id == kid {
			return k, nil
		}
	}
	return Key{}, errNoKey
}

// Keys returns the keys in their order.
func (s KeySet) Keys() []Key { return slices.Clone(s.keys) }

// MarshalJSON writes the set as ParseJWKS reads it. Members that ParseJWKS ignored are not in it.
func (s KeySet) MarshalJSON() ([]byte, error) {
	jwks := make([]json.RawMessage, len(s.keys))
	for i, k := range s.keys {
		jwks[i] = k.JWK()
	}
	return json.Marshal(map[string]any{"keys": jwks})
}
