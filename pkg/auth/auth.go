package auth

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The sentinel errors that every package uses. A store error that wraps neither of them is an
// internal error.
var (
	// ErrNotFound means that the requested thing does not exist, according to the store.
	ErrNotFound = errors.New("not found")
	// ErrKeyDropped means that an operator has dropped the requested key.
	ErrKeyDropped = errors.New("the key was dropped")
	// ErrUnavailable means that the outcome is unknown, for example after a timeout, after
	// throttling, after a lost reply, or while keys are not loaded. The caller must not decide
	// anything from it, and may retry with the same input.
	ErrUnavailable = errors.New("temporarily unavailable")
)

// SubjectID is the permanent id of a user: the sub of access tokens, and the partition key of the
// user's sessions.
type SubjectID string

// MaxSubjectBytes bounds a SubjectID, so that a refresh token fits into a cookie and an item into a
// kilobyte.
const MaxSubjectBytes = 64

// Validate returns an error unless s has 1 to 64 bytes of UTF-8, without control characters and
// without white space at its beginning or end, which servers remove from headers.
func (s SubjectID) Validate() error {
	switch {
	case s == "":
		return errors.New("a subject must not be empty")
	case len(s) > MaxSubjectBytes:
		return fmt.Errorf("a subject must not be longer than %d bytes", MaxSubjectBytes)
	case !utf8.ValidString(string(s)):
		return errors.New("a subject must be valid UTF-8")
	case strings.TrimSpace(string(s)) != string(s):
		return errors.New("a subject must not begin or end with white space")
	}
	for _, r := range string(s) {
		if unicode.IsControl(r) {
			return errors.New("a subject must not hold control characters")
		}
	}
	return nil
}

// Subject is what an issuer needs to know about a user to issue a token.
type Subject struct {
	ID       SubjectID
	Disabled bool
	// TokenVersion ends sessions: a session that was opened at a lower version is over.
	TokenVersion uint64
	Roles        []string
	// Claims are the user's private claims, which are added to access tokens.
	Claims map[string]any
	// Email is the user's e-mail address, or empty. EmailVerified says that its owner has proven to
	// receive mail at exactly this address. The access tokens of a client with EmailClaims have
	// both.
	Email         string
	EmailVerified bool
}

// TokenVersion is the token version in an access token (claim tv): the version of the session when
// the token was issued. The zero TokenVersion stands for a token without the claim.
type TokenVersion struct {
	number uint64
	known  bool
}

// NewTokenVersion returns the TokenVersion of a token that names the version n.
func NewTokenVersion(n uint64) TokenVersion { return TokenVersion{n, true} }

// Below reports whether the token is older than the user's current version and must be refused. A
// token without a version is older than every version.
func (v TokenVersion) Below(user uint64) bool { return !v.known || v.number < user }

// String returns the version in decimal, or "" for a token without one.
func (v TokenVersion) String() string {
	if !v.known {
		return ""
	}
	return strconv.FormatUint(v.number, 10)
}

// ClientID is the id of the application that a session belongs to (RFC 6749, section 2.2).
type ClientID string

// DefaultClient is the client of a request without client_id.
const DefaultClient ClientID = "default"

// Client is what an issuer needs to know about an application.
type Client struct {
	ID      ClientID
	Profile Profile
	// IdleTimeout ends a session that is not refreshed for this long. AbsoluteTimeout ends a
	// session in any case.
	IdleTimeout, AbsoluteTimeout time.Duration
	// OpaqueTimeout is the AbsoluteTimeout of the sessions of DeliverySession. Zero means 7 days,
	// or AbsoluteTimeout if that is shorter.
	OpaqueTimeout time.Duration
	// AccessTokenLifetime is the lifetime of the client's access tokens; zero means the issuer's.
	AccessTokenLifetime time.Duration
	// Audience is the audience of the client's access tokens; empty means the issuer's.
	Audience []string
	// Scope is the scope of the client's access tokens; empty means no scope claim.
	Scope []string
	// Delivery are the deliveries that a login of the client may ask for. The first is the default.
	// Empty allows all of them, but DeliverySession only without ReauthOn, and the default is
	// DeliveryBody.
	Delivery []Delivery
	// EmailClaims adds the claims email and email_verified to the client's access tokens.
	EmailClaims bool
	// MaxSessions is the number of sessions that a user has with the client. A login above it ends
	// the longest idle one. Zero means no limit.
	MaxSessions int
	// ReauthOn are the signals for which a refresh is refused until the user logs in again. The
	// session does not end. Empty means that signals are only logged. No refresh continues an
	// opaque session, so Delivery must not have DeliverySession beside a signal.
	ReauthOn []Signal
}

// Profile says how the refresh tokens of a session rotate. The numbers are stored in refresh tokens
// and never change.
type Profile uint8

const (
	// Balanced rotates on refresh and accepts duplicates from a client with one token store.
	Balanced Profile = 1
	// Strict ends the session on any second use of a refresh token (the literal reading of OWASP
	// ASVS 10.4.5).
	Strict Profile = 2
	// Fixed never rotates, for clients that copy their token between stores. It detects no theft.
	Fixed Profile = 3
)

var profileNames = map[Profile]string{Balanced: "balanced", Strict: "strict", Fixed: "fixed"}

// String returns the profile's name in the configuration, or its number if it is unknown.
func (p Profile) String() string {
	if name, ok := profileNames[p]; ok {
		return name
	}
	return fmt.Sprintf("profile(%d)", uint8(p))
}

// Valid reports whether p is one of the profiles above.
func (p Profile) Valid() bool {
	_, ok := profileNames[p]
	return ok
}

// ParseProfile returns the profile with the given name in the configuration.
func ParseProfile(name string) (Profile, error) {
	for p, n := range profileNames {
		if n == name {
			return p, nil
		}
	}
	return 0, fmt.Errorf("unknown profile %q (want balanced, strict or fixed)", name)
}

// Principal is the verified caller of a request, according to the access token.
type Principal struct {
	Subject   SubjectID
	SessionID string
	Client    ClientID
	Scope     []string
	Roles     []string
	AuthTime  time.Time // time of the password check
	Expires   time.Time // expiry of the access token
	// IssuedAt is when the access token was issued. It is zero behind a gateway, because the
	// authorizer's context does not contain it.
	IssuedAt time.Time
	// TokenVersion is zero if the authorizer's context has no version.
	TokenVersion TokenVersion
}

type principalKey struct{}

// WithPrincipal returns a context that carries p. Only package gateway and the authorizer's
// middleware call it, and only after the authorizer has allowed the request. A request header never
// becomes a Principal.
func WithPrincipal(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// PrincipalFrom returns the Principal of a request that an authorizer has allowed. ok is false if
// the context has no Principal.
func PrincipalFrom(ctx context.Context) (p Principal, ok bool) {
	p, ok = ctx.Value(principalKey{}).(Principal)
	return p, ok
}
