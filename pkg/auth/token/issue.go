package token

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/edgeauth/edgeauth/internal/claim"
	"github.com/edgeauth/edgeauth/pkg/auth"
)

// ErrSessionOver means that less than a second of the session remains, too little for a token.
var ErrSessionOver = errors.New("the session is over")

// SigningKeys supplies the current signing key. Implementations are safe for concurrent use.
type SigningKeys interface {
	// SigningKey returns the key that signs now. If no key can be read at the moment, the error
	// wraps [auth.ErrUnavailable].
	SigningKey(ctx context.Context) (SigningKey, error)
}

// IssuerConfig holds the settings of an Issuer. Every field but Clients, Now and Rand is required.
type IssuerConfig struct {
	Issuer   string   // iss of every token
	Audience []string // aud of every token
	Keys     SigningKeys
	Lifetime time.Duration // MinLifetime to MaxLifetime; jitter subtracts up to 5 %
	// Clients holds the clients whose Audience or AccessTokenLifetime replaces the fields above, or
	// that have EmailClaims.
	Clients map[auth.ClientID]auth.Client
	Now     func() time.Time // the clock; nil means time.Now
	// Rand is for jti and jitter; nil means crypto/rand.Reader. ECDSA signatures use crypto/rand.
	Rand io.Reader
}

// Issuer signs access tokens. It is safe for concurrent use if Keys, Now and Rand are.
type Issuer struct {
	c       IssuerConfig
	clients map[auth.ClientID]terms // the clients with their own audience, lifetime or e-mail claims
}

// NewIssuer returns an Issuer for c. The error of an invalid field names the field and what it must
// hold.
func NewIssuer(c IssuerConfig) (*Issuer, error) {
	if err := errors.Join(checkIssuer(c.Issuer), terms{audience: c.Audience, lifetime: c.Lifetime}.check()); err != nil {
		return nil, fmt.Errorf("token issuer: %w", err)
	}
	switch {
	case len(c.Issuer) > maxIssuerBytes:
		return nil, fmt.Errorf("token issuer: Issuer must have at most %d bytes; it has %d", maxIssuerBytes, len(c.Issuer))
	case c.Keys == nil:
		return nil, errors.New("token issuer: Keys must hold the source of the signing key")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	c.Audience = slices.Clone(c.Audience)
	clients, err := termsOf(c)
	if err != nil {
		return nil, fmt.Errorf("token issuer: %w", err)
	}
	return &Issuer{c, clients}, nil
}

// Grant holds what differs from one access token to the next.
type Grant struct {
	Subject   auth.Subject
	SessionID string
	// TokenVersion is the session's token version. It may be higher than the version of Subject,
	// because the session may have been moved to a new version after Subject was read.
	TokenVersion uint64
	Client       auth.ClientID
	Scope        []string // no scope claim if empty
	AMR          []string
	AuthTime     time.Time
	NotAfter     time.Time // the absolute end of the session; exp is never later
}

// Access is a signed access token and its lifetime.
type Access struct {
	Text      auth.Secret
	Expires   time.Time
	ExpiresIn time.Duration // whole seconds, for expires_in (RFC 6749, section 5.1)
}

// Issue signs an access token for g. It returns [ErrSessionOver] if less than a second remains
// until g.NotAfter, and always if NotAfter is zero. The error wraps [auth.ErrUnavailable] if Keys
// cannot supply a signing key.
//
// Issue never returns a token that [Verifier.Verify] would refuse. It returns an error if the
// subject is disabled, if a role contains a space, or if a private claim has the name of a
// registered claim.
func (i *Issuer) Issue(ctx context.Context, g Grant) (Access, error) {
	now, of := i.c.Now(), i.terms(g.Client)
	expires, err := i.expiry(now, g.NotAfter, of.lifetime)
	if err != nil {
		return Access{}, fmt.Errorf("issue token: %w", err)
	}
	var id [16]byte
	if _, err := io.ReadFull(i.c.Rand, id[:]); err != nil {
		return Access{}, fmt.Errorf("issue token: randomness: %w", err)
	}
	payload, _, err := g.payload(i.c.Issuer, of, id, now, expires)
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
		return Access{}, fmt.Errorf("issue token: roles and private claims make the token %d bytes long; the maximum is %d",
			len(text), MaxBytes)
	}
	return Access{auth.NewSecret(text), expires, expires.Sub(now).Truncate(time.Second)}, nil
}

// Claims returns the claims that an access token for g would have, checked as [Issuer.Issue] checks
// them, but without aud and jti, because no token is issued. It is for a session that has no access
// tokens, whose backends must see the same identity. The claims always include the e-mail. now
// becomes iat, and expires becomes exp; g.NotAfter is ignored.
func (g Grant) Claims(issuer string, now, expires time.Time) (Claims, error) {
	_, p, err := g.payload(issuer, terms{audience: []string{issuer}, email: true}, [16]byte{}, now, expires)
	if err != nil {
		return Claims{}, fmt.Errorf("claims of a session: %w", err)
	}
	p.Audience, p.ID = nil, ""
	return p.Claims, nil
}

// expiry shortens the lifetime by up to 5 %, so that clients that log in at the same time do not
// all refresh at the same time.
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

// wire fixes the order of the claims in the payload.
type wire struct {
	Issuer    string         `json:"iss"`
	Subject   auth.SubjectID `json:"sub"`
	Audience  any            `json:"aud"` // a string for one audience, an array for several
	Expires   int64          `json:"exp"`
	IssuedAt  int64          `json:"iat"`
	ID        string         `json:"jti"`
	ClientID  auth.ClientID  `json:"client_id"`
	SessionID string         `json:"sid"`
	AuthTime  int64          `json:"auth_time"`
	Scope     string         `json:"scope,omitempty"`
	Roles     []string       `json:"roles,omitempty"`
	AMR       []string       `json:"amr,omitempty"`
	Version   uint64         `json:"tv"`
	*emailClaims
}

// emailClaims are the claims of a user who has an e-mail address. email_verified is true only if
// the store says that the owner has proven this address.
type emailClaims struct {
	Email    string `json:"email"`
	Verified bool   `json:"email_verified"`
}

// payload returns the claims of a token, as JSON and as a verifier reads them.
func (g Grant) payload(issuer string, of terms, id [16]byte, now, expires time.Time) ([]byte, payload, error) {
	switch {
	case g.Subject.Disabled:
		return nil, payload{}, errors.New("the subject is disabled")
	case g.AuthTime.IsZero():
		return nil, payload{}, errors.New("AuthTime must hold when the password was proven")
	}
	w := wire{
		Issuer:    issuer,
		Subject:   g.Subject.ID,
		Audience:  of.audience,
		Expires:   expires.Unix(),
		IssuedAt:  now.Unix(),
		ID:        base64.RawURLEncoding.EncodeToString(id[:]),
		ClientID:  g.Client,
		SessionID: g.SessionID,
		AuthTime:  g.AuthTime.Unix(),
		Scope:     strings.Join(g.Scope, " "),
		Roles:     g.Subject.Roles,
		AMR:       g.AMR,
		Version:   g.TokenVersion,
	}
	if len(of.audience) == 1 {
		w.Audience = of.audience[0]
	}
	own := g.Subject.Claims
	if of.email {
		own = withoutEmail(own)
		if g.Subject.Email != "" {
			w.emailClaims = &emailClaims{g.Subject.Email, g.Subject.EmailVerified}
		}
	}
	text, err := claim.Encode(w)
	if err != nil {
		return nil, payload{}, err
	}
	if text, err = appendOwn(text, own); err != nil {
		return nil, payload{}, err
	}
	p, err := parsePayload(string(text))
	if err == nil {
		err = p.checkProfile()
	}
	if err != nil {
		// The cause is not wrapped: ReasonOf must not mistake an invalid grant for an invalid token
		// of a client.
		return nil, payload{}, fmt.Errorf("invalid grant: %v", err)
	}
	return text, p, nil
}

// withoutEmail returns the private claims without claims that a reader may take for the claims
// about the e-mail. A deployer may have written such claims before the client had EmailClaims, and
// they prove nothing. They are removed even for a user without an e-mail address.
func withoutEmail(own map[string]any) map[string]any {
	rest := make(map[string]any, len(own))
	for name, value := range own {
		if folded := strings.ToLower(strings.ToUpper(name)); folded != claim.Email && folded != claim.EmailVerified {
			rest[name] = value
		}
	}
	return rest
}

// appendOwn adds the private claims to the end of the JSON object.
func appendOwn(object []byte, own map[string]any) ([]byte, error) {
	if len(own) == 0 {
		return object, nil
	}
	seen := make(map[string]bool, len(own))
	for name := range own {
		folded := strings.ToLower(strings.ToUpper(name))
		switch {
		case isRegistered(name):
			return nil, fmt.Errorf("the private claim %q has the name of a registered claim", name)
		case seen[folded] || folded == "__proto__":
			return nil, fmt.Errorf("the private claim %q may be taken for another name", name)
		}
		seen[folded] = true
	}
	text, err := claim.Encode(own)
	if err != nil {
		return nil, fmt.Errorf("private claims: %w", err)
	}
	return append(append(object[:len(object)-1], ','), text[1:]...), nil
}
