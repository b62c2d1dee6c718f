// Package token issues and verifies access tokens: JWTs in the profile of RFC 9068, signed with
// RS256, ES256 or EdDSA.
//
//	verifier, err := token.NewVerifier(token.VerifierConfig{
//		Issuer:   "https://auth.example.com",
//		Audience: []string{"https://api.example.com"},
//		Keys:     keys, // a KeySet from ParseJWKS, for example
//		Now:      time.Now,
//	})
//	...
//	claims, err := verifier.Verify(ctx, text)
//
// [Verifier.Verify] accepts exactly one encoding of each token and refuses every other text. No two
// parsers can read different claims from one token, and no second text is valid in place of a
// revoked or cached token. The package takes signing methods and sentinel errors from golang-jwt
// but parses tokens itself, because a general parser accepts what the profile forbids: critical
// extensions, other types, duplicate names, names in another case, line feeds.
//
// A Verifier holds only public keys and does no I/O itself. It can accept tokens of other
// issuers as well, each under its own keys and rules; see [OtherIssuer]. An [Issuer] holds no key
// and requests the signing key from its [SigningKeys] for each token. A service that is the only
// verifier of its tokens can use [SharedKeys] for both. Package jwksurl reads the keys of another
// issuer from a URL.
package token

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Limits of the profile.
const (
	MaxBytes    = 8 << 10 // the maximum size of a token's text
	MinLifetime = 60 * time.Second
	MaxLifetime = 3600 * time.Second
	// Leeway is how far iat and nbf may be ahead of the verifier's clock. exp has no leeway,
	// because leeway would extend the life of every token. If the issuer's clock is slow, tokens
	// end early and clients refresh sooner.
	Leeway = 30 * time.Second
)

// Type is the typ header of access tokens. RFC 9068, section 4, also allows "application/at+jwt".
// Verify accepts only this form.
const Type = "at+jwt"

// Algorithm is the name of a JWS algorithm (RFC 7518, RFC 8037).
type Algorithm string

const (
	RS256 Algorithm = "RS256" // RSASSA-PKCS1-v1_5 with SHA-256
	ES256 Algorithm = "ES256" // ECDSA with P-256 and SHA-256
	EdDSA Algorithm = "EdDSA" // Ed25519
)

// ParseAlgorithm returns the algorithm with the given name, for names in configuration. It accepts
// RS256, ES256 and EdDSA.
func ParseAlgorithm(name string) (Algorithm, error) {
	if a := Algorithm(name); a.method() != nil {
		return a, nil
	}
	return "", fmt.Errorf("unknown algorithm %q (want RS256, ES256 or EdDSA)", name)
}

// method returns nil for every other algorithm, including "none" and HS256.
func (a Algorithm) method() jwt.SigningMethod {
	switch a {
	case RS256:
		return jwt.SigningMethodRS256
	case ES256:
		return jwt.SigningMethodES256
	case EdDSA:
		return jwt.SigningMethodEdDSA
	}
	return nil
}

// Claims are the claims of a verified access token. Times are whole seconds. The caller owns all
// strings and slices.
type Claims struct {
	Issuer    string
	Subject   auth.SubjectID
	Audience  []string
	Expires   time.Time
	IssuedAt  time.Time
	AuthTime  time.Time // time of the password check; zero if the token does not say
	ID        string    // jti
	ClientID  auth.ClientID
	SessionID string // sid; empty for a token of another issuer
	Scope     []string
	Roles     []string
	AMR       []string // authentication methods (RFC 8176)
	// TokenVersion is the claim tv. It is zero for a token of another issuer.
	TokenVersion auth.TokenVersion
	// Own holds the private claims as JSON: every claim that is not a field above. Their JSON is as
	// strictly checked as the rest of the token.
	Own map[string]json.RawMessage
	// Foreign means that the token belongs to one of [VerifierConfig].Others.
	Foreign bool
}
