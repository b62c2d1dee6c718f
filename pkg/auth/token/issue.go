package token

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// ErrSessionOver says that a session ends too soon for another token.
var ErrSessionOver = errors.New("the session is over")

// SigningKeys knows the key that signs now.
type SigningKeys interface {
	// SigningKey may return an error that wraps auth.ErrUnavailable. It must be safe for concurrent use.
	SigningKey(ctx context.Context) (SigningKey, error)
}

// IssuerConfig is what an Issuer needs. Nothing but Clients has a default.
type IssuerConfig struct {
	Issuer   string   // the exact iss
	Audience []string // all of them stand in each token
	Keys     SigningKeys
	Lifetime time.Duration // MinLifetime to MaxLifetime; a token gets up to 5 % less
	// Clients are those whose tokens have an audience or a lifetime of their own. It may be nil.
	Clients map[auth.ClientID]auth.Client
	Now     func() time.Time
	Rand    io.Reader // for jti and jitter; signatures take crypto/rand
}

// Issuer makes access tokens. Safe for concurrent use if its fields are.
type Issuer struct {
	c       IssuerConfig
	clients map[auth.ClientID]terms // of those that have terms of their own
}

// NewIssuer returns an error that names the field and what it should hold.
func NewIssuer(c IssuerConfig) (*Issuer, error) {
	if err := errors.Join(checkIssuer(c.Issuer), terms{c.Audience, c.Lifetime}.check()); err != nil {
		return nil, fmt.Errorf("token issuer: %w", err)
	}
	switch {
	case c.Keys == nil:
		return nil, errors.New("token issuer: Keys must hold the source of the signing key")
	case c.Now == nil:
		return nil, errors.New("token issuer: Now must hold a clock")
	case c.Rand == nil:
		return nil, errors.New("token issuer: Rand must hold a source of randomness")
	}
	c.Audience = slices.Clone(c.Audience)
	clients, err := termsOf(c)
	if err != nil {
		return nil, fmt.Errorf("token issuer: %w", err)
	}
	return &Issuer{c, clients}, nil
}

// Grant is what one access token shall say.
type Grant struct {
	Subject   auth.Subject
	SessionID string
	Client    auth.ClientID
	Scope     []string // none issues no scope claim
	AMR       []string
	AuthTime  time.Time
	NotAfter  time.Time // the absolute end of the session, which no token outlives
}

// Access is an access token and how long it is good for.
type Access struct {
	Text      auth.Secret
	Expires   time.Time
	ExpiresIn time.Duration // whole seconds, for expires_in (RFC 6749, section 5.1)
}

// Issue signs an access token. It returns ErrSessionOver where NotAfter leaves less than a second (the zero
// NotAfter leaves none), wraps auth.ErrUnavailable where the signing key is not known, and refuses a Grant from
// which no verifier would take a token: a disabled subject, a role with a space in it, an own claim by the name of
// a registered one.
func (i *Issuer) Issue(ctx context.Context, g Grant) (Access, error) {
	now, of := i.c.Now(), i.terms(g.Client)
	expires, err := i.expiry(now, g.NotAfter, of.lifetime)
	if err != nil {
		return Access{}, fmt.Errorf("issue token: %w", err)
	}
	payload, err := i.payload(g, of.audience, now, expires)
	if err != nil {
		return Access{}, fmt.Errorf("issue token: %w", err)
	}
	key, err := i.c.Keys.SigningKey(ctx)
	if err != nil {
		return Access{}, fmt.Errorf("issue token: %w", err)
	}
	text, err := key.compact(payload)
	if err != nil {
		return Access{}, fmt.Errorf("issue token: %w", err)
	}
	if len(text) > MaxBytes {
		return Access{}, fmt.Errorf("issue token: own claims and roles make it %d bytes long; %d is the most",
			len(text), MaxBytes)
	}
	return Access{auth.NewSecret(text), expires, expires.Sub(now).Truncate(time.Second)}, nil
}

// expiry takes up to 5 % off the lifetime, so that a fleet that logged in at once does not refresh at once.
func (i *Issuer) expiry(now, notAfter time.Time, lifetime time.Duration) (time.Time, error) {
	var random [8]byte
	if _, err := io.ReadFull(i.c.Rand, random[:]); err != nil {
		return time.Time{}, fmt.Errorf("randomness: %w", err)
	}
	jitter := time.Duration(binary.BigEndian.Uint64(random[:]) % uint64(lifetime/20))
	expires := now.Add(lifetime - jitter)
	if notAfter.Before(expires) {
		expires = notAfter
	}
	expires = time.Unix(expires.Unix(), 0)
	if expires.Sub(now) < time.Second {
		return time.Time{}, ErrSessionOver
	}
	return expires, nil
}

// wire fixes the order of the claims in the text.
type wire struct {
	Issuer    string         `json:"iss"`
	Subject   auth.SubjectID `json:"sub"`
	Audience  any            `json:"aud"` // a string if it is one, an array of several
	Expires   int64          `json:"exp"`
	IssuedAt  int64          `json:"iat"`
	ID        string         `json:"jti"`
	ClientID  auth.ClientID  `json:"client_id"`
	SessionID string         `json:"sid"`
	AuthTime  int64          `json:"auth_time"`
	Scope     string         `json:"scope,omitempty"`
	Roles     []string       `json:"roles,omitempty"`
	AMR       []string       `json:"amr,omitempty"`
}

func (i *Issuer) payload(g Grant, audience []string, now, expires time.Time) ([]byte, error) {
	switch {
	case g.Subject.Disabled:
		return nil, errors.New("the subject is disabled")
	case g.AuthTime.IsZero():
		return nil, errors.New("AuthTime must hold when the password was proven")
	}
	var id [16]byte
	if _, err := io.ReadFull(i.c.Rand, id[:]); err != nil {
		return nil, fmt.Errorf("randomness: %w", err)
	}
	w := wire{
		Issuer:    i.c.Issuer,
		Subject:   g.Subject.ID,
		Audience:  audience,
		Expires:   expires.Unix(),
		IssuedAt:  now.Unix(),
		ID:        base64.RawURLEncoding.EncodeToString(id[:]),
		ClientID:  g.Client,
		SessionID: g.SessionID,
		AuthTime:  g.AuthTime.Unix(),
		Scope:     strings.Join(g.Scope, " "),
		Roles:     g.Subject.Roles,
		AMR:       g.AMR,
	}
	if len(audience) == 1 {
		w.Audience = audience[0]
	}
	text, err := json.Marshal(w)
	if err != nil {
		return nil, err
	}
	if text, err = appendOwn(text, g.Subject.Claims); err != nil {
		return nil, err
	}
	p, err := parsePayload(string(text))
	if err == nil {
		err = p.checkProfile()
	}
	if err != nil {
		// Not %w: this says something about the grant, and ReasonOf must not take it for a client's bad token.
		return nil, fmt.Errorf("no verifier would take it: %v", err)
	}
	return text, nil
}

// appendOwn puts the members of own at the end of an object.
func appendOwn(object []byte, own map[string]any) ([]byte, error) {
	if len(own) == 0 {
		return object, nil
	}
	for name := range own {
		if isRegistered(name) {
			return nil, fmt.Errorf("the own claim %q takes the name of a registered one", name)
		}
	}
	text, err := json.Marshal(own)
	if err != nil {
		return nil, fmt.Errorf("own claims: %w", err)
	}
	return append(append(object[:len(object)-1], ','), text[1:]...), nil
}
