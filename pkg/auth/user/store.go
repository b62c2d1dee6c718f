package user

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Store keeps users. Package storetest tests the full contract. Every implementation must be safe
// for concurrent use. If the outcome of a call is unknown, the error wraps [auth.ErrUnavailable].
//
// A write that raises the TokenVersion of a user, and the deletion of a user, also write an entry
// to the list of revocations of the same database, in the same atomic step; see package session.
// Authorizers that read the list then refuse the access tokens of the ended sessions. The time of
// the entry is the UpdatedAt that the write stores, which must be the time of the write.
type Store interface {
	// Create stores a new user unchanged, together with all its pointers, or stores nothing. The
	// error is ErrExists if the subject, a pointer or one of [EmailPointers] is taken. It is an
	// error of MovePointers if the user is not valid. The request token (1 to 36 bytes) identifies
	// the request. A second call with the same token and the same user succeeds, because it is the
	// client's retry after a lost reply.
	Create(ctx context.Context, u User, request string) error
	// Get returns a user with a strongly consistent read, so that a disabled user gets no token.
	// The error is auth.ErrNotFound if the user is unknown.
	Get(ctx context.Context, id auth.SubjectID) (User, error)
	// ByPointer returns the subject that a pointer leads to, with a strongly consistent read of the
	// pointer alone. The error is auth.ErrNotFound if the pointer is unknown.
	ByPointer(ctx context.Context, p Pointer) (auth.SubjectID, error)
	// ByEmail returns the subject that an e-mail address leads to: the owner of the first of
	// [EmailPointers] that exists. The read is strongly consistent and one round trip, so it finds
	// a pointer that moves at the same time. Its cost does not depend on what it finds. The error
	// is auth.ErrNotFound if the address is unknown or not valid.
	ByEmail(ctx context.Context, email string) (auth.SubjectID, error)
	// Update stores u with Revision+1 if the stored Revision, Email and Pointers equal those of u.
	// Otherwise the error is ErrConflict. It is auth.ErrNotFound if the user is unknown.
	Update(ctx context.Context, u User) error
	// Move changes a user from one state to another, sets the Revision to from.Revision+1, and
	// moves the pointers that [MovePointers] names, in one atomic step. At no moment does a pointer
	// lead to two users or a user lack a pointer. The stored user must equal from, as in Update.
	// The error is ErrExists if a new pointer, or one of [EmailPointers] for a new address, belongs
	// to another user. The request token and the errors of MovePointers are the same as in Create.
	Move(ctx context.Context, from, to User, request string) error
	// Delete erases the user and all its pointers, or nothing. at is the time of the entry in the
	// list of revocations. The error is auth.ErrNotFound if the user is unknown. A concurrent write
	// comes before Delete and is erased too, or comes after Delete and finds no user.
	Delete(ctx context.Context, id auth.SubjectID, at time.Time) error
	// MoveEmailPointer replaces the pointer that leads from an address to a user by the pointer for
	// [NormalizeEmail], in one atomic step. It does nothing if the user has this pointer. It does
	// not change the user. The error is ErrExists if the pointer belongs to another user, and
	// auth.ErrNotFound if no pointer leads from the address to the user.
	MoveEmailPointer(ctx context.Context, id auth.SubjectID, email string) error
	// List returns up to limit users after the subject after, each once, in a stable order that the
	// store chooses. An empty after starts the list. An unreadable user does not fail the list:
	// Page.Unreadable names the subject.
	List(ctx context.Context, after auth.SubjectID, limit int) (Page, error)
	// SetMark keeps a fact about the whole store permanently. A repeated call for the same Mark
	// succeeds.
	SetMark(ctx context.Context, m Mark) error
	// Marked reports whether the store has a Mark, with a strongly consistent read.
	Marked(ctx context.Context, m Mark) (bool, error)
	// Forms returns the record of the forms of password hashes, with a strongly consistent read. A
	// store without a record returns the zero Forms.
	Forms(ctx context.Context) (Forms, error)
	// UpdateForms stores f with Revision+1 if the stored Revision equals that of f. A store without
	// a record has the Revision 0. Otherwise the error is ErrConflict.
	UpdateForms(ctx context.Context, f Forms) error
}

// Mark is a fact about all users of a store. A mark is set when the fact has become true, and it is
// never removed. The text has 1 to 64 visible characters of ASCII, without "#".
type Mark string

// MarkEmailPointers says that each address has only the pointer for [NormalizeEmail]. A store may
// then read this pointer alone.
const MarkEmailPointers Mark = "email-pointers"

// Validate returns an error if m is not a valid mark.
func (m Mark) Validate() error {
	if m == "" || len(m) > 64 || strings.ContainsFunc(string(m), func(r rune) bool { return r <= ' ' || r > '~' || r == '#' }) {
		return fmt.Errorf("the mark %q of a store must have 1 to 64 visible characters of ASCII, without #", string(m))
	}
	return nil
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
