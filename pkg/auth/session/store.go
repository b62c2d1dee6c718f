package session

import (
	"context"
	"fmt"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// ErrThrottled is how a store says that it refused for load. It wraps auth.ErrUnavailable.
var ErrThrottled = fmt.Errorf("throttled: %w", auth.ErrUnavailable)

// Store keeps sessions. Package storetest is its definition; an implementation passes it. Errors wrap
// auth.ErrNotFound where the store answered so, auth.ErrUnavailable where nothing is known, and are internal errors
// otherwise. A Store is safe for concurrent use.
type Store interface {
	// Create writes a new session. One that is there already under this key is the trace of our own write whose
	// reply was lost (the key is random), so it is success and stays as it is.
	Create(ctx context.Context, s Session) error
	// Get reads one session, strongly consistent; auth.ErrNotFound where there is none.
	Get(ctx context.Context, key Key) (Session, error)
	// Update carries u out as u.Do does, atomically. It returns the session as it was before, nil for none, and
	// whether the condition held.
	Update(ctx context.Context, key Key, u Update) (before *Session, done bool, err error)
	// List returns up to limit sessions of one subject, those behind after in an order of the store's own; the zero
	// ID begins. Ended and revoked sessions are among them until the store deletes them.
	List(ctx context.Context, of auth.SubjectID, after ID, limit int) ([]Session, error)
	// DeleteAll erases every session of one subject, the ended ones too, and returns how many. It is for subjects
	// who are erased themselves: everybody else's sessions are revoked, because a tombstone tells more than a gap.
	// Updates that race with it bring nothing back. A session created meanwhile may stay; its subject is gone at the
	// next refresh.
	DeleteAll(ctx context.Context, of auth.SubjectID) (int, error)
}

// Subjects reads a user at every refresh, strongly consistent, so that disabling one, a changed password and changed
// roles take effect then. It returns auth.ErrNotFound for a subject that does not exist.
type Subjects interface {
	Subject(ctx context.Context, id auth.SubjectID) (auth.Subject, error)
}

// Keys are the refresh-token keys. Errors wrap auth.ErrUnavailable while the keys cannot be read.
type Keys interface {
	// SealingKey returns the key that new tokens are made with.
	SealingKey(ctx context.Context) (auth.RefreshTokenKey, error)
	// RefreshTokenKey returns an accepted key; auth.ErrNotFound for any other id.
	RefreshTokenKey(ctx context.Context, id uint16) (auth.RefreshTokenKey, error)
}
