package auth

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode"
	"unicode/utf8"
)

// The two sentinels that every package understands. A store's own errors wrap one of them or are internal errors.
var (
	// ErrNotFound says that the thing asked for does not exist. It is an answer of the store.
	ErrNotFound = errors.New("not found")
	// ErrKeyDropped says that an operator dropped the key that is asked for.
	ErrKeyDropped = errors.New("the key was dropped")
	// ErrUnavailable says that nothing is known: a time-out, throttling, a lost reply, keys not loaded yet.
	// It decides nothing; the caller may try again with the same input.
	ErrUnavailable = errors.New("temporarily unavailable")
)

// SubjectID names a user for ever: the JWT's sub, and the partition of the user's sessions.
type SubjectID string

// MaxSubjectBytes bounds a SubjectID, so that a refresh token fits in a cookie and an item in a kilobyte.
const MaxSubjectBytes = 64

// Validate reports what is wrong with s: it must hold 1 to 64 bytes of UTF-8 without control characters.
func (s SubjectID) Validate() error {
	switch {
	case s == "":
		return errors.New("a subject must not be empty")
	case len(s) > MaxSubjectBytes:
		return fmt.Errorf("a subject must not be longer than %d bytes", MaxSubjectBytes)
	case !utf8.ValidString(string(s)):
		return errors.New("a subject must be valid UTF-8")
	}
	for _, r := range string(s) {
		if unicode.IsControl(r) {
			return errors.New("a subject must not hold control characters")
		}
	}
	return nil
}

// Subject is what an issuer must know of a user each time a token is issued.
type Subject struct {
	ID       SubjectID
	Disabled bool
	// TokenVersion ends sessions: one opened at a lower version is over.
	TokenVersion uint64
	Roles        []string
	// Claims are the deployer's own claims for this user, carried into the access token.
	Claims map[string]any
}

// ClientID names the application that a session belongs to (RFC 6749, section 2.2).
type ClientID string

// DefaultClient is the client of a request that names none.
const DefaultClient ClientID = "default"

// Client is what an issuer must know of an application.
type Client struct {
	ID      ClientID
	Profile Profile
	// IdleTimeout ends a session that is not refreshed for so long; AbsoluteTimeout ends it in any case.
	IdleTimeout, AbsoluteTimeout time.Duration
	// AccessTokenLifetime is how long this client's access tokens live; zero is the issuer's own.
	AccessTokenLifetime time.Duration
	// Audience is whom this client's access tokens are for; none is the issuer's own.
	Audience []string
	// Scope is what access tokens of this client may do; empty issues no scope claim.
	Scope []string
}

// Profile chooses how a session's refresh tokens rotate. The numbers stand in refresh tokens and never change.
type Profile uint8

const (
	// Balanced rotates at every refresh and forgives duplicates of a client with one token store.
	Balanced Profile = 1
	// Strict revokes at any second use of a refresh token (the literal reading of OWASP ASVS 10.4.5).
	Strict Profile = 2
	// Fixed never rotates: for clients that copy their token between stores. It notices no theft.
	Fixed Profile = 3
)

var profileNames = map[Profile]string{Balanced: "balanced", Strict: "strict", Fixed: "fixed"}

// String returns the profile's name in configuration, or its number where it has none.
func (p Profile) String() string {
	if name, ok := profileNames[p]; ok {
		return name
	}
	return fmt.Sprintf("profile(%d)", uint8(p))
}

// ParseProfile returns the profile of a name in configuration.
func ParseProfile(name string) (Profile, error) {
	for p, n := range profileNames {
		if n == name {
			return p, nil
		}
	}
	return 0, fmt.Errorf("no profile is called %q: it is balanced, strict or fixed", name)
}

// Principal is who a verified request comes from: what the authorizer found in the access token.
type Principal struct {
	Subject   SubjectID
	SessionID string
	Client    ClientID
	Scope     []string
	Roles     []string
	AuthTime  time.Time // when the password was last proven
	Expires   time.Time // when the access token ends
}

type principalKey struct{}

// WithPrincipal returns a context that carries p. Only package gateway and middleware call it, after an
// authorizer's yes; a request header never becomes a Principal.
func WithPrincipal(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// PrincipalFrom returns the Principal of a request that an authorizer let through.
func PrincipalFrom(ctx context.Context) (Principal, bool) {
	p, ok := ctx.Value(principalKey{}).(Principal)
	return p, ok
}
