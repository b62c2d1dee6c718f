package session

import (
	"errors"
	"fmt"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

var (
	// ErrEnded says that a refresh token will never work again: its session has ended, or it is no token of ours.
	ErrEnded = errors.New("the session has ended")
	// ErrForeignClient says that a refresh names another client than the session's, which is nobody's theft.
	ErrForeignClient = errors.New("the session is another client's")
	// ErrUnknownClient says that the session's client is not configured any more. Once it is again, the session goes on.
	ErrUnknownClient = errors.New("the session's client is unknown")
	// ErrScope says that a refresh asks for a scope that the session was not granted (RFC 6749, section 6).
	ErrScope = errors.New("the scope is wider than the session's")
)

// Refusal is why a refresh or a logout is not granted. It wraps ErrEnded where that is for good, ErrScope,
// ErrForeignClient, ErrUnknownClient, or else auth.ErrUnavailable.
type Refusal struct {
	Outcome Outcome
	// Session names the session where the token was authentic, for the audit log; else it is zero.
	Session Key
	cause   error
}

func (r *Refusal) Error() string {
	if r.cause != nil {
		return fmt.Sprintf("refresh refused (%s): %v", r.Outcome, r.cause)
	}
	return fmt.Sprintf("refresh refused (%s)", r.Outcome)
}

// Unwrap returns the sentinel that decides the answer, and the cause where there is one.
func (r *Refusal) Unwrap() []error {
	sentinel := auth.ErrUnavailable
	switch {
	case r.Outcome.Terminal():
		sentinel = ErrEnded
	case r.Outcome == WiderScope:
		sentinel = ErrScope
	case r.Outcome == ForeignClient:
		sentinel = ErrForeignClient
	case r.Outcome == UnknownClient:
		sentinel = ErrUnknownClient
	}
	if r.cause == nil {
		return []error{sentinel}
	}
	return []error{sentinel, r.cause}
}
