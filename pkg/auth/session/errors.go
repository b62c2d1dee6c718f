package session

import (
	"errors"
	"fmt"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

var (
	// ErrEnded says that a refresh token will never work again: its session has ended, or it is not
	// an authentic token of this issuer.
	ErrEnded = errors.New("the session has ended")
	// ErrForeignClient says that a request names a client other than the session's. This is a
	// mistake of the request and no sign of theft.
	ErrForeignClient = errors.New("the session belongs to another client")
	// ErrOtherDelivery says that a refresh token came in the body although its session delivers it
	// in a cookie, or the reverse. A script must not turn a cookie into a token that it can read.
	ErrOtherDelivery = errors.New("the refresh token is delivered in another way")
	// ErrUnknownClient says that the session's client is missing from the configuration. If the
	// client is configured again, the session continues.
	ErrUnknownClient = errors.New("the session's client is not configured")
	// ErrReauth says that a refresh shows a signal for which its client asks for a login. The
	// session does not end: a refresh without the signal continues it.
	ErrReauth = errors.New("the client asks for a login because of where the request comes from")
	// ErrScope says that a refresh asks for a scope that the session was not granted (RFC 6749,
	// section 6).
	ErrScope = errors.New("the scope exceeds the session's scope")
)

// Refusal is the error of [Manager.Refresh], [Manager.Logout] and [Manager.Check]. It wraps exactly
// one of [ErrEnded] (final), [ErrReauth], [ErrScope], [ErrForeignClient], [ErrOtherDelivery],
// [ErrUnknownClient] and [auth.ErrUnavailable], and the cause if it has one.
type Refusal struct {
	Outcome Outcome
	// Session names the session, for the audit log. It is zero if the token was not authentic.
	Session Key
	// Client is the session's client. It is empty if the session was not read.
	Client auth.ClientID
	// Revoked is why the session was ended, if Outcome is [OutcomeRevoked].
	Revoked RevocationReason
	// Signals are the signals of the request, if Outcome is a theft or [OutcomeReauth].
	Signals []auth.Signal
	cause   error
}

// Error returns the outcome and, if r has one, the text of the cause.
func (r *Refusal) Error() string {
	if r.cause != nil {
		return fmt.Sprintf("session refused (%s): %v", r.Outcome, r.cause)
	}
	return fmt.Sprintf("session refused (%s)", r.Outcome)
}

// Unwrap returns the sentinel that decides the answer, and the cause if r has one.
func (r *Refusal) Unwrap() []error {
	sentinel := auth.ErrUnavailable
	switch {
	case r.Outcome.terminal():
		sentinel = ErrEnded
	case r.Outcome == OutcomeReauth:
		sentinel = ErrReauth
	case r.Outcome == OutcomeWiderScope:
		sentinel = ErrScope
	case r.Outcome == OutcomeForeignClient:
		sentinel = ErrForeignClient
	case r.Outcome == OutcomeOtherDelivery:
		sentinel = ErrOtherDelivery
	case r.Outcome == OutcomeUnknownClient:
		sentinel = ErrUnknownClient
	}
	if r.cause == nil {
		return []error{sentinel}
	}
	return []error{sentinel, r.cause}
}
