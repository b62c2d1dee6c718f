package session

import (
	"context"
	"fmt"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// ErrThrottled says that a store refused because of load. It wraps [auth.ErrUnavailable].
var ErrThrottled = fmt.Errorf("throttled: %w", auth.ErrUnavailable)

// Store keeps sessions. Package storetest defines its behaviour, and every implementation must pass
// its tests. Errors wrap [auth.ErrNotFound] if the item does not exist, and [auth.ErrUnavailable]
// if the store did not answer. All other errors are internal errors. A Store is safe for concurrent
// use.
type Store interface {
	// Create writes a new session. If an item with the key exists, Create succeeds and leaves the
	// item as it is: keys are random, so the item comes from an earlier try whose reply was lost.
	Create(ctx context.Context, s Session) error
	// Get reads one session, strongly consistent. The error is [auth.ErrNotFound] if the session
	// does not exist.
	Get(ctx context.Context, key Key) (Session, error)
	// Update applies u atomically, exactly as [Update.Do] does. It returns the session before the
	// write, or nil if the session does not exist, and whether the condition held.
	//
	// If u revokes the session and the condition holds, the entry of [Update.Revokes] is written in
	// the same transaction. In this case the returned session may have older values of the fields
	// that updates change, because a transaction returns no item.
	Update(ctx context.Context, key Key, u Update) (before *Session, done bool, err error)
	// List returns up to limit sessions of one subject after the session after, strongly
	// consistent, in an order that the store chooses. The zero ID begins the list. Ended and
	// revoked sessions are included until the store deletes them.
	List(ctx context.Context, of auth.SubjectID, after ID, limit int) ([]Session, error)
	// DeleteAll erases every session of one subject, ended sessions included, and returns their
	// number. Use it only if the subject itself is erased. In all other cases revoke the sessions,
	// because a tombstone tells more than a missing item. A concurrent Update brings nothing back.
	// A session that is created at the same time may stay; its next refresh fails, because the
	// subject is missing.
	DeleteAll(ctx context.Context, of auth.SubjectID) (int, error)
}

// Subjects reads users. Each refresh reads the user, strongly consistent, so that a disabled user,
// a changed password and changed roles take effect at the next refresh. Subject returns
// [auth.ErrNotFound] if the user does not exist.
type Subjects interface {
	Subject(ctx context.Context, id auth.SubjectID) (auth.Subject, error)
}

// Keys returns the keys of refresh tokens. Errors wrap [auth.ErrUnavailable] if the keys cannot be
// read.
type Keys interface {
	// SealingKey returns the key for new tokens.
	SealingKey(ctx context.Context) (auth.RefreshTokenKey, error)
	// RefreshTokenKey returns the accepted key with this id. The error is [auth.ErrKeyDropped] if
	// an operator dropped the key, and [auth.ErrNotFound] if the id is unknown.
	RefreshTokenKey(ctx context.Context, id uint16) (auth.RefreshTokenKey, error)
	// Reload loads newer keys if a token that claims to be issued at this instant may need a key
	// that is not loaded yet. The claim is not authentic, so an implementation limits how often it
	// does I/O. If the keys never change, Reload returns nil.
	Reload(ctx context.Context, issued time.Time) error
}
