package bench

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"
	"github.com/golang-jwt/jwt/v5"
	"github.com/lestrrat-go/jwx/v3/jwk"
	jwxjwt "github.com/lestrrat-go/jwx/v3/jwt"

	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// The verifiers of access tokens. Each is as strict as its options allow, and each finds the key by
// kid.

func ours(b *testing.B, is issued) *token.Verifier {
	b.Helper()
	v, err := token.NewVerifier(token.VerifierConfig{Issuer: issuer, Audience: []string{audience}, Keys: is.keys, Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	return v
}

// profile contains the claims of RFC 9068 that golang-jwt and go-jose do not define.
type profile struct {
	ClientID  string   `json:"client_id"`
	SessionID string   `json:"sid"`
	AuthTime  int64    `json:"auth_time"`
	Scope     string   `json:"scope"`
	Roles     []string `json:"roles"`
	AMR       []string `json:"amr"`
}

type golangClaims struct {
	jwt.RegisteredClaims
	profile
}

func golangJWT(is issued, alg token.Algorithm) func(text string) (*golangClaims, error) {
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{string(alg)}), jwt.WithIssuer(issuer), jwt.WithAudience(audience),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithStrictDecoding(),
	)
	key := func(t *jwt.Token) (any, error) {
		kid, _ := t.Header["kid"].(string)
		if key, ok := is.public[kid]; ok {
			return key, nil
		}
		return nil, errors.New("no key has this kid")
	}
	return func(text string) (*golangClaims, error) {
		claims := &golangClaims{}
		_, err := parser.ParseWithClaims(text, claims, key)
		return claims, err
	}
}

func jwx(b *testing.B, is issued) func(text string) error {
	b.Helper()
	set, err := jwk.Parse(is.jwks)
	if err != nil {
		b.Fatal(err)
	}
	options := []jwxjwt.ParseOption{
		jwxjwt.WithKeySet(set), jwxjwt.WithIssuer(issuer), jwxjwt.WithAudience(audience),
		jwxjwt.WithRequiredClaim("exp"), jwxjwt.WithRequiredClaim("iat"), jwxjwt.WithRequiredClaim("sub"),
		jwxjwt.WithRequiredClaim("jti"), jwxjwt.WithRequiredClaim("client_id"),
	}
	return func(text string) error {
		_, err := jwxjwt.ParseString(text, options...)
		return err
	}
}

func goJose(b *testing.B, is issued, alg token.Algorithm) func(text string) error {
	b.Helper()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(is.jwks, &set); err != nil {
		b.Fatal(err)
	}
	algorithms := []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)}
	return func(text string) error {
		t, err := josejwt.ParseSigned(text, algorithms)
		if err != nil {
			return err
		}
		var claims josejwt.Claims
		var own profile
		if err := t.Claims(&set, &claims, &own); err != nil {
			return err
		}
		return claims.ValidateWithLeeway(josejwt.Expected{Issuer: issuer, AnyAudience: josejwt.Audience{audience}, Time: time.Now()}, 0)
	}
}
