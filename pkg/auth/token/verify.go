package token

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Keys finds the public key of a kid.
type Keys interface {
	// Key returns an error that wraps auth.ErrNotFound for a kid that is not among the keys: the token is refused.
	// Any other error decides nothing about the token. It must be safe for concurrent use.
	Key(ctx context.Context, kid string) (Key, error)
}

// VerifierConfig is what a Verifier needs. Nothing has a default.
type VerifierConfig struct {
	Issuer   string   // the exact iss
	Audience []string // a token needs one of these
	Keys     Keys
	Now      func() time.Time
}

// Verifier decides whether a text is an access token of one issuer for this audience. Safe for concurrent use.
type Verifier struct{ c VerifierConfig }

// NewVerifier returns an error that names the field and what it should hold.
func NewVerifier(c VerifierConfig) (*Verifier, error) {
	if err := errors.Join(checkIssuer(c.Issuer), checkAudience(c.Audience)); err != nil {
		return nil, fmt.Errorf("token verifier: %w", err)
	}
	if set, ok := c.Keys.(KeySet); c.Keys == nil || ok && len(set.keys) == 0 {
		return nil, errors.New("token verifier: Keys must hold the issuer's public keys")
	}
	if c.Now == nil {
		return nil, errors.New("token verifier: Now must hold a clock")
	}
	c.Audience = slices.Clone(c.Audience)
	return &Verifier{c}, nil
}

// Verify returns the claims of an access token, or a *Error for a text that is not one of ours, not for us, or not
// good now. Any other error comes from Keys and says nothing about the token; it wraps auth.ErrUnavailable where
// Keys says so.
func (v *Verifier) Verify(ctx context.Context, text string) (Claims, error) {
	s, err := split(text)
	if err != nil {
		return Claims{}, err
	}
	h, err := parseHeader(s.header)
	if err != nil {
		return Claims{}, err
	}
	key, err := v.key(ctx, h)
	if err != nil {
		return Claims{}, err
	}
	// The signature comes before the claims: whoever cannot sign learns nothing about what they must say.
	if err := key.verify(s.signed, s.signature); err != nil {
		return Claims{}, refuse(BadSignature, "signature", err)
	}
	p, err := parsePayload(s.payload)
	if err != nil {
		return Claims{}, err
	}
	if err := v.check(p); err != nil {
		return Claims{}, err
	}
	return p.Claims, nil
}

func (v *Verifier) key(ctx context.Context, h header) (Key, error) {
	if h.kid == "" {
		return Key{}, refuse(UnknownKey, "kid is missing", nil)
	}
	key, err := v.c.Keys.Key(ctx, h.kid)
	if errors.Is(err, auth.ErrNotFound) {
		return Key{}, refuse(UnknownKey, "no key has this kid", nil)
	}
	if err != nil {
		return Key{}, fmt.Errorf("token verifier: keys: %w", err)
	}
	// The key's algorithm rules, never the token's: "none", or HS256 with the public key for a secret, would let
	// anybody sign (RFC 8725, section 3.1).
	if h.alg != string(key.alg) {
		return Key{}, refuse(WrongAlgorithm, "alg is not the key's", nil)
	}
	return key, nil
}

func (v *Verifier) check(p payload) error {
	now := v.c.Now()
	switch lifetime := p.Expires.Sub(p.IssuedAt); {
	case p.Issuer != v.c.Issuer: // byte for byte: two spellings of a URL may be two issuers (RFC 8725, section 3.8)
		return refuse(WrongIssuer, "iss is not the issuer", nil)
	case !slices.ContainsFunc(p.Audience, func(a string) bool { return slices.Contains(v.c.Audience, a) }):
		return refuse(WrongAudience, "aud names none of ours", nil)
	case lifetime <= 0 || lifetime > MaxLifetime:
		return refuse(WrongLifetime, "exp is not within an hour after iat", nil)
	case !now.Before(p.Expires): // "on or after" exp it is over (RFC 7519, section 4.1.4)
		return refuse(Expired, "exp has passed", nil)
	case p.IssuedAt.After(now.Add(Leeway)):
		return refuse(IssuedAhead, "iat lies ahead", nil)
	case p.notBefore.After(now.Add(Leeway)):
		return refuse(NotYetValid, "nbf lies ahead", nil)
	}
	return nil
}
