package user

import (
	"errors"
	"fmt"
)

var (
	// ErrExists says that the subject, the e-mail or another pointer already belongs to a user.
	ErrExists = errors.New("the user exists already")
	// ErrConflict says that the user was written since it was read: read it again, and decide again.
	ErrConflict = errors.New("the user has changed meanwhile")
	// ErrSuperseded says that the user's TokenVersion is another than the one that was proven.
	ErrSuperseded = errors.New("the user's password or state has changed since it was proven")
	// ErrEmail says that a text is not an e-mail address that can be a key.
	ErrEmail = errors.New("not a usable e-mail address")
	// ErrPointer says that a pointer can lead to no user.
	ErrPointer = errors.New("not a usable pointer")
	// ErrTooManyPointers says that a user would have more than MaxPointers.
	ErrTooManyPointers = fmt.Errorf("a user has at most %d pointers besides the e-mail", MaxPointers)
	// errRole says that a text is not a role that a token can carry.
	errRole = errors.New("a role has 1 to 64 bytes, without spaces and controls, and all together 1024")
	// errClaims says that a user's own claims are none that a token can carry.
	errClaims = errors.New("not usable as own claims")
	// errSubject says that a text is not a subject.
	errSubject = errors.New("not a usable subject")
	// errStored says that a text is not a stored password hash that a login could be verified against.
	errStored = errors.New("not a usable password hash")
	// errCreated says that a time is none at which a user can have been created.
	errCreated = errors.New("the time of creation must lie between the years 1970 and 9999")
	// errAmbiguous says that a text is one user's subject and another's e-mail.
	errAmbiguous = errors.New("one user's subject and another's e-mail: name the user by the other of the two")
	// ErrChanged says that the very user is there, and has been changed here since they were imported.
	ErrChanged = fmt.Errorf("%w, and has been changed since", ErrExists)
)
