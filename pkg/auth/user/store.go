package user

import (
	"context"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Store keeps users. Package storetest defines it in full; every implementation is safe for concurrent use.
// Where nothing is known of the outcome, an error wraps auth.ErrUnavailable.
type Store interface {
	// Create stores a new user as it is, and all pointers to it, or nothing. It is ErrExists if the subject or a pointer
	// is taken, and an error of PointerMoves if the user is not valid. The request token (1 to 36 bytes) names this one
	// request: the same token with the same user again is success, because it is the client's own retry after a lost reply.
	Create(ctx context.Context, u User, request string) error
	// Get returns the user, strongly consistent: a disabled user must not get another token. Unknown is
	// auth.ErrNotFound.
	Get(ctx context.Context, id auth.SubjectID) (User, error)
	// ByPointer returns the user that a pointer leads to, strongly consistent, and reads nothing but that pointer.
	// Unknown is auth.ErrNotFound.
	ByPointer(ctx context.Context, p Pointer) (auth.SubjectID, error)
	// Update stores u with Revision+1 if the stored Revision, Email and Pointers equal those of u; otherwise it is
	// ErrConflict. Unknown is auth.ErrNotFound.
	Update(ctx context.Context, u User) error
	// Move changes a user from one state to another, with Revision from.Revision+1, and moves the pointers, all or
	// nothing: at no moment does a pointer lead to two users, or a user lack one. It asks of the stored user that it is
	// from, as Update does, and then it is ErrExists if a new pointer is another user's. Another spelling of an e-mail
	// with the same key moves nothing. The request token is as in Create, and so are the errors of PointerMoves.
	Move(ctx context.Context, from, to User, request string) error
	// Delete erases the user and all pointers to it, or nothing. Unknown is auth.ErrNotFound. A write that
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
