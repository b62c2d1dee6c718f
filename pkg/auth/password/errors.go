package password

import "errors"

var (
	// ErrTooShort refuses a new password of fewer than MinCharacters.
	ErrTooShort = errors.New("the password is too short")
	// ErrTooLong refuses a new password of more than MaxBytes.
	ErrTooLong = errors.New("the password is too long")
	// ErrNotUTF8 refuses a new password that is not text: no two clients would send it alike.
	ErrNotUTF8 = errors.New("the password is not valid UTF-8")
	// ErrMalformed says that a stored hash is of no known form, is damaged, or demands more work than we allow.
	ErrMalformed = errors.New("the stored password hash is malformed")
)
