// Package session holds the server side of a login: one item for its whole life, moved on by refresh tokens.
//
// Read rules.go first. It says which conditional write a refresh is and what the item found means; update.go says
// what such a write does. Everything else carries that out: token.go turns a presented text into a Token, manager.go
// does the I/O, and a Store (bbolt, DynamoDB) only has to equal Update.Do.
//
// Terms: a generation counts rotations; a branch tells apart the answers given for one generation.
package session

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// ID names a session: the item's key and the access token's sid. It is a hash of the secret that only the client
// holds, so knowing an ID gives no power.
type ID [16]byte

// IDOf returns the ID of the session that the secret opens: SHA-256, truncated.
func IDOf(secret auth.Secret) ID {
	sum := sha256.Sum256([]byte(secret.Reveal()))
	return ID(sum[:len(ID{})])
}

// String returns the ID as 22 characters of unpadded base64url.
func (id ID) String() string { return base64.RawURLEncoding.EncodeToString(id[:]) }

// ParseID reads what String wrote, and no other spelling.
func ParseID(text string) (ID, error) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(raw) != len(ID{}) || ID(raw).String() != text {
		return ID{}, errors.New("a session id is 22 characters of base64url")
	}
	return ID(raw), nil
}

// Key finds a session in a store. Sessions of one subject stand together, so that listing them is one query.
type Key struct {
	Subject auth.SubjectID
	ID      ID
}

// Branch tells apart the answers that were given for one generation: each is random.
type Branch [8]byte

// Invocation is a random number that marks the write of one refresh, by which a retry of that very write
// recognises itself. The zero Invocation marks nothing.
type Invocation [8]byte

// Kind is what opens the session. The numbers stand in tokens and items and never change.
type Kind uint8

// RefreshKind is a session that a refresh token moves on.
const RefreshKind Kind = 1

// Session is one login. Times are UTC with millisecond precision. Passing the idle or absolute end, never absence,
// is what ends it: stores delete late.
type Session struct {
	Key
	Kind    Kind
	Profile auth.Profile
	Client  auth.ClientID
	Scope   []string
	// TokenVersion is the subject's at the read that verified the password; a later one ends this session.
	TokenVersion uint64

	// Generation counts rotations, Parent is the branch whose refresh token began this generation, and RotatedAt is
	// when that last was answered; zero for a session that was never refreshed, so that its first refresh rotates.
	Generation uint64
	Parent     Branch
	RotatedAt  time.Time
	Invocation Invocation

	IdleTimeout          time.Duration
	IdleEnd, AbsoluteEnd time.Time
	CreatedAt, LastSeen  time.Time
	AuthTime             time.Time // when the password was proven

	// What its owner sees in a list of sessions.
	UserAgent, Address, Label string

	// Revocation is nil while the session is not revoked. It is never changed in place.
	Revocation *Revocation
}

// Reason says why a session was revoked.
type Reason string

// The closed list of reasons.
const (
	ReasonTheft  Reason = "theft"  // a refresh token was used that only a copy could have used
	ReasonLogout Reason = "logout" // its owner ended it
	ReasonAdmin  Reason = "admin"  // an operator ended it
)

// Millis returns t as a store keeps it: UTC, whole milliseconds.
func Millis(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
