package user

import (
	"errors"
	"fmt"
)

var (
	// ErrExists says that the subject, the e-mail address or a pointer already belongs to a user.
	ErrExists = errors.New("the user exists already")
	// ErrConflict says that the user was written since it was read. The caller should read the user
	// again and decide again.
	ErrConflict = errors.New("the user has changed meanwhile")
	// ErrSuperseded says that the user's TokenVersion has changed since a password or token was
	// proven.
	ErrSuperseded = errors.New("the user's password or state has changed since it was proven")
	// ErrEmail says that a text is not a usable e-mail address.
	ErrEmail = errors.New("not a usable e-mail address")
	// ErrPointer says that a Pointer is not valid.
	ErrPointer = errors.New("not a usable pointer")
	// ErrTooManyPointers says that a user would have more than [MaxPointers].
	ErrTooManyPointers = fmt.Errorf("a user has at most %d pointers besides the e-mail", MaxPointers)
	// errRole says that no token can carry a role.
	errRole = errors.New("a role must have 1 to 64 bytes without spaces and control characters, and all roles together at most 1024 bytes")
	// errClaims says that no token can carry a user's own claims.
	errClaims = errors.New("not usable as own claims")
	// errSubject says that a text is not a valid subject.
	errSubject = errors.New("not a usable subject")
	// errStored says that a text is not a stored password hash that a login can be verified
	// against.
	errStored = errors.New("not a usable password hash")
	// errVerified says that a record verifies an address that is not the user's.
	errVerified = errors.New("the verified e-mail address is not the user's address")
	// errCreated says that a creation time is out of range.
	errCreated = errors.New("the time of creation must lie between the years 1970 and 9999")
	// errAmbiguous says that a text is the subject of one user and the e-mail address of another.
	errAmbiguous = errors.New("the text is the subject of one user and the e-mail of another: to name the first, use their e-mail; to name the second, use their subject")
	// ErrChanged says that the imported user exists and has been changed since the import.
	ErrChanged = fmt.Errorf("%w, and has been changed since", ErrExists)
)
