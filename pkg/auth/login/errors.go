package login

import (
	"errors"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

var (
	// ErrInvalidCredentials is the common answer to a wrong password, an unknown e-mail and a
	// disabled user.
	ErrInvalidCredentials = errors.New("invalid credentials")
	// ErrThrottled means that too many logins were attempted recently. Nothing was checked.
	ErrThrottled = errors.New("too many attempts")
	// ErrPasswordChangeRequired means that the credentials are valid but the password must be
	// changed first.
	ErrPasswordChangeRequired = errors.New("password change required")
)

// Reason says why a login was refused. It is only for the audit log.
type Reason string

// The set of reasons is closed.
const (
	ReasonUnknown       Reason = "unknown"        // no user has the e-mail, or the e-mail is invalid
	ReasonNoPassword    Reason = "no_password"    // the user has no password
	ReasonUnreadable    Reason = "unreadable"     // the stored hash is damaged and needs an operator
	ReasonWrongPassword Reason = "wrong_password" // even if the user is also disabled
	ReasonDisabled      Reason = "disabled"       // the password was correct
	ReasonThrottled     Reason = "throttled"
	ReasonDenied        Reason = "denied" // a step of Steps returned a Denial
)

// Refusal is the error of a refused login. errors.Is reports it as [ErrThrottled] or
// [ErrInvalidCredentials], and its text is the text of that error, so that printing it does not
// reveal whether an account exists.
type Refusal struct {
	Reason Reason
	// Subject is the user. It is empty if no user has the e-mail, or if the user was not read.
	Subject auth.SubjectID
	// RetryAfter is the time to wait if Reason is ReasonThrottled; otherwise zero.
	RetryAfter time.Duration
	// Reference is the pseudonym of the e-mail in the audit log; empty without Config.Keys.
	Reference string
	// KnownDevice means that the client sent a known-device token that is valid for the user. If
	// the device itself has no attempt left, the token is authentic but may belong to another user.
	KnownDevice bool

	cause error
}

// throttled returns the error of attempts.Take for a reached limit.
func throttled(retryAfter time.Duration) *Refusal {
	return &Refusal{Reason: ReasonThrottled, RetryAfter: retryAfter}
}

// Error returns the text of ErrThrottled or ErrInvalidCredentials.
func (r *Refusal) Error() string { return r.answer().Error() }

// Unwrap returns ErrThrottled or ErrInvalidCredentials and, for the log, the underlying error.
func (r *Refusal) Unwrap() []error {
	if r.cause == nil {
		return []error{r.answer()}
	}
	return []error{r.answer(), r.cause}
}

func (r *Refusal) answer() error {
	if r.Reason == ReasonThrottled {
		return ErrThrottled
	}
	return ErrInvalidCredentials
}
