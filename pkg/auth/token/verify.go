package token

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/edgeauth/edgeauth/internal/claim"
	"github.com/edgeauth/edgeauth/internal/strictjson"
	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Keys finds public keys by kid. Implementations are safe for concurrent use.
type Keys interface {
	// Key returns the key with the given kid. If the kid is unknown, the error wraps
	// [auth.ErrNotFound] and the token is refused. Any other error says nothing about the token;
	// Verify returns it wrapped.
	Key(ctx context.Context, kid string) (Key, error)
}

// VerifierConfig holds the settings of a Verifier. Others and Now are optional.
type VerifierConfig struct {
	Issuer   string   // the iss of this issuer's tokens
	Audience []string // aud must contain at least one of these
	Keys     Keys
	Others   []OtherIssuer    // additional issuers whose tokens are accepted
	Now      func() time.Time // the clock; nil means time.Now
}

// Verifier verifies access tokens of one issuer, and of the other issuers in its configuration. It
// is safe for concurrent use.
type Verifier struct {
	issuers []trusted // Issuer first, then Others
	known   []written // the headers of Issuer's tokens
	shared  bool      // Keys is a SharedKeys
	now     func() time.Time
}

// NewVerifier returns a Verifier for c. The error of an invalid field names the field and what it
// must hold.
func NewVerifier(c VerifierConfig) (*Verifier, error) {
	own, err := trustOurs(c)
	if err != nil {
		return nil, fmt.Errorf("token verifier: %w", err)
	}
	v := &Verifier{issuers: []trusted{own}, known: writtenBy(c.Keys), now: c.Now}
	if v.now == nil {
		v.now = time.Now
	}
	if _, v.shared = c.Keys.(SharedKeys); v.shared && len(c.Others) > 0 {
		return nil, errors.New("token verifier: Keys must not be SharedKeys if Others has issuers with public keys")
	}
	for i, other := range c.Others {
		t, err := trust(other)
		if err != nil {
			return nil, fmt.Errorf("token verifier: Others, number %d: %w", i+1, err)
		}
		if v.issuer(t.issuer) != nil {
			return nil, fmt.Errorf("token verifier: Others, number %d: Issuer must differ from every other issuer; it is %q",
				i+1, t.issuer)
		}
		v.issuers = append(v.issuers, t)
	}
	for _, t := range v.issuers {
		warm(t.keys)
	}
	return v, nil
}

// warm checks an invalid signature with each key. The first use of an algorithm builds tables. On
// Lambda the work is free during initialization and slows the first request afterwards.
func warm(keys Keys) {
	set, _ := keys.(KeySet)
	for _, key := range set.keys {
		_ = key.verify(nil, make([]byte, 2*p256Bytes), true)
	}
}

// roomBytes is the size of the stack buffer that holds most tokens while they are verified.
const roomBytes = 1 << 10

// Verify checks an access token and returns its claims. It returns an error with a [Reason] if the
// text is not a token of an accepted issuer, is for another audience, or is not valid now. Any
// other error comes from Keys and says nothing about the token. If it wraps [auth.ErrUnavailable],
// the caller can retry.
func (v *Verifier) Verify(ctx context.Context, text string) (Claims, error) {
	var room [roomBytes]byte
	return v.VerifyBytes(ctx, append(room[:0], text...))
}

// VerifyBytes is [Verifier.Verify] for bytes. It does not retain text, so text may be part of a
// larger buffer.
func (v *Verifier) VerifyBytes(ctx context.Context, text []byte) (Claims, error) {
	var room [roomBytes]byte
	s, proof, err := split(text, room[:], v.known)
	if err != nil {
		return Claims{}, err
	}
	h, err := s.parseHeader()
	if err != nil {
		return Claims{}, err
	}
	from, err := v.from(s.payload)
	if err != nil {
		return Claims{}, err
	}
	if err := from.takes(h); err != nil {
		return Claims{}, err
	}
	key, err := v.key(ctx, from, h)
	if err != nil {
		return Claims{}, err
	}
	// The signature is verified before the claims: a caller without the key must not learn what the
	// claims must say.
	if err := key.verify(proof.text, proof.signature, from.foreign); err != nil {
		return Claims{}, refuse(ReasonBadSignature, "signature", err)
	}
	p, err := from.parse(s.payload)
	if err != nil {
		return Claims{}, err
	}
	if err := from.check(&p, v.now()); err != nil {
		return Claims{}, err
	}
	return p.Claims, nil
}

// from returns the issuer whose keys verify the token. With several issuers, the unverified iss
// selects the issuer and decides nothing else: each issuer has its own keys, and after the
// signature is verified, the claims are parsed and iss is compared again. Selection by kid would
// let one issuer answer for the kid of another issuer.
func (v *Verifier) from(payload string) (*trusted, error) {
	if len(v.issuers) == 1 {
		return &v.issuers[0], nil
	}
	r := strictjson.Read(payload)
	for r.Next() {
		if r.Name() != claim.Issuer {
			continue
		}
		if from := v.issuer(r.Text()); from != nil {
			return from, nil
		}
		break
	}
	return nil, refuseClaim(ReasonWrongIssuer, claim.Issuer, "iss is not an accepted issuer", nil)
}

// issuer compares byte for byte, because two spellings of a URL may be two issuers (RFC 8725,
// section 3.8).
func (v *Verifier) issuer(name string) *trusted {
	for i := range v.issuers {
		if v.issuers[i].issuer == name {
			return &v.issuers[i]
		}
	}
	return nil
}

func (v *Verifier) key(ctx context.Context, from *trusted, h header) (Key, error) {
	if h.kid == "" {
		return Key{}, refuse(ReasonUnknownKey, "kid is missing", nil)
	}
	key, err := from.keys.Key(ctx, h.kid)
	if errors.Is(err, auth.ErrNotFound) {
		return Key{}, refuse(ReasonUnknownKey, "no key has this kid", nil)
	}
	if err != nil {
		return Key{}, fmt.Errorf("token verifier: keys: %w", err)
	}
	// The algorithm of the key decides, never the token's alg. Otherwise "none", or HS256 with a
	// public key as its secret, would let anyone sign (RFC 8725, section 3.1). The comparison with
	// v.shared refuses a key source that mixes shared and public keys.
	if h.alg != string(key.alg) || (key.alg == hs256) != v.shared {
		return Key{}, refuse(ReasonWrongAlgorithm, "alg is not the algorithm of the key", nil)
	}
	return key, nil
}
