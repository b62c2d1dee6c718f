// Package session keeps users logged in. Each login opens a session, one item in a store, which
// refresh tokens continue until it ends.
//
//	sessions, err := session.NewManager(session.Config{
//		Store: db.Sessions(), Subjects: users, Keys: keys,
//	})
//	opened, err := sessions.Open(ctx, session.Opening{Subject: subject, Client: client, AuthTime: now})
//	next, err := sessions.Refresh(ctx, session.Request{RefreshToken: opened.RefreshToken})
//	_, err = sessions.Logout(ctx, next.RefreshToken, nil)
//
// The generation of a session counts its rotations. A branch distinguishes the answers of one
// generation.
//
// Read [Rules] first: it says which conditional write a refresh is, and what the stored item means.
// [Update] defines what a write does. A [Codec] turns a presented text into a [Token]. A [Manager]
// does the I/O. A [Store] (bbolt, DynamoDB) must behave exactly like [Update.Do].
package session

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// ID names a session. It is the item's key and the access token's sid. An ID is a hash of a secret
// that only the client holds, so an ID alone opens nothing.
type ID [16]byte

// IDOf returns the ID of the session that secret opens: its SHA-256, truncated to 16 bytes.
func IDOf(secret auth.Secret) ID {
	sum := sha256.Sum256([]byte(secret.Reveal()))
	return ID(sum[:len(ID{})])
}

// String returns the ID as 22 characters of unpadded base64url.
func (id ID) String() string { return base64.RawURLEncoding.EncodeToString(id[:]) }

// ParseID reads the output of [ID.String]. It refuses every other spelling.
func ParseID(text string) (ID, error) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(raw) != len(ID{}) || ID(raw).String() != text {
		return ID{}, errors.New("invalid session id (want 22 characters of unpadded base64url)")
	}
	return ID(raw), nil
}

// Key finds a session in a store. A store keeps the sessions of one subject together, so that one
// query lists them.
type Key struct {
	Subject auth.SubjectID
	ID      ID
}

// Branch is a random value that distinguishes the answers of one generation.
type Branch [8]byte

// Invocation is a random value that marks one write, so that a retry of that write within the store
// recognises its own effect. The zero Invocation marks nothing.
type Invocation [8]byte

// Kind is the kind of token that continues a session. The numbers are stored in tokens and items
// and never change.
type Kind uint8

const (
	// RefreshKind is a session that refresh tokens continue.
	RefreshKind Kind = 1
	// OpaqueKind is a session with a single token, which authorizes every request; see
	// [OpaqueToken]. It has neither refresh tokens nor access tokens.
	OpaqueKind Kind = 2
)

// Valid reports whether k is one of the kinds above. A store cannot read a session of another kind.
func (k Kind) Valid() bool { return k == RefreshKind || k == OpaqueKind }

// Session is one login. Times are UTC with millisecond precision. A session has ended once its idle
// or absolute end has passed, even if the item is still there: stores delete late.
type Session struct {
	Key
	Kind    Kind
	Profile auth.Profile
	Client  auth.ClientID
	Scope   []string
	// TokenVersion is the subject's version at the read that verified the password, or at the last
	// [Raise] that kept this session. A higher version of the subject ends this session.
	TokenVersion uint64

	// Generation counts the rotations. Parent is the branch whose refresh token began this
	// generation. RotatedAt is when that token was last answered; it is zero until the first
	// refresh, so that the first refresh rotates.
	Generation uint64
	Parent     Branch
	RotatedAt  time.Time
	Invocation Invocation

	IdleTimeout          time.Duration
	IdleEnd, AbsoluteEnd time.Time
	CreatedAt, LastSeen  time.Time
	AuthTime             time.Time // when the password was proven
	// AMR are the methods by which the user proved their identity, for example pwd (RFC 8176).
	AMR []string

	// Delivery says how the session's tokens are sent. Remember means that their cookies outlive
	// the browser session; it is true for [auth.DeliveryBody], which has no cookies. Both are fixed
	// at the login. A session that replaces this session has the same values.
	Delivery auth.Delivery
	Remember bool

	// Replaces is the session that this session replaces after a step-up, or the zero ID. The
	// replaced session ends after the handover ([Rules.Handover]).
	Replaces ID
	// PausedUntil is the end of the handover to a session that replaces this one. Until then a
	// refresh gets an access token only. It is zero without a step-up.
	PausedUntil time.Time

	// These are shown in the user's list of sessions. UserAgent and Address are those of the login.
	UserAgent, Address, Label string

	// Trace is what the session remembers of the requests that continued it.
	Trace Trace

	// Revocation is nil unless the session is revoked. Its target is never changed in place.
	Revocation *Revocation
}

// RevocationReason says why a session was revoked.
type RevocationReason string

// The closed list of reasons.
const (
	RevocationTheft  RevocationReason = "theft"  // the use of a refresh token proved that it was copied
	RevocationLogout RevocationReason = "logout" // the user ended it by its refresh token
	RevocationUser   RevocationReason = "user"   // the user ended it from the list of sessions
	RevocationAdmin  RevocationReason = "admin"  // an operator ended it
	// RevocationStepUp means that another session replaced it, after the user proved their identity
	// again.
	RevocationStepUp RevocationReason = "step_up"
	// RevocationEvicted means that a login reached the limit of its client and this session was the
	// longest idle.
	RevocationEvicted RevocationReason = "evicted"
)

// millis returns t with the precision of a store: in UTC, truncated to whole milliseconds.
func millis(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
