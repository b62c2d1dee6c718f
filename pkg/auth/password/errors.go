package password

import (
	"errors"
	"fmt"
)

var (
	// ErrTooShort refuses a new password that is too short. The error is a [*TooShort].
	ErrTooShort = errors.New("the password is too short")
	// ErrTooLong refuses a new password of more than [MaxBytes] bytes.
	ErrTooLong = fmt.Errorf("the password is too long (want at most %d bytes)", MaxBytes)
	// errNotUTF8 refuses a new password that is not valid UTF-8, because two clients could send it
	// differently.
	errNotUTF8 = errors.New("the password is not valid UTF-8")
	// ErrCommon refuses a new password from the list of the most common passwords.
	ErrCommon = errors.New("the password is among the most common passwords")
	// ErrBreached refuses a new password that [Policy].Breached reports as breached.
	ErrBreached = errors.New("the password is known from a breach")
	// ErrMalformed says that a stored hash has an unknown form, is damaged, or asks for more work
	// than is allowed.
	ErrMalformed = errors.New("the stored password hash is malformed")
)

var (
	errSpelling = fmt.Errorf("%w: not the canonical spelling", ErrMalformed)
	errBounds   = fmt.Errorf("%w: its parameters are out of bounds", ErrMalformed)
)

// TooShort refuses a new password of fewer than Least code points. errors.Is reports it as
// [ErrTooShort].
type TooShort struct{ Least int }

// Error names the minimum number of characters.
func (e *TooShort) Error() string {
	return fmt.Sprintf("%v (want at least %d characters)", ErrTooShort, e.Least)
}

// Unwrap returns ErrTooShort.
func (e *TooShort) Unwrap() error { return ErrTooShort }
