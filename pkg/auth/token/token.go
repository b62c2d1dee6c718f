// Package token issues and verifies access tokens: JWTs by the profile of RFC 9068, signed with RS256, ES256 or EdDSA.
//
// Verify takes exactly one spelling of a token and refuses everything else, so that no two programs can read two
// things from one text and nothing that is keyed by a token's text can be fooled by a second one. golang-jwt supplies
// the signing methods and the sentinel errors; reading is done here, because a general parser takes what this
// profile forbids: critical extensions, other types, duplicate and case-folded names, line feeds.
//
// A Verifier holds public keys only and asks nobody. It may take the tokens of other issuers beside our own, each by
// its own keys and on its own conditions (OtherIssuer). An Issuer holds nothing: it asks its SigningKeys each time. A
// service that is its own and only verifier may use SharedKeys for both. Package jwksurl reads the keys of another
// issuer from a URL; nothing in this one knows a network.
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
	MaxBytes    = 8 << 10 // of a token's text
	MinLifetime = 60 * time.Second
	MaxLifetime = 3600 * time.Second
	// Leeway is how far iat and nbf may lie ahead of the verifier's clock. exp has none: a token whose clock is
	// behind ends early by that much, which costs a refresh, while leeway would keep ended tokens alive.
	Leeway = 30 * time.Second
)

// Type is the typ header of access tokens. RFC 9068, section 4, lets a verifier also take "application/at+jwt";
// one spelling is enough here.
const Type = "at+jwt"

// Algorithm is a JWS algorithm, by its name in RFC 7518 and RFC 8037.
type Algorithm string

const (
	RS256 Algorithm = "RS256" // RSASSA-PKCS1-v1_5 with SHA-256
	ES256 Algorithm = "ES256" // ECDSA with P-256 and SHA-256
	EdDSA Algorithm = "EdDSA" // Ed25519
)

// ParseAlgorithm returns the algorithm of a name in configuration.
func ParseAlgorithm(name string) (Algorithm, error) {
	if a := Algorithm(name); a.method() != nil {
		return a, nil
	}
	return "", fmt.Errorf("no algorithm is called %q: it is RS256, ES256 or EdDSA", name)
}

// method returns nil for every other algorithm, "none" and HS256 among them.
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

// Claims are what a verified access token says. Times are whole seconds. Strings and slices belong to the caller.
type Claims struct {
	Issuer    string
	Subject   auth.SubjectID
	Audience  []string
	Expires   time.Time
	IssuedAt  time.Time
	AuthTime  time.Time // when the password was last proven; zero where the token does not say
	ID        string    // jti
	ClientID  auth.ClientID
	SessionID string // sid; empty where the token has no session of ours
	Scope     []string
	Roles     []string
	AMR       []string // authentication methods (RFC 8176)
	// Own holds the deployer's own claims, or the other issuer's: every other name, with the JSON text of its value,
	// which was checked with the rest.
	Own map[string]json.RawMessage
}
