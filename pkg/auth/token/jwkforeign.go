package token

import (
	"errors"
	"slices"

	"github.com/edgeauth/edgeauth/internal/strictjson"
)

// origin says which issuer's rules a JWK must follow.
type origin bool

const (
	ours    origin = false // alg is required, and every key must be for signatures
	foreign origin = true  // alg is optional, and keys that cannot verify tokens here are skipped
)

// errOtherUse means that a foreign key is declared for a purpose other than verifying tokens.
var errOtherUse = errors.New("the key is not for RS256, ES256 or EdDSA signatures")

// otherUse reports whether the key is declared for another use, algorithm or curve.
func (m members) otherUse() bool {
	is := func(name, value string) bool {
		text, err := m.text(name)
		return err == nil && text == value
	}
	if is("use", "enc") {
		return true
	}
	if operations, err := strictjson.Strings(m["key_ops"]); err == nil && !slices.Contains(operations, "verify") {
		return true
	}
	if alg, err := m.text("alg"); err == nil && Algorithm(alg).method() == nil {
		return true
	}
	kty, err := m.text("kty")
	switch {
	case err != nil, kty == "RSA":
		return false
	case kty == "EC":
		return m["crv"] != nil && !is("crv", "P-256")
	case kty == "OKP":
		return m["crv"] != nil && !is("crv", "Ed25519")
	}
	return true
}
