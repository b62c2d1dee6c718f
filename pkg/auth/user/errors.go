package user

import "errors"

var (
	// ErrExists says that the subject or the e-mail already belongs to a user.
	ErrExists = errors.New("the user exists already")
	// ErrConflict says that somebody else has written the user since it was read: read it again, and decide again.
	ErrConflict = errors.New("the user has changed meanwhile")
	// ErrEmail says that a text is not an e-mail address that can be a key.
	ErrEmail = errors.New("not a usable e-mail address")
	// ErrRole says that a text is not a role that a token can carry.
	ErrRole = errors.New("a role has 1 to 64 bytes, without spaces and controls, and all together 1024")
)
