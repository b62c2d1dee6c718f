package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Key is an immutable public key that verifies access tokens by exactly one algorithm. The zero Key
// verifies no token.
type Key struct {
	id     string
	alg    Algorithm
	public crypto.PublicKey // *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey or macKey
}

// ID returns the kid.
func (k Key) ID() string { return k.id }

// Algorithm returns the only algorithm that the key verifies.
func (k Key) Algorithm() Algorithm { return k.alg }

// header returns the JOSE header of the tokens that the key signs.
func (k Key) header() string {
	return `{"alg":"` + string(k.alg) + `","kid":"` + k.id + `","typ":"` + Type + `"}`
}

// JWK returns the key as a JSON Web Key (RFC 7517). The JWK of a shared key contains no key
// material.
func (k Key) JWK() json.RawMessage { return describe(k, publicMembers(k.public)) }

// thumbprint returns the SHA-256 thumbprint of the key (RFC 7638) in base64url.
func (k Key) thumbprint() string { return thumbprint(publicMembers(k.public)) }

// SigningKey is an immutable private key. Printing, logging or encoding it shows only its kid. It
// is safe for concurrent use. The zero SigningKey signs nothing.
type SigningKey struct {
	public Key
	jwk    auth.Secret
	// sign is a function, because fmt descends into unexported fields and would print an
	// ed25519.PrivateKey.
	sign func(text string) ([]byte, error)
}

// GenerateSigningKey returns a new key: RSA with 2048 bits, P-256 or Ed25519. Since Go 1.26 only
// Ed25519 reads random; RSA and P-256 always use the randomness of the operating system.
func GenerateSigningKey(alg Algorithm, random io.Reader) (SigningKey, error) {
	var private crypto.Signer
	var err error
	switch alg {
	case RS256:
		private, err = rsa.GenerateKey(random, minRSABits)
	case ES256:
		private, err = ecdsa.GenerateKey(elliptic.P256(), random)
	case EdDSA:
		_, private, err = ed25519.GenerateKey(random)
	default:
		_, err = ParseAlgorithm(string(alg))
	}
	if err != nil {
		return SigningKey{}, fmt.Errorf("generate signing key: %w", err)
	}
	return newSigningKey(alg, private)
}

func newSigningKey(alg Algorithm, private crypto.Signer) (SigningKey, error) {
	public := Key{alg: alg, public: private.Public()}
	public.id = public.thumbprint()
	members, err := privateMembers(private)
	if err != nil {
		return SigningKey{}, err
	}
	return SigningKey{
		public: public,
		jwk:    auth.NewSecret(string(describe(public, members))),
		sign: func(text string) ([]byte, error) {
			signature, err := alg.method().Sign(text, private)
			if alg == ES256 && err == nil {
				lowerS(signature)
			}
			return signature, err
		},
	}, nil
}

// ID returns the kid, which is the RFC 7638 thumbprint of the key.
func (k SigningKey) ID() string { return k.public.id }

// Algorithm returns the only algorithm that the key signs with.
func (k SigningKey) Algorithm() Algorithm { return k.public.alg }

// Public returns the public key.
func (k SigningKey) Public() Key { return k.public }

// JWK returns the private key as a JSON Web Key, in the form that [ParseSigningKey] reads.
func (k SigningKey) JWK() auth.Secret { return k.jwk }

// compact signs the payload and returns a JWS in compact serialization (RFC 7515, section 7.1).
func (k SigningKey) compact(payload []byte) (string, error) {
	if k.sign == nil {
		return "", errors.New("the signing key is empty")
	}
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(k.public.header())) + "." + encode(payload)
	signature, err := k.sign(signed)
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	return signed + "." + encode(signature), nil
}

func (k SigningKey) String() string             { return "signing key " + k.public.id + " [redacted]" }
func (k SigningKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }
func (k SigningKey) LogValue() slog.Value       { return slog.StringValue(k.String()) }

// MarshalText keeps the key out of JSON and similar encodings. JWK().Reveal() returns the key.
func (k SigningKey) MarshalText() ([]byte, error) { return []byte(k.String()), nil }
