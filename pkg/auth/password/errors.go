package password

import (
	"errors"
	"fmt"
)

var (
	// ErrTooShort refuses a new password of fewer than [MinCharacters] code points.
	ErrTooShort = errors.New("the password is too short")
	// ErrTooLong refuses a new password of more than [MaxBytes] bytes.
	ErrTooLong = errors.New("the password is too long")
	// ErrNotUTF8 refuses a new password that is not valid UTF-8, because two clients could send it
	// differently.
	ErrNotUTF8 = errors.New("the password is not valid UTF-8")
	// ErrCommon refuses a new password from the list of the most common passwords.
	ErrCommon = errors.New("the password is too common")
	// ErrBreached refuses a new password that [Policy].Breached reports as breached.
	ErrBreached = errors.New("the password is known from a breach")
	// ErrMalformed says that a stored hash has an unknown form, is damaged, or asks for more work
	// than is allowed.
	ErrMalformed = errors.New("the stored password hash is malformed")
)

var (
	errSpelling = fmt.Errorf("%w: not the canonical spelling", ErrMalformed)
	errBounds   = fmt.Errorf("%w: parameters out of bounds", ErrMalformed)
)
