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

// trusted is an issuer whose tokens are taken, and on which conditions.
type trusted struct {
	issuer        string
	keys          Keys
	audienceClaim string
	audience      []string
	types         []string
	lifetime      time.Duration
	values        []value
	foreign       bool // not held to RFC 9068, nor to one spelling of ECDSA
}

type value struct{ name, want string }

// takes judges what a header says beside the key.
func (t *trusted) takes(h header) error {
	switch {
	case !slices.Contains(t.types, h.typ):
		// An ID token or any other JWT under the same key must not pass for an access token (RFC 8725, section 3.11).
		return refuse(WrongType, "typ is none of those accepted", nil)
	case h.certificate && !t.foreign:
		return refuse(ForbiddenHeader, "a header names a certificate", nil)
	}
	return nil
}

// check judges the claims of a token whose signature is good.
func (t *trusted) check(p *payload, now time.Time) error {
	if err := t.checkContent(p); err != nil {
		return err
	}
	if p.Issuer != t.issuer {
		return refuse(WrongIssuer, "iss is not the issuer", nil)
	}
	for _, v := range t.values {
		if text, err := strictjson.String(p.Own[v.name]); err != nil || text != v.want {
			return refuse(WrongValue, "a claim does not say what it must", nil)
		}
	}
	if !t.isFor(p) {
		return refuse(WrongAudience, "it is for none of ours", nil)
	}
	return t.checkTimes(p, now)
}

// maxForeignSubject is the bound of OpenID Connect Core, section 2.
const maxForeignSubject = 255

func (t *trusted) checkContent(p *payload) error {
	if !t.foreign {
		return p.checkProfile()
	}
	// Another issuer's sid must not be looked up among our sessions.
	p.SessionID = ""
	switch {
	case p.Subject == "":
		return refuse(MissingClaim, claim.Subject, nil)
	case p.Expires.IsZero():
		return refuse(MissingClaim, claim.Expires, nil)
	case len(p.Subject) > maxForeignSubject:
		return refuse(InvalidClaim, claim.Subject, errors.New("too long"))
	case strings.ContainsFunc(string(p.Subject), unicode.IsControl):
		return refuse(InvalidClaim, claim.Subject, errControl)
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
		// A foreign token may lack iat; then what is left of its life must not be longer.
		lifetime = max(p.Expires.Sub(now), time.Nanosecond)
	}
	switch {
	case lifetime <= 0 || lifetime > t.lifetime:
		return refuse(WrongLifetime, "exp lies before iat, or too far behind it", nil)
	case !now.Before(p.Expires): // "on or after" exp it is over (RFC 7519, section 4.1.4)
		return refuse(Expired, "exp has passed", nil)
	case p.IssuedAt.After(now.Add(Leeway)):
		return refuse(IssuedAhead, "iat lies ahead", nil)
	case p.notBefore.After(now.Add(Leeway)):
		return refuse(NotYetValid, "nbf lies ahead", nil)
	}
	return nil
}
