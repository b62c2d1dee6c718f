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

// OtherIssuer is an issuer beside our own whose access tokens are taken, for good or while users move from one to the
// other. The shape of its tokens is held to the same rules as ours; what they must say is told here. Nothing but
// Claims has a default.
//
// Its subjects and roles pass for ours, so it must be believed as much. Its sid does not: Claims.SessionID is empty.
type OtherIssuer struct {
	Issuer string // the exact iss
	Keys   Keys   // its own, as ParseForeignJWKS or package jwksurl reads them

	// AudienceClaim is where its tokens say whom they are for, "aud" as a rule, and Audience what one of them must
	// say there.
	AudienceClaim string
	Audience      []string

	Types    []string      // the accepted typ headers; "" takes a token without one
	Lifetime time.Duration // the longest one

	// Claims are the exact values that claims outside the profile must have. Without such a claim, an ID token may
	// pass for an access token (RFC 8725, section 3.12).
	Claims map[string]string
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
	err := errors.Join(checkAudience(o.Audience), checkKeys(o.Keys), checkTypes(o.Types), checkValues(o.Claims))
	_, shared := o.Keys.(SharedKeys)
	switch {
	case o.Issuer == "" || strings.ContainsFunc(o.Issuer, unicode.IsControl):
		// Any StringOrURI (RFC 7519, section 4.1.1), since it is compared and never asked for anything.
		err = errors.Join(err, errors.New("Issuer must hold the exact iss"))
	case !readable(o.AudienceClaim):
		err = errors.Join(err, errors.New(`AudienceClaim must name the claim of the audience, such as "aud"`))
	case o.Lifetime <= 0:
		err = errors.Join(err, errors.New("Lifetime must hold the longest lifetime of a token"))
	case shared:
		err = errors.Join(err, errors.New("Keys must hold public keys"))
	}
	if err != nil {
		return trusted{}, err
	}
	t := trusted{
		issuer: o.Issuer, keys: o.Keys, audienceClaim: o.AudienceClaim, audience: slices.Clone(o.Audience),
		types: slices.Clone(o.Types), lifetime: o.Lifetime, foreign: true,
	}
	for _, name := range slices.Sorted(maps.Keys(o.Claims)) {
		t.values = append(t.values, value{name, o.Claims[name]})
	}
	return t, nil
}

// readable reports whether an audience can stand in a claim: in one of the two that the profile has for it, or in one
// that the profile does not know.
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
		return errors.New(`Types must hold at least one accepted typ, "" for a token without one`)
	}
	return nil
}

func checkValues(values map[string]string) error {
	for name, want := range values {
		if name == "" || want == "" || isRegistered(name) {
			return fmt.Errorf("Claims must hold claims without a rule of their own, and what they say; it holds %q: %q",
				name, want)
		}
	}
	return nil
}
