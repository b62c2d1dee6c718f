package token

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"math/big"

	"github.com/golang-jwt/jwt/v5"
)

var (
	errSignatureLength = errors.New("the signature is not r and s of 32 octets each")
	errHighS           = errors.New("the signature's s lies above half of the group's order")
	errMAC             = errors.New("the MAC does not match")
	errEmptyKey        = errors.New("the key is empty")
)

// verify checks a signature with the standard library. The methods of golang-jwt call the same
// functions and return the same errors, but copy the text and use big integers. highS also accepts
// ECDSA signatures whose s is above half of the order: about half of other issuers' signatures have
// a high s.
func (k Key) verify(signed, signature []byte, highS bool) error {
	switch public := k.public.(type) {
	case *rsa.PublicKey:
		digest := sha256.Sum256(signed)
		return rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], signature)
	case *ecdsa.PublicKey:
		if len(signature) != 2*p256Bytes { // RFC 7518, section 3.4
			return errSignatureLength
		}
		// If (r, s) verifies, (r, n-s) verifies too, and can be computed without the key. Only the
		// lower s is accepted, so that no two texts verify as the same token. Ed25519 and RSA
		// signatures have a single encoding.
		if !highS && bytes.Compare(signature[p256Bytes:], p256Half) > 0 {
			return errHighS
		}
		digest := sha256.Sum256(signed)
		if !ecdsa.VerifyASN1(public, digest[:], derSignature(signature)) {
			return jwt.ErrECDSAVerification
		}
		return nil
	case ed25519.PublicKey:
		if !ed25519.Verify(public, signed, signature) {
			return jwt.ErrEd25519Verification
		}
		return nil
	case macKey:
		if !hmac.Equal(public(string(signed)), signature) {
			return errMAC
		}
		return nil
	}
	return errEmptyKey
}

const p256Bytes = 32

// p256Half is half the order of P-256, rounded down.
var p256Half = new(big.Int).Rsh(elliptic.P256().Params().N, 1).FillBytes(make([]byte, p256Bytes))

// lowerS replaces s by n-s if n-s is lower. verify accepts only the lower value.
func lowerS(signature []byte) {
	s := signature[p256Bytes:]
	if bytes.Compare(s, p256Half) > 0 {
		new(big.Int).Sub(elliptic.P256().Params().N, new(big.Int).SetBytes(s)).FillBytes(s)
	}
}

// derSignature encodes r and s, 32 octets each, as the ECDSA-Sig-Value that crypto/ecdsa reads (RFC
// 3279, section 2.2.3). Each length is below 128 and takes one octet.
func derSignature(signature []byte) []byte {
	const sequence = 0x30
	der := append(make([]byte, 0, 2+2*(3+p256Bytes)), sequence, 0)
	der = appendInteger(der, signature[:p256Bytes])
	der = appendInteger(der, signature[p256Bytes:])
	der[1] = byte(len(der) - 2)
	return der
}

// appendInteger appends a DER INTEGER in its shortest form. The first bit is the sign and must be
// zero.
func appendInteger(der, magnitude []byte) []byte {
	const integer = 0x02
	n := bytes.TrimLeft(magnitude, "\x00")
	if len(n) == 0 || n[0] >= 0x80 {
		return append(append(der, integer, byte(1+len(n)), 0), n...)
	}
	return append(append(der, integer, byte(len(n))), n...)
}
