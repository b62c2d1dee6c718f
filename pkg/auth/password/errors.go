package password

import (
	"errors"
	"fmt"
)

var (
	// ErrTooShort refuses a new password of fewer than MinCharacters.
	ErrTooShort = errors.New("the password is too short")
	// ErrTooLong refuses a new password of more than MaxBytes.
	ErrTooLong = errors.New("the password is too long")
	// ErrNotUTF8 refuses a new password that is not text: no two clients would send it alike.
	ErrNotUTF8 = errors.New("the password is not valid UTF-8")
	// ErrCommon refuses a new password that is among the first that anybody would guess.
	ErrCommon = errors.New("the password is too common")
	// ErrBreached refuses a new password that Policy.Breached knows.
	ErrBreached = errors.New("the password is known from a breach")
	// ErrMalformed says that a stored hash is of no known form, is damaged, or demands more work than we allow.
	ErrMalformed = errors.New("the stored password hash is malformed")
)

var (
	errSpelling = fmt.Errorf("%w: not the canonical spelling", ErrMalformed)
	errBounds   = fmt.Errorf("%w: parameters out of bounds", ErrMalformed)
)
