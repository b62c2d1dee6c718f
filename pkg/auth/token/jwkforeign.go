package token

import (
	"errors"
	"slices"

	"github.com/edgeauth/edgeauth/internal/strictjson"
)

// origin says whose key a JWK is.
type origin bool

const (
	ours    origin = false // alg must be there, and no key may be for anything but signatures
	foreign origin = true
)

// errOtherUse says that a foreign key is declared for something that is none of ours.
var errOtherUse = errors.New("the key is for something else")

// otherUse reports whether a key is declared for another use, algorithm or curve than ours. Symmetric keys are not
// among them: they have no place in any public set.
func (m members) otherUse() bool {
	is := func(name, value string) bool {
		text, err := m.text(name)
		return err == nil && text == value
	}
	if is("kty", "oct") {
		return false
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
