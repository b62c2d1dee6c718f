package login

import (
	"context"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Steps are steps that a deployment adds before and after the password check, for example a
// challenge against bots, an allow-list, a second factor or a mail about a new device. Both may be
// nil. They run within the login and must be safe for concurrent use. Login treats an error that is
// not a [*Denial] as a fault, which says nothing about the credentials.
type Steps struct {
	// Before runs before anything is counted, read or hashed, for every login, whether or not the
	// account exists. In [Authenticator.Admit] it runs before the proof. Its input is untrusted and
	// must not be logged.
	Before func(ctx context.Context, c Credentials) error
	// After runs after the password or another proof is verified and before a session is opened.
	// r.AMR are the methods of the proof. The caller is the owner, so a Denial may contain what
	// only the owner may know. A Denial counts as a failed login, so that a second factor cannot be
	// guessed without limit. After returns the additional methods by which the user proved their
	// identity, for example otp (RFC 8176), or an empty list.
	After func(ctx context.Context, c Credentials, r Result) (methods []string, err error)
}

// Denial is the error by which a step refuses a login. The answer is 403 with the fields below, so
// that a client can act on it, for example ask for the second factor and log in again.
type Denial struct {
	// Code is an error code in the style of OAuth (RFC 6749, section 5.2), for example
	// second_factor_required.
	Code string
	// Description is an optional explanation for developers.
	Description string
	// Subject is the user, for the audit log only. [Authenticator.Login] sets it in a Denial of
	// Steps.After. Other kinds of logins set it if they know the user.
	Subject auth.SubjectID
	// Reference is the pseudonym of the e-mail in the audit log. [Authenticator.Login] sets it.
	Reference string
}

// Error returns the code.
func (d *Denial) Error() string { return "login denied: " + d.Code }

func (s Steps) before(ctx context.Context, c Credentials) error {
	if s.Before == nil {
		return nil
	}
	return s.Before(ctx, c)
}
