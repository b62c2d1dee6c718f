package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/edgeauth/edgeauth/internal/strictjson"
)

// Bounds of RSA keys. RFC 7518, section 3.3, requires at least 2048 bits. Exponents below 65537
// enable known attacks on careless padding checks. A modulus above 8192 bits only makes
// verification slow.
const (
	minRSABits     = 2048
	maxRSABits     = 8192
	minRSAExponent = 65537
	maxRSAExponent = 1<<31 - 1
)

// errSecret is wrapped by the error of a key whose secret a public set shows.
var errSecret = errors.New("a secret must not be published")

var errSymmetric = fmt.Errorf("symmetric keys are not accepted here, because a verifier could issue tokens: %w", errSecret)

// parseKey reads a public JWK. If the JWK has a kid, parseKey returns the kid even with an error.
func parseKey(jwk []byte, from origin) (key Key, kid string, err error) {
	object, err := strictjson.Object(jwk)
	if err != nil {
		return Key{}, "", err
	}
	m := members(object)
	kid, noKid := m.text("kid")
	for name := range m {
		if slices.Contains(privateNames, name) || from == foreign && misspelt(name, privateNames) != "" {
			return Key{}, kid, fmt.Errorf("the member %q is private: %w", name, errSecret)
		}
	}
	if kty, _ := m.text("kty"); kty == "oct" {
		return Key{}, kid, errSymmetric
	}
	if from == foreign && m.otherUse() {
		return Key{}, kid, errOtherUse
	}
	if noKid != nil || kid == "" {
		return Key{}, "", errors.New("kid must be a string that is not empty")
	}
	alg, public, err := m.public("verify", from)
	if err != nil {
		return Key{}, kid, err
	}
	return Key{kid, alg, public}, kid, nil
}

// members holds the members of a JWK by their exact names.
type members map[string]json.RawMessage

var (
	privateNames = []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
	memberNames  = slices.Concat(privateNames,
		[]string{"kty", "use", "key_ops", "alg", "kid", "crv", "n", "e", "x", "y"})
)

func (m members) checkSpelling() error {
	for name := range m {
		if right := misspelt(name, memberNames); right != "" {
			return fmt.Errorf("the member %q must be spelled %q", name, right)
		}
	}
	return nil
}

func (m members) text(name string) (string, error) {
	if m[name] == nil {
		return "", fmt.Errorf("%s is missing", name)
	}
	text, err := strictjson.String(m[name])
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	return text, nil
}

// bytes decodes a member in canonical base64url. size is the required length, or 0 for a
// Base64urlUInt: any number of octets without a leading zero (RFC 7518, section 2).
func (m members) bytes(name string, size int) ([]byte, error) {
	text, err := m.text(name)
	if err != nil {
		return nil, err
	}
	value, err := appendDecoded(nil, []byte(text))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	case size == 0 && (len(value) == 0 || value[0] == 0):
		return nil, fmt.Errorf("%s must be a positive integer without leading zero octets", name)
	case size != 0 && len(value) != size:
		return nil, fmt.Errorf("%s must hold %d octets; it holds %d", name, size, len(value))
	}
	return value, nil
}

func (m members) integer(name string) (*big.Int, error) {
	value, err := m.bytes(name, 0)
	return new(big.Int).SetBytes(value), err
}

// public reads the algorithm and the public key. use and key_ops must allow the operation, "sign"
// or "verify".
func (m members) public(operation string, from origin) (Algorithm, crypto.PublicKey, error) {
	if err := m.checkSpelling(); err != nil {
		return "", nil, err
	}
	kty, err := m.text("kty")
	if err != nil {
		return "", nil, err
	}
	var alg Algorithm
	var read func() (crypto.PublicKey, error)
	switch kty {
	case "RSA":
		alg, read = RS256, m.rsa
	case "EC":
		alg, read = ES256, m.p256
	case "OKP":
		alg, read = EdDSA, m.ed25519
	case "oct":
		return "", nil, errSymmetric
	default:
		return "", nil, errors.New("kty must be RSA, EC or OKP")
	}
	if err := m.use(operation); err != nil {
		return "", nil, err
	}
	// RFC 7517, section 4.4, makes alg optional. This issuer's keys must have alg, because the
	// header's alg is compared with it.
	if named, _ := m.text("alg"); named != string(alg) && (from == ours || m["alg"] != nil) {
		return "", nil, fmt.Errorf("alg must be %s for a key of kty %s", alg, kty)
	}
	public, err := read()
	return alg, public, err
}

// use requires a signature key (RFC 7517, sections 4.2 and 4.3). Both members are optional.
func (m members) use(operation string) error {
	if use, err := m.text("use"); m["use"] != nil && (err != nil || use != "sig") {
		return errors.New(`use must be "sig"`)
	}
	if m["key_ops"] == nil {
		return nil
	}
	operations, err := strictjson.Strings(m["key_ops"])
	other := func(o string) bool { return o != "sign" && o != "verify" }
	if err != nil || !slices.Contains(operations, operation) || slices.ContainsFunc(operations, other) {
		return fmt.Errorf("key_ops must hold %q and only signature operations", operation)
	}
	return nil
}

func (m members) rsa() (crypto.PublicKey, error) {
	n, err := m.integer("n")
	if err != nil {
		return nil, err
	}
	e, err := m.integer("e")
	if err != nil {
		return nil, err
	}
	switch bits := n.BitLen(); {
	case bits < minRSABits || bits > maxRSABits:
		return nil, fmt.Errorf("the modulus has %d bits; it must have %d to %d", bits, minRSABits, maxRSABits)
	case n.Bit(0) == 0:
		return nil, errors.New("the modulus is even")
	case e.Bit(0) == 0:
		return nil, errors.New("the exponent is even")
	case e.Cmp(big.NewInt(minRSAExponent)) < 0 || e.Cmp(big.NewInt(maxRSAExponent)) > 0:
		return nil, fmt.Errorf("the exponent must lie between %d and %d", minRSAExponent, maxRSAExponent)
	case isROCA(n):
		return nil, errors.New("the modulus has the structure that CVE-2017-15361 (ROCA) factors")
	}
	return &rsa.PublicKey{N: n, E: int(e.Int64())}, nil
}

func (m members) p256() (crypto.PublicKey, error) {
	if crv, err := m.text("crv"); err != nil || crv != "P-256" {
		return nil, errors.New("crv must be P-256 for a key of kty EC")
	}
	x, err := m.bytes("x", p256Bytes)
	if err != nil {
		return nil, err
	}
	y, err := m.bytes("y", p256Bytes)
	if err != nil {
		return nil, err
	}
	const uncompressed = 4 // SEC 1, section 2.3.3
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{uncompressed}, x, y))
	if err != nil {
		return nil, errors.New("the point is not on the curve")
	}
	return public, nil
}

func (m members) ed25519() (crypto.PublicKey, error) {
	if crv, err := m.text("crv"); err != nil || crv != "Ed25519" {
		return nil, errors.New("crv must be Ed25519 for a key of kty OKP")
	}
	x, err := m.bytes("x", ed25519.PublicKeySize)
	if err != nil {
		return nil, err
	}
	return ed25519.PublicKey(x), checkEdwards(x)
}
