package token

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/edgeauth/edgeauth/internal/claim"
)

// OtherIssuer is an additional issuer whose access tokens a [Verifier] accepts, for example while
// users move from one identity provider to another. Its tokens must have the same strict encoding
// as this issuer's. iss, sub, aud, exp, iat, nbf and the claims of the fields below must have the
// right type; any other claim in an unexpected form counts as missing. Every field except Claims
// and Map is required.
//
// The application sees the issuer's subjects and roles as if they were local, so trust the issuer
// accordingly. Its sid is dropped: Claims.SessionID is empty.
type OtherIssuer struct {
	Issuer string // the exact iss
	Keys   Keys   // from ParseForeignJWKS or package jwksurl

	// AudienceClaim names the claim that holds the audience, usually "aud". The claim must contain
	// one of Audience.
	AudienceClaim string
	Audience      []string

	Types    []string      // accepted typ headers; "" accepts a token without typ
	Lifetime time.Duration // the maximum of exp - iat

	// Claims maps claims outside the profile to their required values. Without a required value an
	// ID token may pass for an access token (RFC 8725, section 3.12).
	Claims map[string]string

	// Map says which claims of the issuer become roles, scope and client_id, for example roles to
	// "cognito:groups". A mapped claim is read only from the given claim.
	Map map[string]string
}

func trustOurs(c VerifierConfig) (trusted, error) {
	if err := errors.Join(checkIssuer(c.Issuer), checkAudience(c.Audience), checkKeys(c.Keys)); err != nil {
		return trusted{}, err
	}
	return trusted{
		issuer: c.Issuer, keys: c.Keys, audienceClaim: claim.Audience, audience: slices.Clone(c.Audience),
		types: []string{Type}, lifetime: MaxLifetime,
	}, nil
}

func trust(o OtherIssuer) (trusted, error) {
	err := errors.Join(checkAudience(o.Audience), checkKeys(o.Keys), checkTypes(o.Types), checkValues(o.Claims), checkMap(o.Map))
	_, shared := o.Keys.(SharedKeys)
	switch {
	case o.Issuer == "" || strings.ContainsFunc(o.Issuer, unicode.IsControl):
		// Any StringOrURI is accepted (RFC 7519, section 4.1.1): the value is compared and never
		// dereferenced.
		err = errors.Join(err, errors.New("Issuer must hold the exact iss, without control characters"))
	case !readable(o.AudienceClaim):
		err = errors.Join(err, errors.New(`AudienceClaim must name the claim of the audience, such as "aud"`))
	case o.Lifetime <= 0:
		err = errors.Join(err, errors.New("Lifetime must hold the maximum lifetime of a token"))
	case shared:
		err = errors.Join(err, errors.New("Keys must hold public keys"))
	}
	if err != nil {
		return trusted{}, err
	}
	t := trusted{
		issuer: o.Issuer, keys: o.Keys, audienceClaim: o.AudienceClaim, audience: slices.Clone(o.Audience),
		types: slices.Clone(o.Types), lifetime: o.Lifetime, foreign: true, mapped: maps.Clone(o.Map),
	}
	for _, name := range slices.Sorted(maps.Keys(o.Claims)) {
		t.values = append(t.values, value{name, o.Claims[name]})
	}
	return t, nil
}

// readable reports whether the named claim can hold the audience: aud, client_id, or any private
// claim.
func readable(name string) bool {
	return name == claim.Audience || name == claim.ClientID || name != "" && !isRegistered(name)
}

func isRegistered(name string) bool {
	return slices.Contains(claimNames, name) || misspelt(name, claimNames) != ""
}

func checkKeys(keys Keys) error {
	set, isSet := keys.(KeySet)
	shared, isShared := keys.(SharedKeys)
	if keys == nil || isSet && len(set.keys) == 0 || isShared && len(shared.keys) == 0 {
		return errors.New("Keys must hold the issuer's keys")
	}
	return nil
}

func checkTypes(types []string) error {
	if len(types) == 0 {
		return errors.New(`Types must hold at least one accepted typ; "" accepts a token without typ`)
	}
	return nil
}

func checkValues(values map[string]string) error {
	for name, want := range values {
		if name == "" || want == "" || isRegistered(name) {
			return fmt.Errorf("Claims must map private claims to required values; it maps %q to %q",
				name, want)
		}
	}
	return nil
}
