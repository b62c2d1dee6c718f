package flow

import (
	"errors"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

var (
	// ErrInvalidSession means that the auth_session permits nothing any more. The user must ask for
	// a new code.
	ErrInvalidSession = errors.New("invalid auth_session")
	// ErrInvalidCode means that the code is wrong. The same auth_session may be tried again.
	ErrInvalidCode = errors.New("invalid code")
	// ErrNewPassword means that a reset has no new password, or that a login has one. Nothing was
	// checked and no try was counted.
	ErrNewPassword = errors.New("a new password is required for a reset and refused for a login")
)

// Reason says why an answer was refused. It is only for the audit log.
type Reason string

// The set of reasons is closed.
const (
	ReasonForged     Reason = "forged"     // the text is not an auth_session of this issuer
	ReasonClient     Reason = "client"     // another client began the flow
	ReasonUnknown    Reason = "unknown"    // the store has no flow with this id
	ReasonExpired    Reason = "expired"    // the code has ended
	ReasonSpent      Reason = "spent"      // the flow was used
	ReasonTries      Reason = "tries"      // no try is left
	ReasonSuperseded Reason = "superseded" // the user has changed since the flow began
	ReasonTaken      Reason = "taken"      // the address got an account since the flow began
	ReasonClosed     Reason = "closed"     // the address may not sign up any more
	ReasonWrongCode  Reason = "wrong_code" // the code is wrong
)

// Refusal is the error of a refused answer. errors.Is reports it as [ErrInvalidCode] or
// [ErrInvalidSession], and its text is the text of that error.
type Refusal struct {
	Reason  Reason
	Purpose Purpose // zero if the auth_session is forged
	// TriesLeft is the number of tries left at most, if Reason is ReasonWrongCode.
	TriesLeft int
	// Subject is the user. It is set only if the code was right.
	Subject auth.SubjectID
}

// Error returns the text of ErrInvalidCode or ErrInvalidSession.
func (r *Refusal) Error() string { return r.Unwrap().Error() }

// Unwrap returns ErrInvalidCode or ErrInvalidSession.
func (r *Refusal) Unwrap() error {
	if r.Reason == ReasonWrongCode && r.TriesLeft > 0 {
		return ErrInvalidCode
	}
	return ErrInvalidSession
}
