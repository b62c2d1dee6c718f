package keyrings

import "errors"

var (
	// ErrMalformed says that a text is not a ring, has a different kind, or lacks the requested
	// version. A retry does not help.
	ErrMalformed = errors.New("malformed ring")
	// ErrExposed says that other users than the owner can read a ring. A retry does not help.
	ErrExposed = errors.New("exposed ring")
	// ErrRefused says that a Move would make verifiers refuse valid tokens. Each error that wraps
	// ErrRefused is a *Refusal.
	ErrRefused = errors.New("refused")
	// ErrForeign says that a ring belongs to a different stack than the stack that requests a Move.
	ErrForeign = errors.New("it belongs to another stack")
	// ErrConflict says that the source has changed since the ring was loaded.
	ErrConflict = errors.New("the ring has changed since it was read")
)
