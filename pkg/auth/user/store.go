package user

import (
	"context"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Store keeps users. Package storetest tests the full contract. Every implementation must be safe
// for concurrent use. If the outcome of a call is unknown, the error wraps [auth.ErrUnavailable].
type Store interface {
	// Create stores a new user unchanged, together with all its pointers, or stores nothing. The
	// error is ErrExists if the subject or a pointer is taken, and an error of PointerMoves if the
	// user is not valid. The request token (1 to 36 bytes) identifies the request. A second call
	// with the same token and the same user succeeds, because it is the client's retry after a lost
	// reply.
	Create(ctx context.Context, u User, request string) error
	// Get returns a user with a strongly consistent read, so that a disabled user gets no token.
	// The error is auth.ErrNotFound if the user is unknown.
	Get(ctx context.Context, id auth.SubjectID) (User, error)
	// ByPointer returns the subject that a pointer leads to, with a strongly consistent read of the
	// pointer alone. The error is auth.ErrNotFound if the pointer is unknown.
	ByPointer(ctx context.Context, p Pointer) (auth.SubjectID, error)
	// Update stores u with Revision+1 if the stored Revision, Email and Pointers equal those of u.
	// Otherwise the error is ErrConflict. It is auth.ErrNotFound if the user is unknown.
	Update(ctx context.Context, u User) error
	// Move changes a user from one state to another, sets the Revision to from.Revision+1, and
	// moves the pointers, in one atomic step: at no moment does a pointer lead to two users, or a
	// user lack a pointer. The stored user must equal from, as in Update. The error is ErrExists if
	// a new pointer belongs to another user. A different spelling of an e-mail address with the
	// same key moves no pointer. The request token and the errors of PointerMoves are the same as
	// in Create.
	Move(ctx context.Context, from, to User, request string) error
	// Delete erases the user and all its pointers, or nothing. The error is auth.ErrNotFound if the
	// user is unknown. A concurrent write either comes before Delete, and is erased too, or comes
	// after Delete, and finds no user.
	Delete(ctx context.Context, id auth.SubjectID) error
	// List returns up to limit users after the subject after, each once, in a stable order that the
	// store chooses. An empty after starts the list. An unreadable user does not fail the list:
	// Page.Unreadable names the subject.
	List(ctx context.Context, after auth.SubjectID, limit int) (Page, error)
}

// Page is one part of the list of users.
type Page struct {
	Users []User
	// Unreadable are the users of this part whose records cannot be read.
	Unreadable []Unreadable
	// Next is the value of after for the next part. It is empty at the end of the list.
	Next auth.SubjectID
}

// Unreadable is a user whose record exists but cannot be read.
type Unreadable struct {
	ID  auth.SubjectID
	Err error // wraps auth.ErrUnavailable
}
