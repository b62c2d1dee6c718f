package user

import (
	"context"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Store keeps users. Package storetest defines it in full; every implementation is safe for concurrent use.
// Where nothing is known of the outcome, an error wraps auth.ErrUnavailable.
type Store interface {
	// Create stores a new user as it is, and the pointer from its e-mail, or neither. It is ErrExists where the
	// subject or the e-mail is taken. The request token (1 to 36 bytes) names this one wish: the same token with the
	// same user again is success, because it is the client's own retry after a lost reply.
	Create(ctx context.Context, u User, request string) error
	// Get returns the user, strongly consistent: a disabled user must not get another token. Unknown is
	// auth.ErrNotFound.
	Get(ctx context.Context, id auth.SubjectID) (User, error)
	// ByEmail returns whom the e-mail points to, strongly consistent, and reads nothing but that pointer. Unknown
	// is auth.ErrNotFound.
	ByEmail(ctx context.Context, e Email) (auth.SubjectID, error)
	// Update stores u with Revision+1 where the stored Revision equals u.Revision and the stored Email equals
	// u.Email, byte for byte; otherwise it is ErrConflict. Unknown is auth.ErrNotFound.
	Update(ctx context.Context, u User) error
	// ChangeEmail stores u with Revision+1 and with email in the place of its e-mail, and moves the pointer, all or
	// nothing: at no moment does an address belong to two users or a user have none. It asks of the stored user what
	// Update does, and then it is ErrExists if the new address is another user's. Another spelling of the same key
	// moves nothing. The request token is as in Create.
	ChangeEmail(ctx context.Context, u User, email, request string) error
	// Delete erases the user and the pointer from its e-mail, or neither. Unknown is auth.ErrNotFound. A write that
	// races with it comes either before, and is erased too, or after, and finds no user.
	Delete(ctx context.Context, id auth.SubjectID) error
	// List returns up to limit users that follow after, each once, in a stable order of the store's own. An empty after
	// starts. A user who cannot be read does not fail the list: Page.Unreadable names the subject.
	List(ctx context.Context, after auth.SubjectID, limit int) (Page, error)
}

// Page is a part of the list of users.
type Page struct {
	Users []User
	// Unreadable are the users of this part whose items cannot be read.
	Unreadable []Unreadable
	// Next is the after of the next part. It is empty at the end of the list.
	Next auth.SubjectID
}

// Unreadable is a user who is there and whose item cannot be read.
type Unreadable struct {
	ID  auth.SubjectID
	Err error // wraps auth.ErrUnavailable
}
