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

// Key is a public key that verifies access tokens by exactly one algorithm. It is immutable; the zero Key verifies
// nothing.
type Key struct {
	id     string
	alg    Algorithm
	public crypto.PublicKey // *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey or macKey, as alg says
}

// ID returns the kid.
func (k Key) ID() string { return k.id }

// Algorithm returns the one algorithm that the key is for.
func (k Key) Algorithm() Algorithm { return k.alg }

// header returns the JOSE header of our tokens under this key.
func (k Key) header() string {
	return `{"alg":"` + string(k.alg) + `","kid":"` + k.id + `","typ":"` + Type + `"}`
}

// JWK returns the key as a JSON Web Key (RFC 7517). Of a shared key it holds no key material.
func (k Key) JWK() json.RawMessage { return describe(k, publicMembers(k.public)) }

// Thumbprint returns the base64url text of the key's SHA-256 thumbprint (RFC 7638).
func (k Key) Thumbprint() string { return thumbprint(publicMembers(k.public)) }

// SigningKey is a private key. No way of printing it shows more than its kid. It is immutable and safe for
// concurrent use; the zero SigningKey signs nothing.
type SigningKey struct {
	public Key
	jwk    auth.Secret
	// A function, because fmt walks into unexported fields, and would print an ed25519.PrivateKey whole.
	sign func(text string) ([]byte, error)
}

// GenerateSigningKey makes a new key: RSA keys of 2048 bits, P-256 or Ed25519. Since Go 1.26 only Ed25519 reads
// random; the others take the operating system's randomness whatever is given (crypto/rsa, GenerateKey).
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
	public.id = public.Thumbprint()
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

// ID returns the kid: the key's RFC 7638 thumbprint.
func (k SigningKey) ID() string { return k.public.id }

// Algorithm returns the one algorithm that the key signs by.
func (k SigningKey) Algorithm() Algorithm { return k.public.alg }

// Public returns the key's public half.
func (k SigningKey) Public() Key { return k.public }

// JWK returns the private key as a JSON Web Key, which ParseSigningKey reads.
func (k SigningKey) JWK() auth.Secret { return k.jwk }

// compact signs a payload: a JWS in compact serialization (RFC 7515, section 7.1).
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
func (k SigningKey) GoString() string           { return k.String() }
func (k SigningKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }
func (k SigningKey) LogValue() slog.Value       { return slog.StringValue(k.String()) }

// MarshalText hides the key from JSON and its like as well; JWK().Reveal() is the way out.
func (k SigningKey) MarshalText() ([]byte, error) { return []byte(k.String()), nil }
