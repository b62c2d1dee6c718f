package authtest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// rings are the three rings of a deployment.
type rings struct {
	signing, refresh, login keyrings.Source
	next                    token.SigningKey // published, but does not sign yet
}

// created is when the keys were made, according to the rings.
var created = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

var made = struct {
	sync.Mutex
	rings map[token.Algorithm]rings
}{rings: map[token.Algorithm]rings{}}

// ringsOf returns the rings of this process for an algorithm. They are made at the first call.
func ringsOf(alg token.Algorithm) (rings, error) {
	made.Lock()
	defer made.Unlock()
	if r, ok := made.rings[alg]; ok {
		return r, nil
	}
	signing, err1 := keyrings.NewSigningRing(alg, created, rand.Reader)
	refresh, err2 := keyrings.NewRefreshRing(created, rand.Reader)
	login, err3 := keyrings.NewLoginRing(created, rand.Reader)
	if err := errors.Join(err1, err2, err3); err != nil {
		return rings{}, err
	}
	signingText, err1 := signing.Text()
	refreshText, err2 := refresh.Text()
	loginText, err3 := login.Text()
	if err := errors.Join(err1, err2, err3); err != nil {
		return rings{}, err
	}
	r := rings{
		signing: keyrings.Inline(signingText), refresh: keyrings.Inline(refreshText), login: keyrings.Inline(loginText),
		next: signing.Keys[2].Signing,
	}
	made.rings[alg] = r
	return r, nil
}

// signer signs any text by the private half of a signing key.
type signer struct {
	key     token.SigningKey
	private crypto.Signer
}

func newSigner(key token.SigningKey) (signer, error) {
	private, err := privateKey(key)
	return signer{key, private}, err
}

// header returns the header of good tokens (RFC 9068, section 2.1).
func (s signer) header() string {
	return fmt.Sprintf(`{"alg":%q,"kid":%q,"typ":%q}`, s.key.Algorithm(), s.key.ID(), token.Type)
}

// sign returns a JWS in compact serialization (RFC 7515, section 7.1).
func (s signer) sign(header, payload string) (string, error) {
	text := encode(header) + "." + encode(payload)
	signature, err := s.signature(text)
	return text + "." + encode(string(signature)), err
}

// signature retries until s of an ECDSA signature is the lower of the two values that verify,
// because edgeauth issues only the lower value.
func (s signer) signature(text string) ([]byte, error) {
	method := jwt.GetSigningMethod(string(s.key.Algorithm()))
	for {
		signature, err := method.Sign(text, s.private)
		if err != nil || s.key.Algorithm() != token.ES256 || isLow(signature[32:]) {
			return signature, err
		}
	}
}

func isLow(s []byte) bool {
	half := new(big.Int).Rsh(elliptic.P256().Params().N, 1)
	return new(big.Int).SetBytes(s).Cmp(half) <= 0
}

func decode(text string) ([]byte, error) { return base64.RawURLEncoding.DecodeString(text) }

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// privateKey reads the members of a private JWK (RFC 7518, section 6; RFC 8037, section 2).
func privateKey(key token.SigningKey) (crypto.Signer, error) {
	var members map[string]string
	if err := json.Unmarshal([]byte(key.JWK().Reveal()), &members); err != nil {
		return nil, err
	}
	var errs []error
	octets := func(name string) []byte {
		decoded, err := decode(members[name])
		errs = append(errs, err)
		return decoded
	}
	integer := func(name string) *big.Int { return new(big.Int).SetBytes(octets(name)) }

	switch key.Algorithm() {
	case token.RS256:
		private := &rsa.PrivateKey{
			PublicKey: rsa.PublicKey{N: integer("n"), E: int(integer("e").Int64())},
			D:         integer("d"), Primes: []*big.Int{integer("p"), integer("q")},
		}
		private.Precompute()
		return private, errors.Join(append(errs, private.Validate())...)
	case token.ES256:
		private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), octets("d"))
		return private, errors.Join(append(errs, err)...)
	case token.EdDSA:
		seed := octets("d")
		if err := errors.Join(errs...); err != nil || len(seed) != ed25519.SeedSize {
			return nil, fmt.Errorf("an Ed25519 key of %d bytes: %w", len(seed), err)
		}
		return ed25519.NewKeyFromSeed(seed), nil
	}
	return nil, fmt.Errorf("no private key of %s", key.Algorithm())
}
