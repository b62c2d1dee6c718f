package login

import (
	"errors"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

var (
	// ErrInvalidCredentials is the one answer to a wrong password, an unknown e-mail and a disabled user.
	ErrInvalidCredentials = errors.New("invalid credentials")
	// ErrThrottled says that too many logins were tried lately; nothing was looked at.
	ErrThrottled = errors.New("too many attempts")
	// ErrPasswordChangeRequired says that the credentials are good and open nothing until the password is changed.
	ErrPasswordChangeRequired = errors.New("password change required")
)

// Reason says, to the audit log alone, why a login was refused.
type Reason string

// The closed list of reasons.
const (
	ReasonUnknown       Reason = "unknown"        // no user has the e-mail, or it is none
	ReasonNoPassword    Reason = "no_password"    // the user has no password to log in with
	ReasonUnreadable    Reason = "unreadable"     // the stored hash is damaged: an operator must look
	ReasonWrongPassword Reason = "wrong_password" // also where the user is disabled besides
	ReasonDisabled      Reason = "disabled"       // the password was right
	ReasonThrottled     Reason = "throttled"
	ReasonDenied        Reason = "denied" // a Step said no
)

// Refusal is a login's no. To errors.Is it is ErrThrottled or ErrInvalidCredentials, and Error says no more than
// these do, so that a caller who prints it does not tell if an account exists.
type Refusal struct {
	Reason Reason
	// Subject is the user who was named. It is empty if there is none, or if no user was read.
	Subject auth.SubjectID
	// RetryAfter is how long to wait where Reason is ReasonThrottled, else zero.
	RetryAfter time.Duration
	// Reference is what the audit log calls the e-mail; empty without Config.Keys.
	Reference string

	cause error
}

// Throttled returns what Attempts.Take answers when it grants no slot.
func Throttled(retryAfter time.Duration) *Refusal {
	return &Refusal{Reason: ReasonThrottled, RetryAfter: retryAfter}
}

// Error returns the text of the public answer.
func (r *Refusal) Error() string { return r.answer().Error() }

// Unwrap returns the public answer and, for the log, what went wrong behind it.
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
