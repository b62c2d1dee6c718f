package token

import (
	"encoding/base64"
	"errors"
)

// VerifyJWS checks a compact JWS (RFC 7515) with one key, as Verify does, and asks for neither typ, kid nor claims,
// which the vectors of others do not have.
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

// VerifySignature checks a signature of any bytes.
func VerifySignature(key Key, signed, signature []byte, highS bool) error {
	return key.verify(signed, signature, highS)
}

// Print takes a text apart and writes it again.
func Print(text string) (string, error) {
	s, proof, err := split([]byte(text), nil, nil)
	if err != nil {
		return "", err
	}
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(s.header)) + "." + encode([]byte(s.payload)) + "." + encode(proof.signature), nil
}
