package keyrings

import "errors"

var (
	// ErrMalformed says that a text is not a ring, or not one of the kind asked for, or lacks the version asked for.
	// Trying again will not help.
	ErrMalformed = errors.New("malformed ring")
	// ErrExposed says that others than the owner can read a ring. Trying again will not help.
	ErrExposed = errors.New("exposed ring")
	// ErrRefused says that a Move would make verifiers refuse good tokens. Each such error is a *Refusal.
	ErrRefused = errors.New("refused")
	// ErrForeign says that a ring belongs to another stack than the one that asks for a Move.
	ErrForeign = errors.New("it belongs to another stack")
	// ErrConflict says that the ring in a source is another than the one that a saved ring was made from.
	ErrConflict = errors.New("the ring has changed since it was read")
)
