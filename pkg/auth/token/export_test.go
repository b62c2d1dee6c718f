package token

import (
	"encoding/base64"
	"errors"
)

// VerifyJWS verifies a compact JWS (RFC 7515) with one key. Unlike Verify it does not require typ,
// kid or claims, which external test vectors lack.
func VerifyJWS(key Key, text string, highS bool) (payload string, err error) {
	s, proof, err := split([]byte(text), nil, nil)
	if err != nil {
		return "", err
	}
	h, err := parseHeader(s.header)
	if err != nil {
		return "", err
	}
	if h.alg != string(key.alg) {
		return "", errors.New("alg is not the key's")
	}
	return s.payload, key.verify(proof.text, proof.signature, highS)
}

// VerifySignature verifies a signature of arbitrary bytes.
func VerifySignature(key Key, signed, signature []byte, highS bool) error {
	return key.verify(signed, signature, highS)
}

// Print decodes a token and encodes it again.
func Print(text string) (string, error) {
	s, proof, err := split([]byte(text), nil, nil)
	if err != nil {
		return "", err
	}
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(s.header)) + "." + encode([]byte(s.payload)) + "." + encode(proof.signature), nil
}

// HS256 is the algorithm of shared keys, and Error the type of a refusal.
const HS256 = hs256

type Error = refusal

// Thumbprint is the thumbprint of a public key (RFC 7638).
func (k Key) Thumbprint() string { return k.thumbprint() }
