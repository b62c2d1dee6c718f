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

// MaxJWKSBytes is the maximum size of a key set in bytes.
const MaxJWKSBytes = 64 << 10

// KeySet is an immutable JSON Web Key Set (RFC 7517, section 5) of public keys with distinct kids.
// It implements [Keys] and is safe for concurrent use. The zero KeySet has no keys.
type KeySet struct {
	keys    []Key
	skipped []error
}

// NewKeySet returns a set of the keys in the given order. At least one key is required, kids must
// be distinct, and the keys must not be symmetric.
func NewKeySet(keys ...Key) (KeySet, error) {
	if len(keys) == 0 {
		return KeySet{}, errors.New("JWKS: the set has no key")
	}
	seen := map[string]bool{}
	for i, k := range keys {
		switch {
		case k.id == "" || k.public == nil:
			return KeySet{}, fmt.Errorf("JWKS: key number %d is empty", i+1)
		case k.alg == hs256:
			return KeySet{}, fmt.Errorf("JWKS: key %q: %w", k.id, errSymmetric)
		case seen[k.id]:
			return KeySet{}, fmt.Errorf("JWKS: key %q: the kid is not unique", k.id)
		}
		seen[k.id] = true
	}
	return KeySet{keys: slices.Clone(keys)}, nil
}

// ParseJWKS reads the key set of an edgeauth issuer. One invalid key makes the whole set invalid,
// and the error names its kid and the reason. If ParseJWKS dropped invalid keys, valid tokens would
// be refused after the next rotation.
func ParseJWKS(data []byte) (KeySet, error) { return parseJWKS(data, ours) }

// ParseForeignJWKS reads the key set of another issuer. A key without alg is used for RS256, ES256
// (P-256) or EdDSA (Ed25519), according to its kty. As RFC 7517, section 5, recommends,
// ParseForeignJWKS skips keys that cannot verify tokens here: keys for another purpose, algorithm
// or curve, weak or malformed keys, and keys without a distinct kid. [KeySet.Skipped] names them.
//
// A private or symmetric key makes the whole set invalid, because its secret is public. A set
// without any usable key is invalid too.
func ParseForeignJWKS(data []byte) (KeySet, error) { return parseJWKS(data, foreign) }

func parseJWKS(data []byte, from origin) (KeySet, error) {
	if len(data) > MaxJWKSBytes {
		return KeySet{}, fmt.Errorf("JWKS: the set has more than %d bytes", MaxJWKSBytes)
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
	keys, skipped := make([]Key, 0, len(jwks)), []error(nil)
	for i, jwk := range jwks {
		key, kid, err := parseKey(jwk, from)
		if _, taken := find(keys, kid); err == nil && taken == nil && from == foreign {
			err = errors.New("an earlier key has the same kid")
		}
		if err == nil {
			keys = append(keys, key)
			continue
		}
		name := fmt.Sprintf("key %q", kid)
		if kid == "" {
			name = fmt.Sprintf("key number %d", i+1)
		}
		err = fmt.Errorf("JWKS: %s: %w", name, err)
		if from == ours || errors.Is(err, errSecret) {
			return KeySet{}, err
		}
		skipped = append(skipped, err)
	}
	if len(keys) == 0 && len(jwks) > 0 {
		return KeySet{}, fmt.Errorf("JWKS: the set has no key for RS256, ES256 or EdDSA signatures: %w", errors.Join(skipped...))
	}
	read, err := NewKeySet(keys...)
	read.skipped = skipped
	return read, err
}

// Skipped returns an error for each key that [ParseForeignJWKS] skipped. The error names the key
// and the reason.
func (s KeySet) Skipped() []error { return slices.Clone(s.skipped) }

// Key returns the key with the given kid, or an error that wraps [auth.ErrNotFound].
func (s KeySet) Key(_ context.Context, kid string) (Key, error) { return find(s.keys, kid) }

var errNoKey = fmt.Errorf("key with this kid: %w", auth.ErrNotFound)

func find(keys []Key, kid string) (Key, error) {
	for _, k := range keys {
		if k.id == kid {
			return k, nil
		}
	}
	return Key{}, errNoKey
}

// Keys returns the keys in their original order.
func (s KeySet) Keys() []Key { return slices.Clone(s.keys) }

// MarshalJSON writes the set in the form that [ParseJWKS] reads, without the members that ParseJWKS
// ignores.
func (s KeySet) MarshalJSON() ([]byte, error) {
	jwks := make([]json.RawMessage, len(s.keys))
	for i, k := range s.keys {
		jwks[i] = k.JWK()
	}
	return json.Marshal(map[string]any{"keys": jwks})
}
