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

// Keys finds the public key of a kid.
type Keys interface {
	// Key returns an error that wraps auth.ErrNotFound for a kid that is not among the keys: the token is refused.
	// Any other error decides nothing about the token. It must be safe for concurrent use.
	Key(ctx context.Context, kid string) (Key, error)
}

// VerifierConfig is what a Verifier needs. Nothing but Others has a default.
type VerifierConfig struct {
	Issuer   string   // the exact iss of our own tokens
	Audience []string // one of our own tokens needs one of these
	Keys     Keys
	Others   []OtherIssuer // issuers whose tokens are taken beside ours
	Now      func() time.Time
}

// Verifier decides whether a text is an access token for this audience, of our own issuer or one of the others. Safe
// for concurrent use.
type Verifier struct {
	issuers []trusted // ours is the first
	known   []written // headers of tokens of ours
	shared  bool      // ours has shared keys
	now     func() time.Time
}

// NewVerifier returns an error that names the field and what it should hold.
func NewVerifier(c VerifierConfig) (*Verifier, error) {
	own, err := trustOurs(c)
	if err != nil {
		return nil, fmt.Errorf("token verifier: %w", err)
	}
	v := &Verifier{issuers: []trusted{own}, known: writtenBy(c.Keys), now: c.Now}
	if c.Now == nil {
		return nil, errors.New("token verifier: Now must hold a clock")
	}
	if _, v.shared = c.Keys.(SharedKeys); v.shared && len(c.Others) > 0 {
		return nil, errors.New("token verifier: Keys must not hold shared keys beside the public ones of Others")
	}
	for i, other := range c.Others {
		t, err := trust(other)
		if err != nil {
			return nil, fmt.Errorf("token verifier: Others, number %d: %w", i+1, err)
		}
		if v.issuer(t.issuer) != nil {
			return nil, fmt.Errorf("token verifier: Others, number %d: Issuer must differ from every other; it holds %q",
				i+1, t.issuer)
		}
		v.issuers = append(v.issuers, t)
	}
	for _, t := range v.issuers {
		warm(t.keys)
	}
	return v, nil
}

// warm checks a signature that is wrong with each key. The first use of an algorithm builds tables, which on Lambda
// costs nobody anything during the start, and the first client something after it.
func warm(keys Keys) {
	set, _ := keys.(KeySet)
	for _, key := range set.keys {
		_ = key.verify(nil, make([]byte, 2*p256Bytes), true)
	}
}

// roomBytes is memory on the stack for most tokens, as long as they are checked.
const roomBytes = 1 << 10

// Verify returns the claims of an access token, or a *Error for a text that is not one of ours, not for us, or not
// good now. Any other error comes from Keys and says nothing about the token; it wraps auth.ErrUnavailable where
// Keys says so.
func (v *Verifier) Verify(ctx context.Context, text string) (Claims, error) {
	var room [roomBytes]byte
	return v.VerifyBytes(ctx, append(room[:0], text...))
}

// VerifyBytes is Verify for a text that is a part of a larger one. It keeps nothing of it.
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
	// The signature comes before the claims: whoever cannot sign learns nothing about what they must say.
	if err := key.verify(proof.text, proof.signature, from.foreign); err != nil {
		return Claims{}, refuse(BadSignature, "signature", err)
	}
	p, err := parsePayload(s.payload)
	if err != nil {
		return Claims{}, err
	}
	if err := from.check(&p, v.now()); err != nil {
		return Claims{}, err
	}
	return p.Claims, nil
}

// from returns the issuer whose keys may verify a token. Where there are several, iss chooses among them before
// anybody knows who wrote it, and chooses nothing else: each issuer's keys are its own, and once the signature is
// good the claims are read again, where iss must be the issuer's. Choosing by kid instead would let an issuer answer
// for another one's kid.
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
	return nil, refuse(WrongIssuer, "iss is none of the issuers", nil)
}

// issuer compares byte for byte: two spellings of a URL may be two issuers (RFC 8725, section 3.8).
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
		return Key{}, refuse(UnknownKey, "kid is missing", nil)
	}
	key, err := from.keys.Key(ctx, h.kid)
	if errors.Is(err, auth.ErrNotFound) {
		return Key{}, refuse(UnknownKey, "no key has this kid", nil)
	}
	if err != nil {
		return Key{}, fmt.Errorf("token verifier: keys: %w", err)
	}
	// The key's algorithm rules, never the token's: "none", or HS256 with the public key for a secret, would let
	// anybody sign (RFC 8725, section 3.1). A source that mixes shared keys with public ones is not believed.
	if h.alg != string(key.alg) || (key.alg == HS256) != v.shared {
		return Key{}, refuse(WrongAlgorithm, "alg is not the key's", nil)
	}
	return key, nil
}
