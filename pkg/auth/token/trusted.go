package token

import (
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/edgeauth/edgeauth/internal/claim"
	"github.com/edgeauth/edgeauth/internal/strictjson"
)

// trusted is an accepted issuer and the rules for its tokens.
type trusted struct {
	issuer        string
	keys          Keys
	audienceClaim string
	audience      []string
	types         []string
	lifetime      time.Duration
	values        []value
	foreign       bool // RFC 9068 is not required, and s may be high
	mapped        map[string]string
}

func (t *trusted) parse(text string) (payload, error) {
	if t.foreign {
		return t.parseForeign(text)
	}
	return parsePayload(text)
}

type value struct{ name, want string }

// takes checks the type and the certificate members of the header.
func (t *trusted) takes(h header) error {
	switch {
	case !slices.Contains(t.types, h.typ):
		// An ID token or another JWT under the same key must not pass for an access token (RFC
		// 8725, section 3.11).
		return refuse(ReasonWrongType, "typ is not an accepted type", nil)
	case h.certificate && !t.foreign:
		return refuse(ReasonForbiddenHeader, "the header names a certificate", nil)
	}
	return nil
}

// check applies the issuer's rules to the claims. The signature is already verified.
func (t *trusted) check(p *payload, now time.Time) error {
	if err := t.checkContent(p); err != nil {
		return err
	}
	if p.Issuer != t.issuer {
		return refuseClaim(ReasonWrongIssuer, claim.Issuer, "iss is not the expected issuer", nil)
	}
	for _, v := range t.values {
		if text, err := strictjson.String(p.Own[v.name]); err != nil || text != v.want {
			return refuseClaim(ReasonWrongValue, v.name, "a claim does not have the required value", nil)
		}
	}
	if !t.isFor(p) {
		return refuseClaim(ReasonWrongAudience, t.audienceClaim, "the token is for another audience", nil)
	}
	return t.checkTimes(p, now)
}

// maxForeignSubject is the maximum length of sub (OpenID Connect Core, section 2).
const maxForeignSubject = 255

func (t *trusted) checkContent(p *payload) error {
	if !t.foreign {
		return p.checkProfile()
	}
	switch {
	case p.Subject == "":
		return refuseClaim(ReasonMissingClaim, claim.Subject, claim.Subject, nil)
	case p.Expires.IsZero():
		return refuseClaim(ReasonMissingClaim, claim.Expires, claim.Expires, nil)
	case len(p.Subject) > maxForeignSubject:
		return refuseClaim(ReasonInvalidClaim, claim.Subject, claim.Subject, errors.New("too long"))
	case strings.ContainsFunc(string(p.Subject), unicode.IsControl):
		return refuseClaim(ReasonInvalidClaim, claim.Subject, claim.Subject, errControl)
	case strings.TrimSpace(string(p.Subject)) != string(p.Subject):
		return refuseClaim(ReasonInvalidClaim, claim.Subject, claim.Subject, errSpace) // servers trim headers
	}
	return nil
}

func (t *trusted) isFor(p *payload) bool {
	switch t.audienceClaim {
	case claim.Audience:
		return slices.ContainsFunc(p.Audience, func(a string) bool { return slices.Contains(t.audience, a) })
	case claim.ClientID:
		return slices.Contains(t.audience, string(p.ClientID))
	}
	one, err := strictjson.String(p.Own[t.audienceClaim])
	return err == nil && slices.Contains(t.audience, one)
}

func (t *trusted) checkTimes(p *payload, now time.Time) error {
	lifetime := p.Expires.Sub(p.IssuedAt)
	if p.IssuedAt.IsZero() {
		// iat is optional in tokens of other issuers. Without iat the remaining lifetime must not
		// exceed the maximum.
		lifetime = max(p.Expires.Sub(now), time.Nanosecond)
	}
	switch {
	case lifetime <= 0 || lifetime > t.lifetime:
		return refuseClaim(ReasonWrongLifetime, claim.Expires, "exp is not after iat, or too long after it", nil)
	case !now.Before(p.Expires): // a token is expired "on or after" exp (RFC 7519, section 4.1.4)
		return refuseClaim(ReasonExpired, claim.Expires, "exp has passed", nil)
	case p.IssuedAt.After(now.Add(Leeway)):
		return refuseClaim(ReasonIssuedAhead, claim.IssuedAt, "iat is in the future", nil)
	case p.notBefore.After(now.Add(Leeway)):
		return refuseClaim(ReasonNotYetValid, claim.NotBefore, "nbf is in the future", nil)
	}
	return nil
}
