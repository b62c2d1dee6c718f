package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
)

// publicMembers returns the members that a thumbprint covers (RFC 7638, section 3.2; RFC 8037,
// section 2).
func publicMembers(public crypto.PublicKey) map[string]string {
	encode := base64.RawURLEncoding.EncodeToString
	switch public := public.(type) {
	case *rsa.PublicKey:
		e := big.NewInt(int64(public.E))
		return map[string]string{"kty": "RSA", "n": encode(public.N.Bytes()), "e": encode(e.Bytes())}
	case *ecdsa.PublicKey:
		point, err := public.Bytes()
		if err != nil {
			return nil // every Key was checked when it was made
		} // cannot happen: every Key is checked when it is made
		x, y := point[1:1+p256Bytes], point[1+p256Bytes:]
		return map[string]string{"kty": "EC", "crv": "P-256", "x": encode(x), "y": encode(y)}
	case ed25519.PublicKey:
		return map[string]string{"kty": "OKP", "crv": "Ed25519", "x": encode(public)}
	}
	return nil
}

// describe writes a JWK with its members sorted by name.
func describe(k Key, material map[string]string) json.RawMessage {
	all := map[string]string{"kid": k.id, "alg": string(k.alg), "use": "sig"}
	maps.Copy(all, material)
	return marshal(all)
}

// thumbprint hashes the members in lexicographic order without whitespace (RFC 7638, section 3).
// encoding/json writes a map in this form.
func thumbprint(required map[string]string) string {
	sum := sha256.Sum256(marshal(required))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func marshal(object map[string]string) []byte {
	text, err := json.Marshal(object)
	if err != nil {
		panic("token: a map of strings has no JSON: " + err.Error()) // cannot happen
	}
	return text
}
